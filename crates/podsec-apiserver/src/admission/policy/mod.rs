//! `MutatingAdmissionPolicy` and `ValidatingAdmissionPolicy`: holds requests against the expressions of the cluster's
//! policies.
//!
//! ```text
//! stored policies, bindings ─► source (compiled once) ─► invocation ─► evaluation ─► the object, or a refusal
//!                                                        (matching, parameters)   (validation, mutation)
//! ```
//!
//! [`invocation`] reads what a policy needs from the store; everything after it computes, within Kubernetes' limits of
//! cost, beside the workers that answer other requests.

mod apply_configuration;
mod authorizer;
mod binding;
pub(super) mod conditions;
mod definition;
mod evaluation;
pub(super) mod expression;
mod invocation;
mod json_patch;
mod matching;
mod mutation;
mod params;
mod refusal;
pub(super) mod request;
mod source;
mod unmade;
mod validation;
mod verdict;

use crate::registry::Resources;
pub(super) use mutation::Mutation;
use source::Source;
pub(super) use validation::validate;

/// The policies of a server.
pub(crate) struct Policies {
    mutating: Source,
    validating: Source,
}

impl Policies {
    /// Those among `resources`.
    pub(crate) fn of(resources: &Resources) -> Self {
        let registry = |resource: &str| resources.builtin("admissionregistration.k8s.io", "v1", resource);
        let source = |policies: &str, bindings: &str| Source::new(registry(policies), registry(bindings));
        Self {
            mutating: source("mutatingadmissionpolicies", "mutatingadmissionpolicybindings"),
            validating: source("validatingadmissionpolicies", "validatingadmissionpolicybindings"),
        }
    }
}
