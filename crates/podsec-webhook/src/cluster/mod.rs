//! The cluster as the webhook sees it: namespaces from a cache, and live answers where the cache has none.

mod kubernetes;
mod live;
mod namespaces;
mod throttle;
mod watch;

pub use kubernetes::{Kubernetes, KubernetesError, client, user_client};
pub use live::{Answer, Live};
pub(crate) use live::{Offenders, RequestCluster, Want};
pub use namespaces::Namespaces;
pub use watch::watch;
pub(crate) use watch::{Patience, chain};
