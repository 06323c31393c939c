//! Times as `metav1.Time` reads them: RFC 3339, and what else Go takes for it.

/// Whether Kubernetes takes this number or string, as it is written in JSON, for a time.
pub(super) fn is_time(written: &str) -> bool {
    let text = written.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    text.is_some_and(|text| time(text.as_bytes()).is_some())
}

fn time(text: &[u8]) -> Option<()> {
    let (year, rest) = number(text, 4)?;
    let (month, rest) = number(after(rest, b'-')?, 2)?;
    let (day, rest) = number(after(rest, b'-')?, 2)?;
    let rest = after(rest, b'T')?;
    // Go takes an hour of one digit, too, and a comma for a point.
    let (hour, rest) = number(rest, 2).or_else(|| number(rest, 1))?;
    let (minute, rest) = number(after(rest, b':')?, 2)?;
    let (second, mut rest) = number(after(rest, b':')?, 2)?;
    if let [b'.' | b',', b'0'..=b'9', fraction @ ..] = rest {
        let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
        rest = fraction.get(digits..)?;
    }
    let is_date = (1..=12).contains(&month) && (1..=days(year, month)).contains(&day);
    let is_time = hour < 24 && minute < 60 && second < 60;
    (is_date && is_time && is_zone(rest)).then_some(())
}

fn is_zone(text: &[u8]) -> bool {
    let offset = || {
        let [b'+' | b'-', rest @ ..] = text else { return None };
        let (hours, rest) = number(rest, 2)?;
        let (minutes, rest) = number(after(rest, b':')?, 2)?;
        // Go's bounds.
        (hours <= 24 && minutes <= 60 && rest.is_empty()).then_some(())
    };
    text == b"Z" || offset().is_some()
}

fn days(year: u32, month: u32) -> u32 {
    let is_leap_year = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 => 28 + u32::from(is_leap_year),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// A number of so many digits, and what follows.
fn number(text: &[u8], digits: usize) -> Option<(u32, &[u8])> {
    let (number, rest) = text.split_at_checked(digits)?;
    let value = number
        .iter()
        .try_fold(0, |value, byte| byte.is_ascii_digit().then(|| value * 10 + u32::from(byte - b'0')))?;
    Some((value, rest))
}

fn after(text: &[u8], byte: u8) -> Option<&[u8]> {
    text.strip_prefix(&[byte])
}

#[cfg(test)]
mod tests {
    use super::is_time;

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
            assert!(is_time(&format!("\"{text}\"")), "{text}");
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
            assert!(!is_time(&format!("\"{text}\"")), "{text}");
        }
        assert!(!is_time("1700000000"));
    }
}
