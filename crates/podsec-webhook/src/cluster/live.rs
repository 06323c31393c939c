//! The cluster as one request sees it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use podsec_admission::{Cluster, ClusterError, NamespaceLabels};

use super::namespaces::Namespaces;

/// An answer that may take a while.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, ClusterError>> + Send + 'a>>;

/// What is asked of the API server itself, rather than of the cache.
pub trait Live: Send + Sync + 'static {
    /// The Pod Security labels of a namespace.
    fn namespace<'a>(&'a self, name: &'a str) -> Answer<'a, NamespaceLabels>;

    /// The pods of a namespace as JSON, ordered by name.
    fn pods<'a>(&'a self, namespace: &'a str) -> Answer<'a, Vec<Vec<u8>>>;
}

/// The cluster for one review.
///
/// A review waits for nothing. What the cache cannot tell it is noted, [fetched](RequestCluster::wants), and the
/// review begins again: few reviews need that, and at most twice.
pub(crate) struct RequestCluster<N> {
    pub(super) namespaces: N,
    pub(super) labels: Option<Result<Arc<NamespaceLabels>, ClusterError>>,
    /// Here for the one time that a review asks for them.
    pub(super) pods: RefCell<Option<Result<Vec<Vec<u8>>, ClusterError>>>,
    pub(super) pods_limit: usize,
    /// When to stop looking at existing pods.
    pub(super) deadline: Option<Instant>,
    pub(super) wants: Cell<Option<Want>>,
    pub(super) offenders: RefCell<Offenders>,
}

/// Existing pods that violate a new enforce level, by the words of what they violate.
pub(crate) type Offenders = BTreeMap<String, Vec<String>>;

/// What a review needs to know and nobody has told it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    /// The labels of its namespace.
    Labels,
    /// The existing pods of this namespace.
    Pods(String),
}

impl<N> RequestCluster<N> {
    pub(crate) fn new(namespaces: N, pods_limit: usize) -> Self {
        Self {
            namespaces,
            labels: None,
            pods: RefCell::new(None),
            pods_limit,
            deadline: None,
            wants: Cell::new(None),
            offenders: RefCell::default(),
        }
    }

    /// What the last review could not know, so that its response is void.
    pub(crate) fn wants(&self) -> Option<Want> {
        self.wants.take()
    }

    /// The existing pods that the last review found to offend.
    pub(crate) fn offenders(&self) -> Offenders {
        self.offenders.take()
    }

    pub(crate) fn learn_labels(&mut self, labels: Result<NamespaceLabels, ClusterError>) {
        self.labels = Some(labels.map(Arc::new));
    }

    pub(crate) fn learn_pods(&mut self, pods: Result<Vec<Vec<u8>>, ClusterError>, deadline: Instant) {
        self.pods = RefCell::new(Some(pods));
        self.deadline = Some(deadline);
    }

    pub(super) fn unknown(&self, want: Want) -> ClusterError {
        self.wants.set(Some(want));
        ClusterError::Unavailable("not fetched yet".into())
    }
}

impl<N: Deref<Target = Namespaces>> Cluster for RequestCluster<N> {
    type Pod = Vec<u8>;

    fn namespace(&self, name: &str) -> Result<Arc<NamespaceLabels>, ClusterError> {
        match &self.labels {
            Some(Ok(labels)) => Ok(Arc::clone(labels)),
            Some(Err(ClusterError::NotFound(_))) => Err(ClusterError::NotFound(name.to_owned())),
            Some(Err(error)) => Err(ClusterError::Unavailable(error.to_string().into())),
            None => self.namespaces.find(name).ok_or_else(|| self.unknown(Want::Labels)),
        }
    }

    fn pods(&self, namespace: &str) -> Result<Vec<Vec<u8>>, ClusterError> {
        self.pods.take().unwrap_or_else(|| Err(self.unknown(Want::Pods(namespace.to_owned()))))
    }

    fn existing_pods_limit(&self) -> usize {
        self.pods_limit
    }

    fn offends(&self, pod: &str, detail: impl FnOnce() -> String) {
        self.offenders.borrow_mut().entry(detail()).or_default().push(pod.to_owned());
    }

    fn expired(&self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_wanted_once() {
        let namespaces = Namespaces::default();
        let mut cluster = RequestCluster::new(&namespaces, 1);
        assert!(cluster.namespace("team").is_err());
        assert_eq!(cluster.wants(), Some(Want::Labels));
        assert_eq!(cluster.wants(), None);
        cluster.learn_labels(Ok(NamespaceLabels::default()));
        assert!(cluster.namespace("team").is_ok());

        assert!(cluster.pods("team").is_err());
        assert_eq!(cluster.wants(), Some(Want::Pods("team".to_owned())));
        cluster.learn_pods(Ok(vec![b"{}".to_vec()]), Instant::now());
        assert_eq!(cluster.pods("team").unwrap(), [b"{}"]);
        assert_eq!(cluster.wants(), None);
        assert!(cluster.expired());
    }
}
