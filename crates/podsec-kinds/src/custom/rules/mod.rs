//! The rules of a CustomResourceDefinition (`x-kubernetes-validations`) and what they say of an object.
//!
//! ```text
//! schema ─► Validator (a tree of compiled rules) ─► evaluation (object, stored object, budget) ─► errors, warnings
//! ```
//!
//! ```text
//! { type: object, properties: { replicas: { type: integer, x-kubernetes-validations: [{ rule: "self > 0" }] } } }
//! { replicas: 0 }  ─►  replicas: Invalid value: 0: failed rule: self > 0
//! ```

mod correlation;
mod evaluation;
mod rule;
#[cfg(test)]
mod tests;
mod validator;

pub(crate) use evaluation::{Judgement, judge};
pub(crate) use rule::NodeRules;
pub(crate) use validator::Validator;
