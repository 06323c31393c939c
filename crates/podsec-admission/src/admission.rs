//! The entry: a request in, a response out.

use podsec_standards::Workload;

use crate::cluster::Cluster;
use crate::request::{Operation, Request, Subject};
use crate::response::Response;
use crate::{controllers, namespaces, pods};
use podsec_policy::configuration::Configuration;

/// Pod Security admission under one configuration.
#[derive(Clone, Debug, Default)]
pub struct Admission {
    configuration: Configuration,
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
            Subject::Controller => controllers::review(&self.configuration, cluster, request),
            Subject::Namespace => namespaces::review(&self.configuration, cluster, request),
            Subject::Pod => pods::review(&self.configuration, cluster, request),
        }
    }
}
