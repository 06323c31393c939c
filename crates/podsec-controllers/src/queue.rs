//! Which objects a controller is to look at, as in client-go: each once however often it changed, later when it is not
//! time yet, and ever more rarely when it fails.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::future::pending;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::key::ObjectKey;

/// Keys of objects that wait for a worker.
///
/// ```text
/// add ─► ready ─► next() ─► worked on ─► done()
///          ▲                    │ added meanwhile: ready again after done()
///          └─ time has come ─ delayed ◄─ add_after, add_rate_limited
/// ```
pub struct Queue<K = ObjectKey> {
    state: Mutex<State<K>>,
    changed: Notify,
    backoff: Backoff,
}

/// How long a failed object waits: `first`, doubled with each failure, at most `longest`.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    /// After the first failure.
    pub first: Duration,
    /// After any number of failures.
    pub longest: Duration,
}

impl Default for Backoff {
    /// As kube-controller-manager has it for most controllers.
    fn default() -> Self {
        Self { first: Duration::from_millis(5), longest: Duration::from_secs(1000) }
    }
}

struct State<K> {
    ready: VecDeque<K>,
    /// Those in `ready`, and those that are worked on and have changed meanwhile.
    waiting: HashSet<K>,
    working: HashSet<K>,
    /// In the order in which they are due; the number tells apart what is due at once.
    delayed: BTreeMap<(Instant, u64), K>,
    due: HashMap<K, (Instant, u64)>,
    failures: HashMap<K, u32>,
    next_number: u64,
}

impl<K> Default for State<K> {
    fn default() -> Self {
        Self {
            ready: VecDeque::new(),
            waiting: HashSet::new(),
            working: HashSet::new(),
            delayed: BTreeMap::new(),
            due: HashMap::new(),
            failures: HashMap::new(),
            next_number: 0,
        }
    }
}

impl<K: Clone + Eq + Hash> Default for Queue<K> {
    fn default() -> Self {
        Self::new(Backoff::default())
    }
}

impl<K: Clone + Eq + Hash> Queue<K> {
    /// An empty queue.
    pub fn new(backoff: Backoff) -> Self {
        Self { state: Mutex::default(), changed: Notify::new(), backoff }
    }

    /// Has an object looked at as soon as a worker is free.
    pub fn add(&self, key: K) {
        self.lock().add(key);
        self.changed.notify_one();
    }

    /// Has an object looked at after some time, or earlier when it is added otherwise.
    pub fn add_after(&self, key: K, delay: Duration) {
        if delay.is_zero() {
            return self.add(key);
        }
        let Some(instant) = Instant::now().checked_add(delay) else { return };
        self.lock().add_at(key, instant);
        self.changed.notify_one();
    }

    /// Has an object looked at again that has failed: later with each failure, until [`Queue::forget`].
    pub fn add_rate_limited(&self, key: K) {
        let failures = {
            let mut state = self.lock();
            let failures = state.failures.entry(key.clone()).or_insert(0);
            *failures = failures.saturating_add(1);
            *failures - 1
        };
        self.add_after(key, self.backoff.delay(failures));
    }

    /// Forgets that an object has failed.
    pub fn forget(&self, key: &K) {
        self.lock().failures.remove(key);
    }

    /// How often an object has failed since it was forgotten.
    pub fn failures(&self, key: &K) -> u32 {
        self.lock().failures.get(key).copied().unwrap_or(0)
    }

    /// Waits for the next object. Nobody else gets it before [`Queue::done`].
    pub async fn next(&self) -> K {
        loop {
            // Asked for before looking, so that nothing that is added meanwhile is missed.
            let changed = self.changed.notified();
            let due = {
                let mut state = self.lock();
                state.release(Instant::now());
                if let Some(key) = state.ready.pop_front() {
                    state.waiting.remove(&key);
                    state.working.insert(key.clone());
                    if !state.ready.is_empty() {
                        self.changed.notify_one();
                    }
                    return key;
                }
                state.delayed.first_key_value().map(|((instant, _), _)| *instant)
            };
            let time_has_come = async {
                match due {
                    Some(instant) => sleep_until(instant).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                () = changed => {}
                () = time_has_come => {}
            }
        }
    }

    /// Says that the work on an object has ended.
    pub fn done(&self, key: &K) {
        let mut state = self.lock();
        state.working.remove(key);
        if state.waiting.contains(key) {
            state.ready.push_back(key.clone());
            drop(state);
            self.changed.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<K>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Clone + Eq + Hash> State<K> {
    fn add(&mut self, key: K) {
        if self.waiting.insert(key.clone()) && !self.working.contains(&key) {
            self.ready.push_back(key);
        }
    }

    fn add_at(&mut self, key: K, instant: Instant) {
        if let Some(earlier) = self.due.get(&key).copied() {
            if earlier.0 <= instant {
                return;
            }
            self.delayed.remove(&earlier);
        }
        let due = (instant, self.next_number);
        self.next_number += 1;
        self.delayed.insert(due, key.clone());
        self.due.insert(key, due);
    }

    fn release(&mut self, now: Instant) {
        while let Some(entry) = self.delayed.first_entry() {
            if entry.key().0 > now {
                return;
            }
            let key = entry.remove();
            self.due.remove(&key);
            self.add(key);
        }
    }
}

impl Backoff {
    fn delay(self, failures: u32) -> Duration {
        let factor = 2_u32.checked_pow(failures);
        let delay = factor.and_then(|factor| self.first.checked_mul(factor));
        delay.map_or(self.longest, |delay| delay.min(self.longest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_failing_object_waits_twice_as_long_each_time() {
        let queue = Queue::<&str>::default();
        let mut waited = Vec::new();
        for _ in 0..20 {
            let begun = Instant::now();
            queue.add_rate_limited("a");
            assert_eq!(queue.next().await, "a");
            queue.done(&"a");
            waited.push(begun.elapsed().as_millis());
        }
        assert_eq!(waited[..5], [5, 10, 20, 40, 80]);
        assert_eq!(waited[19], 1_000_000);
        queue.forget(&"a");
        assert_eq!(queue.failures(&"a"), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn what_changes_while_it_is_worked_on_comes_again_after_it() {
        let queue = Queue::<&str>::default();
        queue.add("a");
        queue.add("a");
        assert_eq!(queue.next().await, "a");
        queue.add("a");
        assert!(tokio::time::timeout(Duration::from_secs(1), queue.next()).await.is_err());
        queue.done(&"a");
        assert_eq!(queue.next().await, "a");
        queue.done(&"a");
        assert!(tokio::time::timeout(Duration::from_secs(1), queue.next()).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn the_earlier_of_two_delays_counts() {
        let queue = Queue::<&str>::default();
        let begun = Instant::now();
        queue.add_after("a", Duration::from_secs(9));
        queue.add_after("a", Duration::from_secs(3));
        queue.add_after("a", Duration::from_secs(6));
        assert_eq!(queue.next().await, "a");
        assert_eq!(begun.elapsed().as_secs(), 3);
        queue.done(&"a");
        assert!(tokio::time::timeout(Duration::from_mins(1), queue.next()).await.is_err());
    }
}
