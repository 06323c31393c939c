//! Who may do what, by roles and bindings.
#![doc = include_str!("../README.md")]
//!
//! ```text
//! stored roles and bindings ─► Objects ─► RuleResolver ─┬─► decide: allowed, and by which binding
//!                                                      ├─► rules: all that a user may do
//!                                                      └─► escalation: does a user hold what it wants to grant
//! ```

pub mod aggregation;
pub mod bootstrap;
mod coverage;
pub mod escalation;
mod json;
mod objects;
mod reconcile;
mod request;
mod resolver;
mod rule;
mod subject;

pub use objects::Objects;
pub use reconcile::{Reconciled, reconcile};
pub use request::{Attributes, Requester, Target};
pub use resolver::{Decision, RuleResolver, Rules};
pub use rule::{GROUP, PolicyRule};
pub use subject::{Subject, SubjectKind};
