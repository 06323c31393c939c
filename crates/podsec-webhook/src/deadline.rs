//! How long the API server waits for an answer, which it says in the query.

use std::time::Duration;

use podsec_go::duration;

/// The `timeout` parameter of a query; ten seconds, which is Kubernetes' default, where there is none or none that
/// can be read, and thirty at most, which is Kubernetes' limit.
pub(crate) fn of_query(query: &str) -> Duration {
    let timeout = query.split('&').find_map(|pair| pair.strip_prefix("timeout="));
    timeout
        .and_then(|text| duration::parse_positive(text).ok())
        .filter(|timeout| !timeout.is_zero())
        .unwrap_or(DEFAULT)
        .min(LONGEST)
}

const DEFAULT: Duration = Duration::from_secs(10);
const LONGEST: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

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
    }
}
