//! Who counts where.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{Notify, OwnedMutexGuard};

/// The namespaces in which something is being counted, and those that must be counted again.
#[derive(Default)]
pub(crate) struct Quotas {
    locks: Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>,
    uncertain: Mutex<BTreeSet<String>>,
    noticed: Notify,
}

impl Quotas {
    /// Waits until nobody else counts in a namespace.
    pub(super) async fn lock(&self, namespace: &str) -> OwnedMutexGuard<()> {
        let lock = {
            let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
            locks.retain(|_, lock| lock.strong_count() > 0);
            let known = locks.get(namespace).and_then(Weak::upgrade);
            known.unwrap_or_else(|| {
                let lock = Arc::default();
                locks.insert(namespace.to_owned(), Arc::downgrade(&lock));
                lock
            })
        };
        lock.lock_owned().await
    }

    /// Notes that what the quotas of a namespace say may be wrong.
    pub(crate) fn doubt(&self, namespace: &str) {
        self.uncertain.lock().unwrap_or_else(PoisonError::into_inner).insert(namespace.to_owned());
        self.noticed.notify_one();
    }

    /// Waits for the next namespace that must be counted again.
    pub(crate) async fn next_uncertain(&self) -> String {
        loop {
            let noticed = self.noticed.notified();
            if let Some(namespace) = self.uncertain.lock().unwrap_or_else(PoisonError::into_inner).pop_first()
            {
                return namespace;
            }
            noticed.await;
        }
    }
}
