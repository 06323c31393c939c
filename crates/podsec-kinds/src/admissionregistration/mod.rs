//! The kinds of `admissionregistration.k8s.io`, one file a kind.

pub(crate) mod webhook_configurations;
mod webhook_rules;
