//! How long the API server waits for an answer, which it says in the query.

use std::time::Duration;

use podsec_go::duration;

/// The `timeout` parameter of a query, and `longest` where that is more, or there is none, or none that can be read: a
/// client's word may only shorten what others wait for.
pub(crate) fn of_query(query: &str, longest: Duration) -> Duration {
    let timeout = query.split('&').find_map(|pair| pair.strip_prefix("timeout="));
    timeout
        .and_then(|text| duration::parse_positive(text).ok())
        .filter(|timeout| !timeout.is_zero())
        .unwrap_or(longest)
        .min(longest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LONGEST: Duration = Duration::from_secs(10);

    #[test]
    fn a_query_may_shorten_the_timeout_and_never_lengthen_it() {
        for (query, seconds) in
            [("", 10), ("timeout=3s", 3), ("a=b&timeout=1m", 10), ("timeout=x", 10), ("timeout=0s", 10)]
        {
            assert_eq!(of_query(query, LONGEST), Duration::from_secs(seconds), "{query}");
        }
    }

    proptest! {
        #[test]
        fn any_query_has_a_timeout(query in ".*") {
            prop_assert!(of_query(&query, LONGEST) <= LONGEST);
        }
    }
}
