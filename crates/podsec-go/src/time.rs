//! Times in RFC 3339 (`metav1.Time`, `metav1.MicroTime`), refused in the words of Go's `time.Parse`.

/// A text that is no time, in the words of Go's `time.Parse`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("parsing time {text:?}{reason}")]
pub struct TimeError {
    text: String,
    reason: String,
}

impl TimeError {
    /// The error for a time that is one, and lies further away than can be told.
    pub fn out_of_range(text: &str) -> Self {
        Self { text: text.to_owned(), reason: ": out of range".to_owned() }
    }
}

/// A moment: seconds since the beginning of 1970 in UTC, and the nanoseconds of the second that has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time {
    /// Seconds since 1970-01-01T00:00:00Z, negative before it.
    pub seconds: i64,
    /// Below 1,000,000,000.
    pub nanoseconds: u32,
}

/// How many digits a second has after the point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// `metav1.Time` reads any number of them and writes none.
    Seconds,
    /// `metav1.MicroTime` reads and writes six.
    Microseconds,
}

/// Reads a time of this precision.
///
/// ```
/// use podsec_go::time::{Precision, parse};
///
/// assert_eq!(parse("1970-01-01T01:00:00+01:00", Precision::Seconds).unwrap().seconds, 0);
/// ```
///
/// # Errors
/// When the text is no such time.
pub fn parse(text: &str, precision: Precision) -> Result<Time, TimeError> {
    let mut reader = Reader { rest: text, layout: precision.layout() };
    reader.time(precision).map_err(|reason| TimeError { text: text.to_owned(), reason })
}

impl Precision {
    fn layout(self) -> &'static str {
        match self {
            Self::Seconds => "2006-01-02T15:04:05Z07:00",
            Self::Microseconds => "2006-01-02T15:04:05.000000Z07:00",
        }
    }
}

/// Walks a text along Go's layout; the errors are what follows the quoted text in Go's message.
struct Reader<'a> {
    rest: &'a str,
    layout: &'static str,
}

impl Reader<'_> {
    fn time(&mut self, precision: Precision) -> Result<Time, String> {
        let year = self.number("2006")?;
        self.literal("-")?;
        let month = self.ranged("01", 1..=12, "month")?;
        self.literal("-")?;
        let day = self.number("02")?;
        self.literal("T")?;
        let hour = self.ranged("15", 0..=23, "hour")?;
        self.literal(":")?;
        let minute = self.ranged("04", 0..=59, "minute")?;
        self.literal(":")?;
        let second = self.ranged("05", 0..=59, "second")?;
        let nanoseconds = match precision {
            Precision::Seconds => self.fraction(),
            Precision::Microseconds => self.microseconds()? * 1000,
        };
        let offset = self.zone()?;
        if !self.rest.is_empty() {
            return Err(format!(": extra text: {:?}", self.rest));
        }
        if day < 1 || day > days(year, month) {
            return Err(": day out of range".to_owned());
        }
        let seconds = days_since_1970(year, month, day) * 86_400
            + i64::from(hour) * 3600
            + i64::from(minute) * 60
            + i64::from(second)
            - offset;
        Ok(Time { seconds, nanoseconds })
    }

    /// How many seconds the zone is ahead of UTC.
    fn zone(&mut self) -> Result<i64, String> {
        if let Some(rest) = self.rest.strip_prefix('Z') {
            self.rest = rest;
            return Ok(0);
        }
        let whole = Self { rest: self.rest, layout: self.layout };
        let sign = if self.rest.starts_with('-') { -1 } else { 1 };
        let signed = |reader: &mut Self| {
            reader.rest = reader.rest.strip_prefix(['+', '-'])?;
            let hours = reader.number("07").ok()?;
            reader.literal(":").ok()?;
            Some((hours, reader.number("00").ok()?))
        };
        match signed(self) {
            None => Err(whole.unlike("Z07:00")),
            Some((25.., _)) => Err(": time zone offset hour out of range".to_owned()),
            Some((_, 61..)) => Err(": time zone offset minute out of range".to_owned()),
            Some((hours, minutes)) => Ok(sign * i64::from(hours * 3600 + minutes * 60)),
        }
    }

    fn ranged(
        &mut self,
        element: &str,
        range: core::ops::RangeInclusive<u32>,
        name: &str,
    ) -> Result<u32, String> {
        let number = self.number(element)?;
        if range.contains(&number) { Ok(number) } else { Err(format!(": {name} out of range")) }
    }

    /// A number of as many digits as the layout's element has; an hour may have one.
    fn number(&mut self, element: &str) -> Result<u32, String> {
        let digits = self.rest.bytes().take(element.len()).take_while(u8::is_ascii_digit).count();
        let enough = digits == element.len() || (element == "15" && digits == 1);
        let parsed = self.rest.split_at_checked(digits).filter(|_| enough);
        let parsed = parsed.and_then(|(digits, rest)| Some((digits.parse().ok()?, rest)));
        let (number, rest) = parsed.ok_or_else(|| self.unlike(element))?;
        self.rest = rest;
        Ok(number)
    }

    fn literal(&mut self, element: &str) -> Result<(), String> {
        self.rest = self.rest.strip_prefix(element).ok_or_else(|| self.unlike(element))?;
        Ok(())
    }

    /// Takes a point or a comma and the digits after it, if there are any; in nanoseconds.
    fn fraction(&mut self) -> u32 {
        let Some(behind) = self.rest.strip_prefix(['.', ',']) else { return 0 };
        let rest = behind.trim_start_matches(|c: char| c.is_ascii_digit());
        let digits = behind.len() - rest.len();
        if digits == 0 {
            return 0;
        }
        self.rest = rest;
        let padded = behind.bytes().take(digits).chain(core::iter::repeat(b'0'));
        padded.take(9).fold(0, |nanoseconds, digit| nanoseconds * 10 + u32::from(digit - b'0'))
    }

    fn microseconds(&mut self) -> Result<u32, String> {
        let whole = Self { rest: self.rest, layout: self.layout };
        let unlike = |_| whole.unlike(".000000");
        self.rest = self.rest.strip_prefix(['.', ',']).ok_or_else(|| whole.unlike(".000000"))?;
        self.number("000000").map_err(unlike)
    }

    fn unlike(&self, element: &str) -> String {
        format!(" as {:?}: cannot parse {:?} as {element:?}", self.layout, self.rest)
    }
}

