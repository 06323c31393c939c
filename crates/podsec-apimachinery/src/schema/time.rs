//! Times in JSON (`metav1.Time`, `metav1.MicroTime`): RFC 3339, refused in Go's words.

use jiff::Timestamp;
use jiff::fmt::strtime;

/// A text that is no time, in the words of Go's `time.Parse`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("parsing time {text:?}{reason}")]
pub struct TimeError {
    text: String,
    reason: String,
}

/// How many digits a second has after the point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// `metav1.Time` reads any number of them and writes none.
    Seconds,
    /// `metav1.MicroTime` reads and writes six.
    Microseconds,
}

impl Precision {
    /// Reads RFC 3339.
    ///
    /// # Errors
    ///
    /// When the text is not a time of this precision.
    pub fn parse(self, text: &str) -> Result<Timestamp, TimeError> {
        let mut reader = Reader { rest: text, layout: self.layout() };
        reader.time(self).map_err(|reason| TimeError { text: text.to_owned(), reason })?;
        let out_of_range = |_| TimeError { text: text.to_owned(), reason: ": out of range".to_owned() };
        text.parse().map_err(out_of_range)
    }

    /// Writes RFC 3339 in UTC.
    pub fn format(self, time: Timestamp) -> String {
        let format = match self {
            Self::Seconds => "%Y-%m-%dT%H:%M:%SZ",
            Self::Microseconds => "%Y-%m-%dT%H:%M:%S.%6fZ",
        };
        strtime::format(format, time).unwrap_or_else(|_| time.to_string())
    }

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
    fn time(&mut self, precision: Precision) -> Result<(), String> {
        let year = self.number("2006")?;
        self.literal("-")?;
        let month = self.ranged("01", 1..=12, "month")?;
        self.literal("-")?;
        let day = self.number("02")?;
        self.literal("T")?;
        self.ranged("15", 0..=23, "hour")?;
        self.literal(":")?;
        self.ranged("04", 0..=59, "minute")?;
        self.literal(":")?;
        self.ranged("05", 0..=59, "second")?;
        match precision {
            Precision::Seconds => self.fraction(),
            Precision::Microseconds => {
                self.literal(".").map_err(|_| self.unlike(".000000"))?;
                self.number("000000").map_err(|_| self.unlike(".000000"))?;
            }
        }
        self.zone()?;
        if !self.rest.is_empty() {
            return Err(format!(": extra text: {:?}", self.rest));
        }
        if day < 1 || day > days(year, month) {
            return Err(": day out of range".to_owned());
        }
        Ok(())
    }

    fn zone(&mut self) -> Result<(), String> {
        if let Some(rest) = self.rest.strip_prefix('Z') {
            self.rest = rest;
            return Ok(());
        }
        let whole = Self { rest: self.rest, layout: self.layout };
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
            Some(_) => Ok(()),
        }
    }

    fn ranged(
        &mut self,
        element: &str,
        range: std::ops::RangeInclusive<u32>,
        name: &str,
    ) -> Result<u32, String> {
        let number = self.number(element)?;
        if range.contains(&number) { Ok(number) } else { Err(format!(": {name} out of range")) }
    }

    /// A number of as many digits as the layout's element has.
    fn number(&mut self, element: &str) -> Result<u32, String> {
        let parsed = self.rest.split_at_checked(element.len()).and_then(|(digits, rest)| {
            let number = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse())?;
            Some((number.ok()?, rest))
        });
        let (number, rest) = parsed.ok_or_else(|| self.unlike(element))?;
        self.rest = rest;
        Ok(number)
    }

    fn literal(&mut self, element: &str) -> Result<(), String> {
        self.rest = self.rest.strip_prefix(element).ok_or_else(|| self.unlike(element))?;
        Ok(())
    }

    /// Skips a point and the digits after it.
    fn fraction(&mut self) {
        if let Some(digits) = self.rest.strip_prefix(['.', ',']) {
            let rest = digits.trim_start_matches(|c: char| c.is_ascii_digit());
            if rest.len() < digits.len() {
                self.rest = rest;
            }
        }
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_are_written_in_utc() {
        for (text, seconds) in [
            ("2024-02-29T23:59:59Z", "2024-02-29T23:59:59Z"),
            ("2024-01-01T01:00:00.75+02:00", "2023-12-31T23:00:00Z"),
        ] {
            let time = Precision::Seconds.parse(text).unwrap();
            assert_eq!(Precision::Seconds.format(time), seconds);
        }
        let time = Precision::Microseconds.parse("2024-01-01T00:00:00.000120-01:00").unwrap();
        assert_eq!(Precision::Microseconds.format(time), "2024-01-01T01:00:00.000120Z");
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
            assert_eq!(Precision::Seconds.parse(text).unwrap_err().to_string(), message);
        }
        let short = Precision::Microseconds.parse("2024-01-01T00:00:00Z").unwrap_err();
        assert_eq!(
            short.to_string(),
            "parsing time \"2024-01-01T00:00:00Z\" as \"2006-01-02T15:04:05.000000Z07:00\": \
             cannot parse \"Z\" as \".000000\""
        );
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[0-9TZ:+.-]{0,30}|.{0,20}") {
            let _ = Precision::Seconds.parse(&text);
            let _ = Precision::Microseconds.parse(&text);
        }
    }
}
