//! Sets of a job's indexes as text: `0,2-4,7`.

use podsec_apimachinery::quote::quoted;

/// How many indexes below `completions` there are.
///
/// # Errors
/// In Kubernetes' words, for what is no number, too large, or out of order.
pub(super) fn count(text: &str, completions: i64) -> Result<i64, String> {
    if text.is_empty() {
        return Ok(0);
    }
    let (mut total, mut last) = (0, None);
    for interval in text.split(',') {
        let (first, end) = parse(interval, completions)?;
        if let Some(last) = last
            && last >= first
        {
            return Err(format!("non-increasing order, previous: {last}, current: {first}"));
        }
        total += end - first + 1;
        last = Some(end);
    }
    Ok(total)
}

/// The first index of two sets that both have; intervals that cannot be read are passed over.
pub(super) fn overlap(one: &str, other: &str, completions: i64) -> Option<i64> {
    if one.is_empty() || other.is_empty() {
        return None;
    }
    let intervals = |text: &str| -> Vec<(i64, i64)> {
        text.split(',').filter_map(|interval| parse(interval, completions).ok()).collect()
    };
    let (one, other) = (intervals(one), intervals(other));
    let (mut one, mut other) = (one.iter().peekable(), other.iter().peekable());
    while let (Some((x, y)), Some((from, to))) = (one.peek(), other.peek()) {
        if x <= to && from <= y {
            return Some(*x.max(from));
        }
        if x <= from {
            one.next()
        } else {
            other.next()
        };
    }
    None
}

fn parse(interval: &str, completions: i64) -> Result<(i64, i64), String> {
    let limits: Vec<&str> = interval.split('-').collect();
    let number = |text: &str| match text.parse::<i64>() {
        Ok(number) if number >= completions => Err(format!("too large index: {}", quoted(text))),
        Ok(number) => Ok(number),
        Err(_) => Err(format!("cannot convert string to integer for index: {}", quoted(text))),
    };
    match limits.as_slice() {
        [one] => number(one).map(|one| (one, one)),
        [first, last] => {
            let (first, last) = (number(first)?, number(last)?);
            if first >= last {
                return Err(format!("non-increasing order, previous: {first}, current: {last}"));
            }
            Ok((first, last))
        }
        _ => Err(format!(
            "the fragment {} violates the requirement that an index interval can have at most two parts separated by '-'",
            quoted(interval)
        )),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn intervals_are_counted_and_compared() {
        assert_eq!(count("0,2-4,7", 8), Ok(5));
        assert_eq!(count("", 8), Ok(0));
        let wrong = |text| count(text, 8).unwrap_err();
        assert_eq!(wrong("1,1"), "non-increasing order, previous: 1, current: 1");
        assert_eq!(wrong("0-9"), "too large index: \"9\"");
        assert_eq!(wrong("a"), "cannot convert string to integer for index: \"a\"");
        assert!(wrong("1-2-3").starts_with("the fragment \"1-2-3\" violates"));
        assert_eq!(overlap("0,2-4", "1,4-6", 8), Some(4));
        assert_eq!(overlap("0,2-3", "1,4-6", 8), None);
    }

    proptest! {
        #[test]
        fn no_text_panics(one in "[0-9,-]{0,20}", other in "[0-9,-]{0,20}") {
            let _ = (count(&one, 100), overlap(&one, &other, 100));
        }
    }
}
