//! Times in JSON (`metav1.Time`, `metav1.MicroTime`): read as Go reads them, written in UTC.

use jiff::Timestamp;
use jiff::fmt::strtime;
pub use podsec_go::time::{Precision, TimeError};

/// Reads RFC 3339.
///
/// # Errors
/// When the text is not a time of this precision.
pub fn parse(text: &str, precision: Precision) -> Result<Timestamp, TimeError> {
    let time = podsec_go::time::parse(text, precision)?;
    let nanoseconds = i32::try_from(time.nanoseconds).map_err(|_| TimeError::out_of_range(text))?;
    Timestamp::new(time.seconds, nanoseconds).map_err(|_| TimeError::out_of_range(text))
}

/// Writes RFC 3339 in UTC.
pub fn format(time: Timestamp, precision: Precision) -> String {
    let format = match precision {
        Precision::Seconds => "%Y-%m-%dT%H:%M:%SZ",
        Precision::Microseconds => "%Y-%m-%dT%H:%M:%S.%6fZ",
    };
    strtime::format(format, time).unwrap_or_else(|_| time.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_utc() {
        for (text, seconds) in [
            ("2024-02-29T23:59:59Z", "2024-02-29T23:59:59Z"),
            ("2024-01-01T01:00:00.75+02:00", "2023-12-31T23:00:00Z"),
        ] {
            let time = parse(text, Precision::Seconds).unwrap();
            assert_eq!(format(time, Precision::Seconds), seconds);
        }
        let time = parse("2024-01-01T00:00:00.000120-01:00", Precision::Microseconds).unwrap();
        assert_eq!(format(time, Precision::Microseconds), "2024-01-01T01:00:00.000120Z");
        let last = parse("9999-12-31T23:59:59-24:00", Precision::Seconds).unwrap_err().to_string();
        assert_eq!(last, "parsing time \"9999-12-31T23:59:59-24:00\": out of range");
    }
}
