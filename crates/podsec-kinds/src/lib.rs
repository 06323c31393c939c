//! Kubernetes' built-in kinds and what a CustomResourceDefinition defines: defaults, validation, Table columns, selectable
//! fields and deletion, one file a kind, in the folder of its API group.
//!
//! ```text
//! decoded object ─► default ─► (mutating admission) ─► prepare_for_create ─► validate ─► (Pod Security) ─► stored
//! changed object ─► default ─► (mutating admission) ─► prepare_for_update ─► validate_update ─► …
//! ```
//!
//! A kind is one plain `static` [`Strategy`] of data and functions, named after the registry strategies of
//! kube-apiserver. [`strategy`] finds it; kinds without a file of their own behave as [`generic`] says. Pure: it reads
//! no clock, socket, file or environment.

mod admissionregistration;
mod apiextensions;
mod apiregistration;
mod apps;
mod authorization;
pub mod autoscaling;
mod batch;
mod behaviour;
pub mod certificates;
mod conditions;
mod coordination;
mod core;
pub mod custom;
mod discovery;
pub mod effects;
mod endpoint_addresses;
mod expressions;
mod flowcontrol;
mod formats;
mod generic;
mod go_json;
mod image;
mod immutable;
mod internal;
mod ip;
mod label_selector;
mod metadata;
mod networking;
mod node;
mod node_selector;
pub mod object;
mod pem;
mod pod_spec;
mod policy;
mod printing;
pub mod priority;
mod quantity;
mod rbac;
#[cfg(test)]
mod recorded;
#[cfg(test)]
mod recorded_expressions;
mod resource;
mod resource_names;
pub mod scale;
mod scheduling;
mod storage;
mod strategy;
pub mod tolerations;
mod unified_diff;
mod volume_sources;
mod workload;

pub use behaviour::Behaviour;
pub use core::services::allocation;
pub use generic::custom_resource;
pub use object::same;
pub use strategy::{
    Column, ColumnType, DeletionAnswer, GarbageCollection, SelectableField, Strategy, Subresource,
};

/// The behaviour of the built-in resource `resource` of API group `group` (empty for core), and the generic
/// one for resources that have none of their own. Objects of a CustomResourceDefinition behave as
/// [`custom_resource`] says.
pub fn strategy(group: &str, resource: &str) -> &'static Strategy {
    let own = STRATEGIES.iter().find(|strategy| strategy.resource == resource && strategy.group == group);
    if let Some(strategy) = own {
        return strategy;
    }
    if WITHOUT_STATUS.contains(&(group, resource)) { &generic::STRATEGY } else { &generic::WITH_STATUS }
}

/// Every kind with a behaviour of its own.
static STRATEGIES: &[&Strategy] = &[
    &core::configmaps::STRATEGY,
    &apiextensions::custom_resource_definitions::STRATEGY,
    &autoscaling::horizontalpodautoscalers::STRATEGY,
    &apps::controllerrevisions::STRATEGY,
    &batch::cronjobs::STRATEGY,
    &apps::daemonsets::STRATEGY,
    &apps::deployments::STRATEGY,
    &core::endpoints::STRATEGY,
    &discovery::endpointslices::STRATEGY,
    &core::events::OF_GROUP,
    &core::events::STRATEGY,
    &networking::ingresses::STRATEGY,
    &batch::jobs::STRATEGY,
    &core::limitranges::STRATEGY,
    &core::namespaces::STRATEGY,
    &core::nodes::STRATEGY,
    &core::persistentvolumeclaims::STRATEGY,
    &core::persistentvolumes::STRATEGY,
    &policy::poddisruptionbudgets::STRATEGY,
    &core::pods::STRATEGY,
    &core::podtemplates::STRATEGY,
    &apps::replicasets::STRATEGY,
    &core::replicationcontrollers::STRATEGY,
    &core::resourcequotas::STRATEGY,
    &core::secrets::STRATEGY,
    &core::serviceaccounts::STRATEGY,
    &core::services::STRATEGY,
    &apps::statefulsets::STRATEGY,
    &apiregistration::apiservices::STRATEGY,
    &authorization::subjectaccessreviews::ANYBODY,
    &authorization::subjectaccessreviews::LOCAL,
    &authorization::subjectaccessreviews::ONESELF,
    &certificates::certificatesigningrequests::STRATEGY,
    &coordination::leases::STRATEGY,
    &flowcontrol::flowschemas::STRATEGY,
    &flowcontrol::prioritylevelconfigurations::STRATEGY,
    &networking::ingressclasses::STRATEGY,
    &networking::ipaddresses::STRATEGY,
    &networking::networkpolicies::STRATEGY,
    &networking::servicecidrs::STRATEGY,
    &node::runtimeclasses::STRATEGY,
    &rbac::clusterrolebindings::STRATEGY,
    &rbac::clusterroles::STRATEGY,
    &rbac::rolebindings::STRATEGY,
    &rbac::roles::STRATEGY,
    &resource::deviceclasses::STRATEGY,
    &resource::resourceclaims::STRATEGY,
    &resource::resourceclaimtemplates::STRATEGY,
    &resource::resourceslices::STRATEGY,
    &scheduling::priorityclasses::STRATEGY,
    &storage::csidrivers::STRATEGY,
    &storage::csinodes::STRATEGY,
    &storage::csistoragecapacities::STRATEGY,
    &storage::storageclasses::STRATEGY,
    &storage::volumeattachments::STRATEGY,
    &storage::volumeattributesclasses::STRATEGY,
    &core::componentstatuses::STRATEGY,
    &admissionregistration::mutatingadmissionpolicies::STRATEGY,
    &admissionregistration::policy_bindings::MUTATING,
    &admissionregistration::policy_bindings::VALIDATING,
    &admissionregistration::validatingadmissionpolicies::STRATEGY,
    &admissionregistration::webhook_configurations::MUTATING,
    &admissionregistration::webhook_configurations::VALIDATING,
];

/// Kinds that are answers: what the client sends under `status` is nobody's business but the verb's.
const WITHOUT_STATUS: &[(&str, &str)] = &[
    ("authentication.k8s.io", "selfsubjectreviews"),
    ("authentication.k8s.io", "tokenreviews"),
    ("authorization.k8s.io", "selfsubjectrulesreviews"),
];
