//! The kinds of `admissionregistration.k8s.io`, one file a kind.

mod match_conditions;
mod match_resources;
pub(crate) mod mutatingadmissionpolicies;
mod policies;
pub(crate) mod policy_bindings;
pub(crate) mod validatingadmissionpolicies;
pub(crate) mod webhook_configurations;
mod webhook_rules;

/// The API group.
const GROUP: &str = "admissionregistration.k8s.io";