fn days(year: u32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days from 1970-01-01 in the Gregorian calendar.
///
/// Years are counted from March, so that the day that some Februaries have more comes last: 2024-03-01 is day 0 of its year,
/// and the months from March on begin at (153 m + 2) / 5, which is 0, 31, 61, 92, ….
fn days_since_1970(year: u32, month: u32, day: u32) -> i64 {
    let (year, month, day) = (i64::from(year), i64::from(month), i64::from(day));
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leap_days + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_are_those_of_go() {
        for text in [
            "2026-11-22T03:04:05Z",
            "2026-11-22T03:04:05.123456789Z",
            "2024-02-29T00:00:00+05:30",
            "2026-11-22T3:04:05Z",
            "2026-11-22T03:04:05,5-24:60",
            "0000-01-01T00:00:00Z",
        ] {
            assert!(parse(text, Precision::Seconds).is_ok(), "{text}");
        }
        for text in [
            "",
            "2026-11-22",
            "2026-11-22T03:04:05",
            "2026-11-22 03:04:05Z",
            "2026-11-22t03:04:05z",
            "2026-02-29T00:00:00Z",
            "2100-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-04-31T00:00:00Z",
            "2026-11-22T24:00:00Z",
            "2026-11-22T03:60:00Z",
            "2026-11-22T03:04:60Z",
            "2026-11-22T03:04:05.Z",
            "2026-11-22T03:04:05+25:00",
            "2026-11-22T03:04:05Z ",
            "26-11-22T03:04:05Z",
        ] {
            assert!(parse(text, Precision::Seconds).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused_in_gos_words() {
        let layout = "as \"2006-01-02T15:04:05Z07:00\": cannot parse";
        for (text, message) in [
            ("", format!("parsing time \"\" {layout} \"\" as \"2006\"")),
            ("yesterday", format!("parsing time \"yesterday\" {layout} \"yesterday\" as \"2006\"")),
            ("2024-01-01", format!("parsing time \"2024-01-01\" {layout} \"\" as \"T\"")),
            ("2024-1-01", format!("parsing time \"2024-1-01\" {layout} \"1-01\" as \"01\"")),
            (
                "2024-01-01T00:00:00",
                format!("parsing time \"2024-01-01T00:00:00\" {layout} \"\" as \"Z07:00\""),
            ),
            ("2024-13-01T00:00:00Z", "parsing time \"2024-13-01T00:00:00Z\": month out of range".to_owned()),
            ("2023-02-29T00:00:00Z", "parsing time \"2023-02-29T00:00:00Z\": day out of range".to_owned()),
            ("2024-01-01T00:00:00Zx", "parsing time \"2024-01-01T00:00:00Zx\": extra text: \"x\"".to_owned()),
        ] {
            assert_eq!(parse(text, Precision::Seconds).unwrap_err().to_string(), message);
        }
        let short = parse("2024-01-01T00:00:00Z", Precision::Microseconds).unwrap_err();
        assert_eq!(
            short.to_string(),
            "parsing time \"2024-01-01T00:00:00Z\" as \"2006-01-02T15:04:05.000000Z07:00\": \
             cannot parse \"Z\" as \".000000\""
        );
    }

    proptest! {
        #[test]
        fn moments_are_those_of_another_library(seconds in -62_135_596_800_i64..253_402_300_799, micros in 0_i32..1_000_000, offset in -23_i32..=23) {
            let time = jiff::Timestamp::new(seconds, 0).unwrap();
            let micros = u32::try_from(micros).unwrap();
            let zone = jiff::tz::Offset::from_hours(i8::try_from(offset).unwrap()).unwrap().to_time_zone();
            let local = time.to_zoned(zone);
            prop_assume!((0..=9999).contains(&local.year()));
            let sign = if offset < 0 { '-' } else { '+' };
            let text = format!("{}.{micros:06}{sign}{:02}:00", local.strftime("%Y-%m-%dT%H:%M:%S"), offset.abs());
            let expected = Time { seconds, nanoseconds: micros * 1000 };
            prop_assert_eq!(parse(&text, Precision::Seconds), Ok(expected), "{}", text);
            prop_assert_eq!(parse(&text, Precision::Microseconds), Ok(expected), "{}", text);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[0-9TZ:+.-]{0,30}|.{0,20}") {
            let _ = parse(&text, Precision::Seconds);
            let _ = parse(&text, Precision::Microseconds);
        }
    }
}
