//! The plugins of kube-apiserver that need nobody outside of the server, in its order, one file each.
//!
//! What a plugin decides is a function of the object and of what was looked up for it; `admit` and `validate` look up,
//! and put the decision into the words of a refusal. [`all`] is the list: a plugin is a file and a line there.

mod access;
mod always_pull_images;
mod certificate_approval;
mod certificate_signing;
mod certificate_subject_restriction;
mod default_ingress_class;
mod default_storage_class;
mod default_toleration_seconds;
mod limit_ranger;
mod namespace_lifecycle;
mod node_restriction;
mod owner_references_permission_enforcement;
mod persistent_volume_claim_resize;
mod pod_node_selector;
mod pod_security;
mod pod_topology_labels;
mod priority;
pub(crate) mod quota;
mod resources;
mod runtime_class;
mod service_account;
mod storage_object_in_use_protection;
mod taint_nodes_by_condition;

use std::sync::Arc;

use super::parts::Parts;
use super::plugin::Plugin;
use super::plugins::{self as name, Plugins};

/// Those that run, in kube-apiserver's order.
pub(super) fn all(plugins: &Plugins, parts: &Parts<'_>) -> Vec<Box<dyn Plugin>> {
    let resources = || parts.resources.clone();
    let authorizer = || Arc::clone(parts.authorizer);
    let all: Vec<(&str, Box<dyn Plugin>)> = vec![
        (
            name::NAMESPACE_LIFECYCLE,
            Box::new(namespace_lifecycle::NamespaceLifecycle { resources: resources() }),
        ),
        (name::LIMIT_RANGER, Box::new(limit_ranger::LimitRanger { resources: resources() })),
        (name::SERVICE_ACCOUNT, Box::new(service_account::ServiceAccount { resources: resources() })),
        (name::NODE_RESTRICTION, Box::new(node_restriction::NodeRestriction { resources: resources() })),
        (name::TAINT_NODES_BY_CONDITION, Box::new(taint_nodes_by_condition::TaintNodesByCondition)),
        (name::ALWAYS_PULL_IMAGES, Box::new(always_pull_images::AlwaysPullImages)),
        (
            name::POD_SECURITY,
            Box::new(pod_security::PodSecurity {
                resources: resources(),
                admission: parts.pod_security.clone(),
                metrics: Arc::clone(parts.pod_security_metrics),
            }),
        ),
        (name::POD_NODE_SELECTOR, Box::new(pod_node_selector::PodNodeSelector { resources: resources() })),
        (name::PRIORITY, Box::new(priority::Priority { resources: resources() })),
        (name::DEFAULT_TOLERATION_SECONDS, Box::new(default_toleration_seconds::DefaultTolerationSeconds)),
        (
            name::DEFAULT_STORAGE_CLASS,
            Box::new(default_storage_class::DefaultStorageClass { resources: resources() }),
        ),
        (
            name::STORAGE_OBJECT_IN_USE_PROTECTION,
            Box::new(storage_object_in_use_protection::StorageObjectInUseProtection),
        ),
        (
            name::OWNER_REFERENCES_PERMISSION_ENFORCEMENT,
            Box::new(owner_references_permission_enforcement::OwnerReferencesPermissionEnforcement {
                resources: resources(),
                authorizer: authorizer(),
            }),
        ),
        (
            name::PERSISTENT_VOLUME_CLAIM_RESIZE,
            Box::new(persistent_volume_claim_resize::PersistentVolumeClaimResize { resources: resources() }),
        ),
        (name::RUNTIME_CLASS, Box::new(runtime_class::RuntimeClass { resources: resources() })),
        (
            name::CERTIFICATE_APPROVAL,
            Box::new(certificate_approval::CertificateApproval { authorizer: authorizer() }),
        ),
        (
            name::CERTIFICATE_SIGNING,
            Box::new(certificate_signing::CertificateSigning { authorizer: authorizer() }),
        ),
        (
            name::CERTIFICATE_SUBJECT_RESTRICTION,
            Box::new(certificate_subject_restriction::CertificateSubjectRestriction),
        ),
        (
            name::DEFAULT_INGRESS_CLASS,
            Box::new(default_ingress_class::DefaultIngressClass { resources: resources() }),
        ),
        (
            name::POD_TOPOLOGY_LABELS,
            Box::new(pod_topology_labels::PodTopologyLabels { resources: resources() }),
        ),
    ];
    all.into_iter().filter(|(name, _)| plugins.runs(name)).map(|(_, plugin)| plugin).collect()
}
