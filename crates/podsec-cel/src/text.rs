//! Numbers and times as the texts that Go makes of them.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A double as `string(1e6)` shows it: the shortest text, with an exponent below 1e-4 and from 1e6 on.
pub(crate) fn double(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    // `1.5e-7` or `1e21`: the shortest digits, with the exponent that decides.
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) || number == 0.0 {
        return format!("{number}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

/// A duration in seconds, as `string(duration("1500ms"))` shows it: `1.5s`.
pub(crate) fn duration(nanoseconds: i64) -> String {
    format!("{}s", seconds(nanoseconds))
}

/// Nanoseconds as seconds, as Go's `Duration.Seconds` rounds them.
#[expect(clippy::cast_precision_loss, reason = "whole seconds and their rest each fit a double's digits")]
pub(crate) fn seconds(nanoseconds: i64) -> f64 {
    (nanoseconds / NANOSECONDS) as f64 + (nanoseconds % NANOSECONDS) as f64 / 1e9
}

/// Nanoseconds in a second.
pub(crate) const NANOSECONDS: i64 = 1_000_000_000;

/// A moment in UTC by RFC 3339, with as many digits of the second as are needed.
pub(crate) fn timestamp(time: Timestamp) -> String {
    let time = time.to_zoned(TimeZone::UTC).datetime();
    let mut text = format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
        time.year(),
        time.month(),
        time.day(),
        time.hour(),
        time.minute(),
        time.second()
    );
    let fraction = format!("{:09}", time.subsec_nanosecond());
    let fraction = fraction.trim_end_matches('0');
    if !fraction.is_empty() {
        text.push('.');
        text.push_str(fraction);
    }
    text.push('Z');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_are_written_as_go_writes_them() {
        for (number, text) in [
            (1.0, "1"),
            (0.0, "0"),
            (1e6, "1e+06"),
            (123_456.0, "123456"),
            (1.5e-7, "1.5e-07"),
            (1e100, "1e+100"),
            (0.0001, "0.0001"),
            (-2.5, "-2.5"),
        ] {
            assert_eq!(double(number), text);
        }
    }

    #[test]
    fn durations_are_seconds() {
        assert_eq!(duration(1_500_000_000), "1.5s");
        assert_eq!(duration(-90 * NANOSECONDS), "-90s");
    }
}
