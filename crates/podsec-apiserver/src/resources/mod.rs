//! How each kind behaves: its defaults, validation, Table columns, selectable fields and deletion, one file a kind.
//!
//! ```text
//! decoded object ─► default ─► tolerate, prioritize ─► prepare_for_create ─► validate ─► (Pod Security) ─► stored
//! changed object ─► default ─► tolerate, prioritize ─► prepare_for_update ─► validate_update ─► …
//! ```
//!
//! A kind is one plain `static` [`Strategy`] of data and functions, named after the registry strategies of
//! kube-apiserver. [`strategy`] finds it; kinds without a file of their own behave as [`generic`] says.

mod behaviour;
mod configmaps;
mod cron_schedule;
mod cronjobs;
mod custom_resource_definitions;
mod daemonsets;
mod deployments;
mod events;
mod formats;
mod generic;
mod image;
mod ingresses;
mod jobs;
mod label_selector;
mod limitranges;
mod metadata;
mod namespaces;
mod nodes;
mod object;
mod persistentvolumes;
mod pod_spec;
mod poddisruptionbudgets;
mod pods;
mod podtemplates;
mod printing;
mod priority;
mod quantity;
#[cfg(test)]
mod recorded;
mod replicasets;
mod replicationcontrollers;
pub mod scale;
mod secrets;
mod serviceaccounts;
mod services;
mod statefulsets;
mod storageclasses;
mod strategy;
mod table_only;
mod webhook_configurations;
mod webhook_rules;
mod workload;

pub(crate) use behaviour::Behaviour;
pub use generic::custom_resource;
pub(crate) use object::same;
pub use strategy::{
    Column, ColumnType, DeletionAnswer, GarbageCollection, Prioritize, SelectableField, Strategy, Subresource,
};

/// The behaviour of the built-in resource `resource` of API group `group` (empty for core), and the generic
/// one for resources that have none of their own. Objects of a CustomResourceDefinition behave as
/// [`custom_resource`] says.
pub fn strategy(group: &str, resource: &str) -> &'static Strategy {
    let own = STRATEGIES.iter().find(|strategy| strategy.resource == resource && strategy.group == group);
    if let Some(strategy) = own {
        return strategy;
    }
    if COUNTED.contains(&(group, resource)) {
        &generic::WITH_GENERATION
    } else if WITHOUT_STATUS.contains(&(group, resource)) {
        &generic::STRATEGY
    } else {
        &generic::WITH_STATUS
    }
}

/// Every kind with a behaviour of its own.
static STRATEGIES: &[&Strategy] = &[
    &configmaps::STRATEGY,
    &custom_resource_definitions::STRATEGY,
    &cronjobs::STRATEGY,
    &daemonsets::STRATEGY,
    &deployments::STRATEGY,
    &events::OF_GROUP,
    &events::STRATEGY,
    &ingresses::STRATEGY,
    &jobs::STRATEGY,
    &limitranges::STRATEGY,
    &namespaces::STRATEGY,
    &nodes::STRATEGY,
    &persistentvolumes::STRATEGY,
    &poddisruptionbudgets::STRATEGY,
    &pods::STRATEGY,
    &podtemplates::STRATEGY,
    &replicasets::STRATEGY,
    &replicationcontrollers::STRATEGY,
    &secrets::STRATEGY,
    &serviceaccounts::STRATEGY,
    &services::STRATEGY,
    &statefulsets::STRATEGY,
    &storageclasses::STRATEGY,
    &table_only::AUTOSCALERS,
    &table_only::CLAIMS,
    &table_only::CLUSTER_ROLES,
    &table_only::CLUSTER_ROLE_BINDINGS,
    &table_only::COMPONENT_STATUSES,
    &table_only::CONTROLLER_REVISIONS,
    &table_only::ENDPOINTS,
    &table_only::LEASES,
    &table_only::NETWORK_POLICIES,
    &table_only::PRIORITY_CLASSES,
    &table_only::QUOTAS,
    &table_only::ROLES,
    &table_only::ROLE_BINDINGS,
    &table_only::RUNTIME_CLASSES,
    &webhook_configurations::MUTATING,
    &webhook_configurations::VALIDATING,
];

/// Other kinds whose `metadata.generation` counts changes.
const COUNTED: &[(&str, &str)] = &[
    ("admissionregistration.k8s.io", "mutatingadmissionpolicies"),
    ("admissionregistration.k8s.io", "validatingadmissionpolicies"),
    ("flowcontrol.apiserver.k8s.io", "flowschemas"),
    ("flowcontrol.apiserver.k8s.io", "prioritylevelconfigurations"),
    ("networking.k8s.io", "ingressclasses"),
    ("resource.k8s.io", "deviceclasses"),
    ("resource.k8s.io", "resourceslices"),
];

/// Kinds that are answers: what the client sends under `status` is nobody's business but the verb's.
const WITHOUT_STATUS: &[(&str, &str)] = &[
    ("authentication.k8s.io", "selfsubjectreviews"),
    ("authentication.k8s.io", "tokenreviews"),
    ("authorization.k8s.io", "localsubjectaccessreviews"),
    ("authorization.k8s.io", "selfsubjectaccessreviews"),
    ("authorization.k8s.io", "selfsubjectrulesreviews"),
    ("authorization.k8s.io", "subjectaccessreviews"),
];
