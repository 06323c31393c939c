//! The labels of the namespace of a request.

use std::sync::Arc;

use podsec_apimachinery::quote::quoted;

use crate::cluster::{Cluster, ClusterError};
use podsec_policy::labels::NamespaceLabels;

/// The labels of the request's namespace. What cannot be part of a path is not looked up: clients refuse that.
pub(crate) fn namespace_labels(
    cluster: &impl Cluster,
    namespace: &str,
) -> Result<Arc<NamespaceLabels>, ClusterError> {
    match refused_by_clients(namespace) {
        Some(why) => Err(ClusterError::Unavailable(why.into())),
        None => cluster.namespace(namespace),
    }
}

/// Why Kubernetes' clients ask for no object of this name, in their words.
fn refused_by_clients(name: &str) -> Option<String> {
    let faults = match name {
        "" => return Some("resource name may not be empty".to_owned()),
        "." | ".." => vec![format!("may not be '{name}'")],
        _ => ['/', '%']
            .into_iter()
            .filter(|character| name.contains(*character))
            .map(|character| format!("may not contain '{character}'"))
            .collect(),
    };
    (!faults.is_empty()).then(|| format!("invalid resource name {}: [{}]", quoted(name), faults.join(" ")))
}
