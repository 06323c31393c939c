//! How long a Job waits after pods have failed.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;

use super::pods::finished_at;

/// The failures since the last success, which a controller that starts anew does not know of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Failures {
    pub(super) count: u32,
    pub(super) last: Option<Timestamp>,
}

impl Failures {
    /// With pods that have ended since.
    pub(super) fn with(self, succeeded: &[Arc<Pod>], failed: &[Arc<Pod>]) -> Self {
        let last_success = succeeded.iter().map(|pod| finished_at(pod)).max();
        let times = failed.iter().map(|pod| finished_at(pod));
        let counted: Vec<Timestamp> =
            times.filter(|time| last_success.is_none_or(|success| *time > success)).collect();
        let before = if last_success.is_some() { Self::default() } else { self };
        Self {
            count: before.count.saturating_add(u32::try_from(counted.len()).unwrap_or(u32::MAX)),
            last: counted.into_iter().max().or(before.last),
        }
    }

    /// How long to wait yet: ten seconds after the first failure, doubled with each, ten minutes at most.
    pub(super) fn remaining(self, now: Timestamp) -> Duration {
        let Some(last) = self.last.filter(|_| self.count > 0) else { return Duration::ZERO };
        let factor = 2_u32.checked_pow(self.count - 1);
        let delay =
            factor.and_then(|factor| FIRST.checked_mul(factor)).map_or(LONGEST, |delay| delay.min(LONGEST));
        let passed = Duration::try_from(now.duration_since(last)).unwrap_or_default();
        delay.saturating_sub(passed)
    }
}

const FIRST: Duration = Duration::from_secs(10);
const LONGEST: Duration = Duration::from_mins(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_doubles_the_wait() {
        let now = Timestamp::UNIX_EPOCH;
        let wait = |count| Failures { count, last: Some(now) }.remaining(now).as_secs();
        assert_eq!([0, 1, 2, 3, 7, 99].map(wait), [0, 10, 20, 40, 600, 600]);
    }
}
