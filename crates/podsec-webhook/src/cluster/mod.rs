//! The cluster as the webhook sees it: namespaces from a cache, and live answers where the cache has none.

mod namespaces;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use podsec_admission::{Cluster, ClusterError, NamespaceLabels};
use tokio::runtime::Handle;

pub use namespaces::Namespaces;

/// An answer that may take a while.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, ClusterError>> + Send + 'a>>;

/// What is asked of the API server itself, rather than of the cache.
pub trait Live: Send + Sync + 'static {
    /// The Pod Security labels of a namespace.
    fn namespace<'a>(&'a self, name: &'a str) -> Answer<'a, NamespaceLabels>;

    /// The pods of a namespace as JSON, ordered by name.
    fn pods<'a>(&'a self, namespace: &'a str) -> Answer<'a, Vec<Vec<u8>>>;
}

/// The cluster for one request.
///
/// The labels of the request's namespace were fetched before the review, which therefore waits for nothing, but for
/// the pods of a namespace whose enforce level changes: a review that may ask for them runs where it may block.
pub(crate) struct RequestCluster<'a> {
    pub(crate) labels: Result<Arc<NamespaceLabels>, ClusterError>,
    pub(crate) live: &'a dyn Live,
    pub(crate) runtime: Handle,
    /// When to stop looking at existing pods.
    pub(crate) deadline: Instant,
}

impl Cluster for RequestCluster<'_> {
    type Pod = Vec<u8>;

    fn namespace(&self, name: &str) -> Result<Arc<NamespaceLabels>, ClusterError> {
        match &self.labels {
            Ok(labels) => Ok(Arc::clone(labels)),
            Err(ClusterError::NotFound(_)) => Err(ClusterError::NotFound(name.to_owned())),
            Err(error) => Err(ClusterError::Unavailable(error.to_string().into())),
        }
    }

    fn pods(&self, namespace: &str) -> Result<Vec<Vec<u8>>, ClusterError> {
        let deadline = tokio::time::Instant::from_std(self.deadline);
        let listed = tokio::time::timeout_at(deadline, self.live.pods(namespace));
        self.runtime.block_on(listed).unwrap_or_else(|late| Err(ClusterError::Unavailable(late.into())))
    }

    fn expired(&self) -> bool {
        Instant::now() >= self.deadline
    }
}
