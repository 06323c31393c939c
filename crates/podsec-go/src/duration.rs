//! Durations as Go writes and reads them: `10s`, `1m30s`, `1.5h`, `-250ms`.

use core::time::Duration;

use crate::quote::quoted;

/// A text that is no duration, in the words of Go's `time.ParseDuration`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DurationError {
    /// It has no number where one must be, or is longer than 292 years.
    #[error("time: invalid duration {}", quoted(.0))]
    Invalid(String),
    /// A number has no unit.
    #[error("time: missing unit in duration {}", quoted(.0))]
    MissingUnit(String),
    /// A number has a unit that Go does not know.
    #[error("time: unknown unit {} in duration {}", quoted(.unit), quoted(.text))]
    UnknownUnit {
        /// The unit.
        unit: String,
        /// The whole text.
        text: String,
    },
}

/// Reads a duration, in nanoseconds. Parts of a nanosecond are cut off.
///
/// ```
/// assert_eq!(podsec_go::duration::parse("1m0.5s"), Ok(60_500_000_000));
/// assert_eq!(podsec_go::duration::parse("10").unwrap_err().to_string(), r#"time: missing unit in duration "10""#);
/// ```
///
/// # Errors
/// When the text is no duration.
pub fn parse(text: &str) -> Result<i64, DurationError> {
    let invalid = || DurationError::Invalid(text.to_owned());
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_negative = text.starts_with('-');
    if unsigned == "0" {
        return Ok(0);
    }
    if unsigned.is_empty() {
        return Err(invalid());
    }
    let mut rest = unsigned;
    // Go counts in 64 bits without a sign, of which the largest is the smallest negative duration.
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let (whole, behind) = digits(rest);
        let (fraction, behind) = behind.strip_prefix('.').map_or(("", behind), digits);
        if whole.is_empty() && fraction.is_empty() {
            return Err(invalid());
        }
        let end = behind.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(behind.len());
        let (unit, next) = behind.split_at(end);
        if unit.is_empty() {
            return Err(DurationError::MissingUnit(text.to_owned()));
        }
        let Some(unit) = UNITS.iter().find(|(name, _)| *name == unit).map(|(_, nanoseconds)| *nanoseconds)
        else {
            return Err(DurationError::UnknownUnit { unit: unit.to_owned(), text: text.to_owned() });
        };
        let part = part(whole, fraction, unit).filter(|part| *part <= LIMIT).ok_or_else(invalid)?;
        total = total.checked_add(part).filter(|total| *total <= LIMIT).ok_or_else(invalid)?;
        rest = next;
    }
    if is_negative {
        return Ok(0_i64.checked_sub_unsigned(total).unwrap_or(i64::MIN));
    }
    i64::try_from(total).map_err(|_| invalid())
}

/// Reads a duration that is not negative.
///
/// # Errors
/// When the text is no duration, or a negative one.
pub fn parse_positive(text: &str) -> Result<Duration, DurationError> {
    let nanoseconds = parse(text)?.try_into().map_err(|_| DurationError::Invalid(text.to_owned()))?;
    Ok(Duration::from_nanos(nanoseconds))
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

/// `whole.fraction` units in nanoseconds; none when they are too many.
fn part(whole: &str, fraction: &str, unit: u64) -> Option<u64> {
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    // More digits than fit decide about less than a nanosecond.
    let kept = fraction.get(..fraction.len().min(18)).unwrap_or_default();
    let numerator: u128 = if kept.is_empty() { 0 } else { kept.parse().ok()? };
    let denominator = 10_u128.checked_pow(u32::try_from(kept.len()).ok()?)?;
    let fraction = u64::try_from(u128::from(unit) * numerator / denominator).ok()?;
    whole.checked_mul(unit)?.checked_add(fraction)
}

const LIMIT: u64 = 1 << 63;
/// In nanoseconds; both letters that look like the Greek mu.
const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("\u{b5}s", 1_000),
    ("\u{3bc}s", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_are_read_as_go_reads_them() {
        for (text, nanoseconds) in [
            ("0", 0),
            ("+0", 0),
            ("5s", 5_000_000_000),
            ("1m30s", 90_000_000_000),
            ("1.5h", 5_400_000_000_000),
            (".5s", 500_000_000),
            ("5.s", 5_000_000_000),
            ("-2ms", -2_000_000),
            ("1h2m3s4ms5us6ns", 3_723_004_005_006),
            ("3µs2μs", 5_000),
            ("0.3333333333333333333h", 1_200_000_000_000 - 1),
            ("9223372036854775807ns", i64::MAX),
            ("-9223372036854775808ns", i64::MIN),
            ("0.100000000000000000000h", 360_000_000_000),
        ] {
            assert_eq!(parse(text), Ok(nanoseconds), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused_in_gos_words() {
        for (text, message) in [
            ("", r#"time: invalid duration """#),
            ("-", r#"time: invalid duration "-""#),
            ("bogus", r#"time: invalid duration "bogus""#),
            (".s", r#"time: invalid duration ".s""#),
            ("3", r#"time: missing unit in duration "3""#),
            ("1s2", r#"time: missing unit in duration "1s2""#),
            ("1x", r#"time: unknown unit "x" in duration "1x""#),
            ("1s ", r#"time: unknown unit "s " in duration "1s ""#),
            ("1.2.3s", r#"time: missing unit in duration "1.2.3s""#),
            ("9223372036854775808ns", r#"time: invalid duration "9223372036854775808ns""#),
            ("3000000h", r#"time: invalid duration "3000000h""#),
        ] {
            assert_eq!(parse(text).unwrap_err().to_string(), message);
        }
        assert!(parse_positive("-1s").is_err());
    }

    proptest! {
        #[test]
        fn parts_add_up(hours in 0_i64..1000, minutes in 0_i64..1000, milliseconds in 0_i64..100_000) {
            let text = format!("{hours}h{minutes}m{milliseconds}ms");
            let expected = ((hours * 60 + minutes) * 60_000 + milliseconds) * 1_000_000;
            prop_assert_eq!(parse(&text), Ok(expected));
            prop_assert_eq!(parse(&format!("-{text}")), Ok(-expected));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[0-9.smhnuµ+-]{0,24}|.{0,20}") {
            let _ = parse(&text);
        }
    }
}
