//! How soon a failed pod of a DaemonSet is replaced: after a second, twice as long after each that fails again.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::DaemonSet;

/// The last replacements, by DaemonSet, its observed generation, and node.
#[derive(Default)]
pub(super) struct Failures(HashMap<(String, i64, String), (Timestamp, Duration)>);

impl Failures {
    /// How long a failed pod is to stay yet; nothing when it is to go now, which is noted.
    pub(super) fn next(&mut self, set: &DaemonSet, node: &str, now: Timestamp) -> Option<Duration> {
        let uid = set.metadata.uid.clone().unwrap_or_default();
        let generation = set.status.as_ref().and_then(|status| status.observed_generation).unwrap_or(0);
        let passed = |last: Timestamp| Duration::try_from(now.duration_since(last)).unwrap_or_default();
        self.0.retain(|_, (last, _)| passed(*last) < LONGEST * 2);
        let key = (uid, generation, node.to_owned());
        let delay = match self.0.get(&key) {
            Some((last, delay)) if passed(*last) < *delay => return Some(*delay),
            Some((_, delay)) => (*delay * 2).min(LONGEST),
            None => FIRST,
        };
        self.0.insert(key, (now, delay));
        None
    }
}

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_mins(15);
