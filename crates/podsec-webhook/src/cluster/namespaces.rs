//! The cache of namespaces: of each one its name and its Pod Security labels, nothing else.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use podsec_admission::NamespaceLabels;

/// The namespaces that a watch has seen. Namespaces without Pod Security labels, which are most, share one value.
#[derive(Debug, Default)]
pub struct Namespaces {
    // A poisoned lock still guards a whole map: nothing is ever half written.
    by_name: RwLock<HashMap<Box<str>, Arc<NamespaceLabels>>>,
    unlabelled: Arc<NamespaceLabels>,
}

impl Namespaces {
    /// The labels of a namespace; none when the cache does not know it.
    pub fn find(&self, name: &str) -> Option<Arc<NamespaceLabels>> {
        self.by_name.read().unwrap_or_else(PoisonError::into_inner).get(name).map(Arc::clone)
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

    /// Takes up all namespaces at once and forgets any other, as after a new list.
    pub fn replace(&self, namespaces: impl IntoIterator<Item = (Box<str>, NamespaceLabels)>) {
        let fresh = namespaces.into_iter().map(|(name, labels)| (name, self.shared(labels))).collect();
        *self.by_name.write().unwrap_or_else(PoisonError::into_inner) = fresh;
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_name.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn shared(&self, labels: NamespaceLabels) -> Arc<NamespaceLabels> {
        if labels == *self.unlabelled { Arc::clone(&self.unlabelled) } else { Arc::new(labels) }
    }
}
