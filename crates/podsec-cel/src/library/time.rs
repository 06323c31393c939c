//! The parts of times and durations: `getHours()`, `getDate("Europe/Berlin")`.

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, Zoned};

use super::arguments::unfit;
use crate::declaration::{Body, Function, id, member};
use crate::error::Error;
use crate::types::Type;
use crate::value::Value;

pub(super) fn functions() -> Vec<Function> {
    let parts: [(&'static str, &str, Body); 10] = [
        ("getFullYear", "year", |args, _| part(args, |time| i64::from(time.year()), None)),
        ("getMonth", "month", |args, _| part(args, |time| i64::from(time.month()) - 1, None)),
        ("getDayOfYear", "day_of_year", |args, _| part(args, |time| i64::from(time.day_of_year()) - 1, None)),
        ("getDayOfMonth", "day_of_month", |args, _| part(args, |time| i64::from(time.day()) - 1, None)),
        ("getDate", "day_of_month_1_based", |args, _| part(args, |time| i64::from(time.day()), None)),
        ("getDayOfWeek", "day_of_week", |args, _| {
            part(args, |time| i64::from(time.weekday().to_sunday_zero_offset()), None)
        }),
        ("getHours", "hours", |args, _| part(args, |time| i64::from(time.hour()), Some(3_600_000_000_000))),
        ("getMinutes", "minutes", |args, _| {
            part(args, |time| i64::from(time.minute()), Some(60_000_000_000))
        }),
        ("getSeconds", "seconds_tz", |args, _| {
            part(args, |time| i64::from(time.second()), Some(1_000_000_000))
        }),
        ("getMilliseconds", "milliseconds", |args, _| {
            part(args, |time| i64::from(time.subsec_nanosecond() / 1_000_000), Some(1_000_000))
        }),
    ];
    parts
        .into_iter()
        .enumerate()
        .map(|(position, (name, part, body))| {
            let mut overloads = vec![
                member(id(format!("timestamp_to_{part}")), &[Type::Timestamp], &Type::Int),
                member(
                    id(format!("timestamp_to_{part}_with_tz")),
                    &[Type::Timestamp, Type::String],
                    &Type::Int,
                ),
            ];
            if position >= 6 {
                overloads.push(member(id(format!("duration_to_{part}")), &[Type::Duration], &Type::Int));
            }
            Function::new(name, body, overloads)
        })
        .collect()
}

fn part(args: &[Value], of: fn(DateTime) -> i64, unit: Option<i64>) -> Result<Value, Error> {
    match (args, unit) {
        ([Value::Timestamp(time)], _) => Ok(Value::Int(of(time.to_zoned(TimeZone::UTC).datetime()))),
        ([Value::Timestamp(time), Value::String(zone)], _) => Ok(Value::Int(of(in_zone(*time, zone)?))),
        ([Value::Duration(span)], Some(unit)) => Ok(Value::Int(span / unit)),
        _ => Err(unfit("getDate", args)),
    }
}

/// The local time in a zone, by its name or its offset: `America/New_York`, `-03:30`, `5:30`.
fn in_zone(time: Timestamp, zone: &str) -> Result<DateTime, Error> {
    let Some((hours, minutes)) = zone.split_once(':') else {
        let zone = match zone {
            "" | "UTC" | "Local" => TimeZone::UTC,
            // The names' case counts.
            _ => TimeZone::get(zone)
                .ok()
                .filter(|found| found.iana_name() == Some(zone))
                .ok_or_else(|| Error::new(format!("unknown time zone {zone}")))?,
        };
        return Ok(Zoned::new(time, zone).datetime());
    };
    let number = |text: &str| {
        let syntax = || {
            Error::new(format!("strconv.Atoi: parsing {}: invalid syntax", podsec_go::quote::quoted(text)))
        };
        text.parse::<i32>().map_err(|_| syntax())
    };
    let (whole, rest) = (number(hours)?, number(minutes)?);
    let seconds = whole.saturating_mul(3600);
    let rest = rest.saturating_mul(60);
    let seconds = if whole < 0 || hours.starts_with('-') {
        seconds.saturating_sub(rest)
    } else {
        seconds.saturating_add(rest)
    };
    let offset = Offset::from_seconds(seconds).map_err(|error| Error::new(error.to_string()))?;
    Ok(offset.to_datetime(time))
}
