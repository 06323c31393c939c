//! Cron's notation of times as Kubernetes reads it: five fields or a descriptor, in the parser's own words.

use podsec_apimachinery::quote::quoted;

use super::time_zones;

/// What is wrong with a schedule.
pub(crate) fn check(schedule: &str) -> Result<(), String> {
    let zoned = schedule.strip_prefix("TZ=").or_else(|| schedule.strip_prefix("CRON_TZ="));
    let schedule = match zoned.map(|zoned| zoned.split_once(' ')) {
        None => schedule,
        // The parser panics here, and Kubernetes tells of it.
        Some(None) => return Err(NO_SPACE.to_owned()),
        Some(Some((zone, rest))) if matches!(zone, "" | "Local") || time_zones::is_known(zone) => rest.trim(),
        Some(Some((zone, _))) => {
            return Err(format!("provided bad location {zone}: unknown time zone {zone}"));
        }
    };
    if let Some(descriptor) = schedule.strip_prefix('@') {
        return check_descriptor(schedule, descriptor);
    }
    let fields: Vec<&str> = schedule.split_whitespace().collect();
    let &[minute, hour, day, month, weekday] = fields.as_slice() else {
        return Err(format!("expected exactly 5 fields, found {}: [{}]", fields.len(), fields.join(" ")));
    };
    check_field(minute, &Bounds { least: 0, most: 59, names: &[] })?;
    check_field(hour, &Bounds { least: 0, most: 23, names: &[] })?;
    check_field(day, &Bounds { least: 1, most: 31, names: &[] })?;
    check_field(month, &Bounds { least: 1, most: 12, names: MONTHS })?;
    check_field(weekday, &Bounds { least: 0, most: 6, names: WEEKDAYS })
}

fn check_descriptor(schedule: &str, descriptor: &str) -> Result<(), String> {
    match descriptor {
        "yearly" | "annually" | "monthly" | "weekly" | "daily" | "midnight" | "hourly" => Ok(()),
        _ => match descriptor.strip_prefix("every ") {
            None => Err(format!("unrecognized descriptor: {schedule}")),
            Some(duration) if podsec_go::duration::parse(duration).is_ok() => Ok(()),
            Some(duration) => Err(format!(
                "failed to parse duration {schedule}: time: invalid duration {}",
                quoted(duration)
            )),
        },
    }
}

/// What a field may hold, and the names for its numbers.
struct Bounds {
    least: u64,
    most: u64,
    names: &'static [&'static str],
}

fn check_field(field: &str, bounds: &Bounds) -> Result<(), String> {
    field.split(',').filter(|range| !range.is_empty()).try_for_each(|range| check_range(range, bounds))
}

fn check_range(range: &str, bounds: &Bounds) -> Result<(), String> {
    let steps: Vec<&str> = range.split('/').collect();
    let first = steps.first().copied().unwrap_or_default();
    let ends: Vec<&str> = first.split('-').collect();
    let (start, mut end) = match ends.as_slice() {
        ["*" | "?"] => (bounds.least, bounds.most),
        [one] => {
            let one = number_or_name(one, bounds)?;
            (one, one)
        }
        [start, end] => (number_or_name(start, bounds)?, number_or_name(end, bounds)?),
        _ => return Err(format!("too many hyphens: {range}")),
    };
    match steps.as_slice() {
        [_] => {}
        [_, step] => {
            // `5/15` is `5-59/15`.
            if ends.len() == 1 {
                end = end.max(bounds.most);
            }
            if number(step)? == 0 {
                return Err(format!("step of range should be a positive number: {range}"));
            }
        }
        _ => return Err(format!("too many slashes: {range}")),
    }
    if start < bounds.least {
        return Err(format!("beginning of range ({start}) below minimum ({}): {range}", bounds.least));
    }
    if end > bounds.most {
        return Err(format!("end of range ({end}) above maximum ({}): {range}", bounds.most));
    }
    if start > end {
        return Err(format!("beginning of range ({start}) beyond end of range ({end}): {range}"));
    }
    Ok(())
}

fn number_or_name(text: &str, bounds: &Bounds) -> Result<u64, String> {
    let lower = text.to_lowercase();
    match bounds.names.iter().position(|name| *name == lower) {
        Some(position) => Ok(bounds.least + position as u64),
        None => number(text),
    }
}

fn number(text: &str) -> Result<u64, String> {
    let why = match text.parse::<i64>() {
        Ok(negative @ ..0) => return Err(format!("negative number ({negative}) not allowed: {text}")),
        Ok(number) => return Ok(number.unsigned_abs()),
        Err(error) if matches!(error.kind(), std::num::IntErrorKind::PosOverflow) => "value out of range",
        Err(_) => "invalid syntax",
    };
    Err(format!("failed to parse int from {text}: strconv.Atoi: parsing {}: {why}", quoted(text)))
}

const NO_SPACE: &str = "invalid schedule format: runtime error: slice bounds out of range [:-1]";
const MONTHS: &[&str] = &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: &[&str] = &["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn schedules_are_five_fields_or_a_descriptor() {
        for schedule in [
            "* * * * *",
            "*/5 0-23/2 1,15 jan-mar MON",
            "0 0 ? * 0",
            "5/15 * * * *",
            "@hourly",
            "@every 1h30m",
            "@every 1.5s",
        ] {
            assert_eq!(check(schedule), Ok(()), "{schedule}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_in_the_parsers_words() {
        let cases = [
            ("bogus", "expected exactly 5 fields, found 1: [bogus]"),
            ("* * * * * *", "expected exactly 5 fields, found 6: [* * * * * *]"),
            ("60 * * * *", "end of range (60) above maximum (59): 60"),
            ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
            ("5-1 * * * *", "beginning of range (5) beyond end of range (1): 5-1"),
            ("*/0 * * * *", "step of range should be a positive number: */0"),
            ("x * * * *", "failed to parse int from x: strconv.Atoi: parsing \"x\": invalid syntax"),
            ("1-2-3 * * * *", "too many hyphens: 1-2-3"),
            ("*/2/3 * * * *", "too many slashes: */2/3"),
            ("@never", "unrecognized descriptor: @never"),
            ("@every x", "failed to parse duration @every x: time: invalid duration \"x\""),
        ];
        for (schedule, wrong) in cases {
            assert_eq!(check(schedule), Err(wrong.to_owned()), "{schedule}");
        }
    }

    proptest! {
        #[test]
        fn no_schedule_panics(schedule in "[-@*/?, a-z0-9.µ]{0,30}") {
            let _ = check(&schedule);
        }
    }
}
