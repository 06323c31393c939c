//! The cache of namespaces: of each one its name and its Pod Security labels, nothing else.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use podsec_admission::NamespaceLabels;

/// The namespaces that a watch has seen. Namespaces without Pod Security labels, which are most, share one value.
#[derive(Debug, Default)]
pub struct Namespaces {
    // A poisoned lock still guards a whole map: nothing is ever half written.
    by_name: RwLock<ByName>,
    unlabelled: Arc<NamespaceLabels>,
    /// Since when changes may be missed; none while they are watched.
    blind_since: RwLock<Option<Instant>>,
}

type ByName = HashMap<Box<str>, Arc<NamespaceLabels>>;

/// Namespaces that are gathered to take the place of all others.
#[derive(Debug, Default)]
pub struct Gathered(ByName);

impl Namespaces {
    /// The labels of a namespace; none when the cache does not know it.
    pub fn find(&self, name: &str) -> Option<Arc<NamespaceLabels>> {
        self.by_name.read().unwrap_or_else(PoisonError::into_inner).get(name).map(Arc::clone)
    }

    /// Every namespace, in no order.
    pub fn snapshot(&self) -> Vec<(Box<str>, Arc<NamespaceLabels>)> {
        let by_name = self.by_name.read().unwrap_or_else(PoisonError::into_inner);
        by_name.iter().map(|(name, labels)| (name.clone(), Arc::clone(labels))).collect()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_name.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How long ago the cache was last known to be complete: zero while a watch feeds it.
    pub fn age(&self) -> Duration {
        let since = *self.blind_since.read().unwrap_or_else(PoisonError::into_inner);
        since.map(|since| since.elapsed()).unwrap_or_default()
    }

    /// Takes up a namespace that was created or changed.
    pub fn insert(&self, name: &str, labels: NamespaceLabels) {
        let labels = self.shared(labels);
        self.by_name.write().unwrap_or_else(PoisonError::into_inner).insert(name.into(), labels);
    }

    /// Forgets a namespace.
    pub fn remove(&self, name: &str) {
        self.by_name.write().unwrap_or_else(PoisonError::into_inner).remove(name);
    }

    /// Puts a namespace to others that will [replace](Namespaces::replace) all that are known.
    pub fn gather(&self, gathered: &mut Gathered, name: &str, labels: NamespaceLabels) {
        gathered.0.insert(name.into(), self.shared(labels));
    }

    /// Takes up all gathered namespaces at once and forgets any other, as after a new list. Until then the old ones
    /// answer.
    pub fn replace(&self, gathered: Gathered) {
        *self.by_name.write().unwrap_or_else(PoisonError::into_inner) = gathered.0;
    }

    /// Notes whether changes arrive.
    pub fn set_watched(&self, watched: bool) {
        let mut since = self.blind_since.write().unwrap_or_else(PoisonError::into_inner);
        *since = if watched { None } else { Some(since.unwrap_or_else(Instant::now)) };
    }

    fn shared(&self, labels: NamespaceLabels) -> Arc<NamespaceLabels> {
        if labels == *self.unlabelled { Arc::clone(&self.unlabelled) } else { Arc::new(labels) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_old_namespaces_answer_until_all_new_ones_are_there() {
        let namespaces = Namespaces::default();
        namespaces.insert("old", NamespaceLabels::default());
        let mut gathered = Gathered::default();
        let labels = NamespaceLabels::from_iter([("pod-security.kubernetes.io/enforce", "baseline")]);
        namespaces.gather(&mut gathered, "new", labels.clone());
        assert!(namespaces.find("old").is_some() && namespaces.find("new").is_none());
        namespaces.replace(gathered);
        assert!(namespaces.find("old").is_none());
        assert_eq!(namespaces.find("new").as_deref(), Some(&labels));
    }

    #[test]
    fn the_cache_ages_only_while_nobody_watches() {
        let namespaces = Namespaces::default();
        assert_eq!(namespaces.age(), Duration::ZERO);
        namespaces.set_watched(false);
        std::thread::sleep(Duration::from_millis(2));
        namespaces.set_watched(false);
        assert!(namespaces.age() >= Duration::from_millis(2));
        namespaces.set_watched(true);
        assert_eq!(namespaces.age(), Duration::ZERO);
    }
}
