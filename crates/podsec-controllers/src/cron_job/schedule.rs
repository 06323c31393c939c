//! When a CronJob is due: cron's five fields, or a descriptor as `@hourly`. The API server has refused what is neither.

use std::time::Duration;

use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan as _, Zoned};

/// A schedule in a time zone.
#[derive(Clone, Debug)]
pub(super) enum Schedule {
    /// Again after the same time.
    Every(Duration),
    /// At all times whose parts are in these sets.
    At(Box<Times>),
}

/// Sets of numbers, as bits.
#[derive(Clone, Debug)]
pub(super) struct Times {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// Whether a day must be in both sets of days, since one of them is everything.
    needs_both: bool,
    zone: TimeZone,
}

impl Schedule {
    /// Reads a schedule; `zone` counts unless the schedule names one itself.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn parse(text: &str, zone: &TimeZone) -> Result<Self, String> {
        let named = text.strip_prefix("TZ=").or_else(|| text.strip_prefix("CRON_TZ="));
        let (zone, text) = match named.and_then(|named| named.split_once(' ')) {
            Some((name, rest)) => {
                let zone = TimeZone::get(name);
                (
                    zone.map_err(|_| format!("provided bad location {name}: unknown time zone {name}"))?,
                    rest.trim(),
                )
            }
            None => (zone.clone(), text),
        };
        let fields = match text {
            "@yearly" | "@annually" => "0 0 1 1 *",
            "@monthly" => "0 0 1 * *",
            "@weekly" => "0 0 * * 0",
            "@daily" | "@midnight" => "0 0 * * *",
            "@hourly" => "0 * * * *",
            _ => text,
        };
        if let Some(duration) = fields.strip_prefix("@every ") {
            let duration = podsec_go::duration::parse_positive(duration)
                .map_err(|_| format!("failed to parse duration {fields}"))?;
            return Ok(Self::Every(Duration::from_secs(duration.as_secs().max(1))));
        }
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let &[minute, hour, day, month, weekday] = fields.as_slice() else {
            return Err(format!("expected exactly 5 fields, found {}: [{}]", fields.len(), fields.join(" ")));
        };
        let is_everything =
            |field: &str| field.split(',').any(|part| matches!(part.split('/').next(), Some("*" | "?")));
        Ok(Self::At(Box::new(Times {
            minutes: set(minute, 0, 59, &[])?,
            hours: set(hour, 0, 23, &[])?,
            days: set(day, 1, 31, &[])?,
            months: set(month, 1, 12, MONTHS)?,
            weekdays: set(weekday, 0, 6, WEEKDAYS)?,
            needs_both: is_everything(day) || is_everything(weekday),
            zone,
        })))
    }

    /// The first time after `instant`; nothing when there is none within five years.
    pub(super) fn next(&self, instant: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Every(duration) => {
                let second = Timestamp::from_second(instant.as_second()).ok()?;
                second.checked_add(*duration).ok()
            }
            Self::At(times) => times.next(instant),
        }
    }
}

impl Times {
    fn next(&self, instant: Timestamp) -> Option<Timestamp> {
        let minute = Timestamp::from_second(instant.as_second().div_euclid(60) * 60).ok()?;
        let mut time = minute.checked_add(1.minute()).ok()?.to_zoned(self.zone.clone());
        let last = time.year() + 5;
        while time.year() <= last {
            let moved = if !has(self.months, time.month()) {
                let first = time.date().first_of_month().checked_add(1.month()).ok()?;
                first.to_zoned(self.zone.clone()).ok()?
            } else if !self.has_day(&time) {
                time.date().tomorrow().ok()?.to_zoned(self.zone.clone()).ok()?
            } else if !has(self.hours, time.hour()) {
                // By the clock that runs on, not the one on the wall: hours that are skipped do not come, and those that
                // come twice count twice.
                plus(&time, (60 - i64::from(time.minute())).minutes())?
            } else if !has(self.minutes, time.minute()) {
                plus(&time, 1.minute())?
            } else {
                return Some(time.timestamp());
            };
            time = moved;
        }
        None
    }

    fn has_day(&self, time: &Zoned) -> bool {
        let by_date = has(self.days, time.day());
        let by_weekday = has(self.weekdays, Weekday::to_sunday_zero_offset(time.weekday()));
        if self.needs_both { by_date && by_weekday } else { by_date || by_weekday }
    }
}

