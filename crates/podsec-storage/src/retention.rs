//! How much of the past a store keeps.

use std::time::Duration;

/// How much history is kept for reads at old revisions and for watches that resume or are slow.
///
/// Whichever bound is met first drops the oldest changes. They are dropped in batches, so a bound may be
/// exceeded by an eighth, and only when something is committed: a store at rest stays as it is.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    /// The number of changes.
    pub revisions: usize,
    /// The bytes of the replaced and deleted values, keys and bookkeeping included.
    pub bytes: usize,
    /// The time since the change.
    pub age: Duration,
}

impl Default for Retention {
    /// Five to ten minutes is what a cluster keeps: kube-apiserver compacts etcd every five.
    fn default() -> Self {
        Self { revisions: 100_000, bytes: 64 << 20, age: Duration::from_mins(10) }
    }
}
