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
mod match_resources;
mod mutation;
mod params;
mod refusal;
pub(super) mod request;
mod source;
mod unmade;
mod validation;
mod verdict;

pub(super) use mutation::MutatingAdmissionPolicy;
pub(super) use source::Source;
pub(super) use validation::ValidatingAdmissionPolicy;
