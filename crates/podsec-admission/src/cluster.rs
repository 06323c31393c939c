//! What admission asks of the cluster: all its input beyond the request.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use podsec_policy::labels::NamespaceLabels;

/// How many existing pods at most are checked against a new enforce level, unless the cluster says otherwise.
pub const EXISTING_PODS_LIMIT: usize = 3000;

/// How long the check of existing pods may take, as upstream. Where the request has a deadline of its own,
/// half of the time that it has left is the limit, if that is shorter.
pub const EXISTING_PODS_TIMEOUT: Duration = Duration::from_secs(1);

/// The cluster as one request sees it.
///
/// Admission reads no clock, file or socket: whoever implements this does. An implementation may be made anew
/// for each request, so that it can hold the request's deadline.
pub trait Cluster {
    /// An existing pod, as JSON.
    type Pod: AsRef<[u8]>;

    /// The Pod Security labels of a namespace.
    ///
    /// # Errors
    /// When there is no such namespace, or the cluster cannot tell.
    fn namespace(&self, name: &str) -> Result<Arc<NamespaceLabels>, ClusterError>;

    /// The pods that exist in a namespace, ordered by name as a real cluster lists them.
    ///
    /// # Errors
    /// When the cluster cannot tell.
    fn pods(&self, namespace: &str) -> Result<Vec<Self::Pod>, ClusterError>;

    /// How many existing pods at most are checked against a new enforce level.
    fn existing_pods_limit(&self) -> usize {
        EXISTING_PODS_LIMIT
    }

    /// Takes note of an existing pod that violates a new enforce level, and of what it violates in what words. The
    /// response names but one of those that violate the same.
    fn offends(&self, pod: &str, detail: impl FnOnce() -> String) {
        let _ = (pod, detail);
    }

    /// Whether the time for checking existing pods ([`EXISTING_PODS_TIMEOUT`]) is over; asked after each pod.
    fn expired(&self) -> bool;
}

/// Why the cluster does not answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClusterError {
    /// There is no namespace of this name.
    #[error("namespaces \"{0}\" not found")]
    NotFound(String),
    /// The cluster did not answer.
    #[error(transparent)]
    Unavailable(#[from] Box<dyn Error + Send + Sync>),
}
