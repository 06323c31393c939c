//! What a controller could not do, tried again for ever and ever more rarely.

use std::collections::{BTreeMap, HashMap};
use std::future::pending;
use std::hash::Hash;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// Work that failed, by the key of its object, until it succeeds.
///
/// ```text
/// fails ─► 50 ms ─► fails ─► 100 ms ─► fails ─► … ─► 30 s ─► fails ─► 30 s ─► succeeds
/// ```
pub(crate) struct Retries<K> {
    /// In the order in which it is due; the number tells apart what is due at once.
    due: BTreeMap<(Instant, u64), K>,
    failures: HashMap<K, Failures>,
    next_number: u64,
}

struct Failures {
    delay: Duration,
    /// Under which it is due; `None` while it is tried.
    due: Option<(Instant, u64)>,
}

impl<K: Clone + Eq + Hash> Retries<K> {
    pub(crate) fn new() -> Self {
        Self { due: BTreeMap::new(), failures: HashMap::new(), next_number: 0 }
    }

    /// Notes how work on `key` ended.
    pub(crate) fn note(&mut self, key: K, succeeded: bool) {
        let earlier = self.failures.remove(&key);
        if let Some(due) = earlier.as_ref().and_then(|failures| failures.due) {
            self.due.remove(&due);
        }
        if succeeded {
            return;
        }
        let delay = earlier.map_or(FIRST, |failures| (failures.delay * 2).min(LONGEST));
        let due = (Instant::now() + delay, self.next_number);
        self.next_number += 1;
        self.due.insert(due, key.clone());
        self.failures.insert(key, Failures { delay, due: Some(due) });
    }

    /// Waits for the next key whose time has come; for ever, when nothing has failed. Dropping the future loses nothing.
    pub(crate) async fn next(&mut self) -> K {
        let Some((&(instant, _), _)) = self.due.first_key_value() else { return pending().await };
        sleep_until(instant).await;
        let Some((_, key)) = self.due.pop_first() else { return pending().await };
        if let Some(failures) = self.failures.get_mut(&key) {
            failures.due = None;
        }
        key
    }
}

/// The time before the first retry.
pub(crate) const FIRST: Duration = Duration::from_millis(50);
/// The time between two retries at most.
pub(crate) const LONGEST: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_fails_comes_back_ever_more_rarely_and_for_ever() {
        let mut retries = Retries::new();
        retries.note("a", false);
        let mut last = Instant::now();
        let mut waited = Vec::new();
        for _ in 0..12 {
            assert_eq!(retries.next().await, "a");
            waited.push(last.elapsed());
            last = Instant::now();
            retries.note("a", false);
        }
        assert!(waited.is_sorted());
        assert_eq!((waited[0], waited[1], waited[11]), (FIRST, 2 * FIRST, LONGEST));
        // Another change of the object does not make it come twice.
        retries.note("a", false);
        assert_eq!(retries.due.len(), 1);
        retries.note("a", true);
        assert!(tokio::time::timeout(10 * LONGEST, retries.next()).await.is_err());
        assert!(retries.failures.is_empty());
    }
}
