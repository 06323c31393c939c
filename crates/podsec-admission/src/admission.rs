//! The entry: a request in, a response out.

use std::sync::Arc;

use podsec_apimachinery::quote::quoted;
use podsec_standards::Workload;

use crate::cluster::{Cluster, ClusterError};
use crate::request::{Operation, Request, Subject};
use crate::response::{Event, Exemption, Response};
use crate::{controllers, namespaces, pods};
use podsec_policy::configuration::Configuration;
use podsec_policy::labels::NamespaceLabels;

/// Pod Security admission under one configuration.
#[derive(Clone, Debug, Default)]
pub struct Admission {
    pub(crate) configuration: Configuration,
}

impl Admission {
    /// Admission as configured.
    pub fn new(configuration: Configuration) -> Self {
        Self { configuration }
    }

    /// Whether kube-apiserver's own admission judges such a request: the creation or update of a namespace or of
    /// one of the nine kinds that carry a pod. (A webhook is asked what its rules say, and judges that.)
    pub fn applies_to(request: &Request<'_>) -> bool {
        let (group, resource) = (request.resource.group.as_ref(), request.resource.resource.as_ref());
        matches!(request.operation, Operation::Create | Operation::Update)
            && (request.subject() == Subject::Namespace || Workload::from_resource(group, resource).is_some())
    }

    /// Judges a request.
    ///
    /// Pods are refused when they violate what their namespace enforces. Whatever may hold a pod template is
    /// warned about and audited only. Namespaces are refused when their labels are wrong, and warned about when
    /// a new enforce level does not fit the pods that exist.
    pub fn review(&self, cluster: &impl Cluster, request: &Request<'_>) -> Response {
        match request.subject() {
            Subject::Controller => controllers::review(self, cluster, request),
            Subject::Namespace => namespaces::review(self, cluster, request),
            Subject::Pod => pods::review(self, cluster, request),
        }
    }

    /// The response to a request that is exempt by its namespace or its user, the namespace first.
    pub(crate) fn exempt(&self, request: &Request<'_>) -> Option<Response> {
        let exemptions = &self.configuration.exemptions;
        let exemption = if exemptions.has_namespace(&request.namespace) {
            Exemption::Namespace
        } else if exemptions.has_username(&request.username) {
            Exemption::User
        } else {
            return None;
        };
        Some(Response::exempt(exemption).counting(Event::Exemption))
    }
}

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