fn plus(time: &Zoned, span: Span) -> Option<Zoned> {
    let moved = time.timestamp().checked_add(span).ok()?;
    Some(moved.to_zoned(time.time_zone().clone()))
}

fn has(set: u64, number: i8) -> bool {
    u32::try_from(number).is_ok_and(|number| set & (1 << number) != 0)
}

/// The numbers of a field: `*`, `5`, `1-5`, `*/15`, `3-30/2`, names, and lists of those.
fn set(field: &str, least: u32, most: u32, names: &[&str]) -> Result<u64, String> {
    let mut bits = 0;
    for part in field.split(',').filter(|part| !part.is_empty()) {
        let (range, step) = part.split_once('/').map_or((part, None), |(range, step)| (range, Some(step)));
        let number = |text: &str| {
            let position = names.iter().position(|name| name.eq_ignore_ascii_case(text));
            let by_name = position.and_then(|index| u32::try_from(index).ok()).map(|index| least + index);
            by_name.or_else(|| text.parse().ok()).ok_or_else(|| format!("failed to parse int from {text}"))
        };
        let (start, end) = match range {
            "*" | "?" => (least, most),
            range => match range.split_once('-') {
                Some((start, end)) => (number(start)?, number(end)?),
                None if step.is_some() => (number(range)?, most),
                None => (number(range)?, number(range)?),
            },
        };
        let step: u32 =
            step.map_or(Ok(1), |step| step.parse().map_err(|_| format!("failed to parse int from {step}")))?;
        if start < least || end > most || start > end || step == 0 {
            return Err(format!("range out of bounds: {part}"));
        }
        let mut number = start;
        while number <= end {
            bits |= 1 << number;
            number = number.saturating_add(step);
        }
    }
    Ok(bits)
}

const MONTHS: &[&str] = &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: &[&str] = &["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

#[cfg(test)]
mod tests {
    use super::*;

    fn following(schedule: &str, zone: &str, from: &str, count: usize) -> Vec<String> {
        let schedule = Schedule::parse(schedule, &TimeZone::get(zone).unwrap()).unwrap();
        let mut instant: Timestamp = from.parse().unwrap();
        let mut times = Vec::new();
        for _ in 0..count {
            instant = schedule.next(instant).unwrap();
            times.push(instant.to_string());
        }
        times
    }

    #[test]
    fn a_schedule_is_due_at_the_times_of_its_fields() {
        let next = |schedule: &str| following(schedule, "UTC", "2026-01-30T10:07:30Z", 2);
        assert_eq!(next("*/5 * * * *"), ["2026-01-30T10:10:00Z", "2026-01-30T10:15:00Z"]);
        assert_eq!(next("30 4 1 * *"), ["2026-02-01T04:30:00Z", "2026-03-01T04:30:00Z"]);
        // One of the two days is enough, unless one of them is everything.
        assert_eq!(next("0 0 1 * mon"), ["2026-02-01T00:00:00Z", "2026-02-02T00:00:00Z"]);
        assert_eq!(next("0 0 29 2 *"), ["2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"]);
        assert_eq!(next("@every 90s"), ["2026-01-30T10:09:00Z", "2026-01-30T10:10:30Z"]);
        assert_eq!(next("@daily"), ["2026-01-31T00:00:00Z", "2026-02-01T00:00:00Z"]);
        let never = Schedule::parse("0 0 30 2 *", &TimeZone::UTC).unwrap();
        assert_eq!(never.next(Timestamp::UNIX_EPOCH), None);
    }

    #[test]
    fn an_hour_that_is_skipped_does_not_come_and_one_that_comes_twice_counts_twice() {
        let berlin = |from| following("30 2 * * *", "Europe/Berlin", from, 2);
        assert_eq!(berlin("2026-03-28T12:00:00Z"), ["2026-03-30T00:30:00Z", "2026-03-31T00:30:00Z"]);
        assert_eq!(berlin("2026-10-24T12:00:00Z"), ["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"]);
        let zone = TimeZone::UTC;
        let named = Schedule::parse("TZ=Asia/Tokyo 0 9 * * *", &zone).unwrap();
        assert_eq!(named.next(Timestamp::UNIX_EPOCH).unwrap().to_string(), "1970-01-02T00:00:00Z");
    }
}
