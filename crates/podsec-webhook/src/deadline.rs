//! How long the API server waits for an answer, which it says in the query.

use std::time::Duration;

/// The `timeout` parameter of a query; ten seconds, which is Kubernetes' default, where there is none or none that
/// can be read, and thirty at most, which is Kubernetes' limit.
pub(crate) fn of_query(query: &str) -> Duration {
    let timeout = query.split('&').find_map(|pair| pair.strip_prefix("timeout="));
    timeout.and_then(parse).filter(|timeout| !timeout.is_zero()).unwrap_or(DEFAULT).min(LONGEST)
}

/// A duration as Go writes and reads it: `10s`, `1m30s`, `1.5s`, `250ms`. Negative ones are of no use here.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return Some(Duration::ZERO);
    }
    let mut total = 0.0;
    loop {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, unit) = rest.split_at_checked(digits)?;
        let number: f64 = number.parse().ok()?;
        let (seconds, length) = UNITS
            .iter()
            .find_map(|(name, seconds)| unit.starts_with(name).then_some((number * seconds, name.len())))?;
        total += seconds;
        rest = unit.get(length..)?;
        if rest.is_empty() {
            return Duration::try_from_secs_f64(total).ok();
        }
    }
}

/// Longer names first.
const UNITS: [(&str, f64); 8] = [
    ("ns", 1e-9),
    ("us", 1e-6),
    ("µs", 1e-6),
    ("μs", 1e-6),
    ("ms", 1e-3),
    ("s", 1.0),
    ("m", 60.0),
    ("h", 3600.0),
];

const DEFAULT: Duration = Duration::from_secs(10);
const LONGEST: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_are_read_as_go_reads_them() {
        for (text, milliseconds) in [
            ("10s", 10_000),
            ("1m30s", 90_000),
            ("1.5s", 1500),
            ("250ms", 250),
            ("0", 0),
            ("1h2m3s4ms", 3_723_004),
        ] {
            assert_eq!(parse(text), Some(Duration::from_millis(milliseconds)), "{text}");
        }
        for text in ["", "10", "s", "1x", "-1s", "1s2", ".", "1s ", "é"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_query_without_a_usable_timeout_means_ten_seconds() {
        for (query, seconds) in
            [("", 10), ("timeout=3s", 3), ("a=b&timeout=1m", 30), ("timeout=x", 10), ("timeout=0s", 10)]
        {
            assert_eq!(of_query(query), Duration::from_secs(seconds), "{query}");
        }
    }

    proptest! {
        #[test]
        fn any_query_has_a_timeout(query in ".*") {
            prop_assert!(of_query(&query) <= LONGEST);
        }

        #[test]
        fn any_text_is_a_duration_or_none(text in "[0-9.smhnuµ+-]{0,12}") {
            let _ = parse(&text);
        }
    }
}
