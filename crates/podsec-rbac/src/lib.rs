//! Who may do what, by roles and bindings.
#![doc = include_str!("../README.md")]
//!
//! ```text
//! stored roles and bindings ─► Objects ─► Policy ─┬─► decide: allowed, and by which binding
//!                                                 ├─► rules: all that a user may do
//!                                                 └─► escalation: does a user hold what it wants to grant
//! ```

pub mod aggregation;
pub mod bootstrap;
mod coverage;
pub mod escalation;
mod json;
mod objects;
mod policy;
mod reconcile;
mod request;
mod rule;
mod subject;

pub use objects::Objects;
pub use policy::{Decision, Policy, Rules};
pub use reconcile::{Reconciled, reconcile};
pub use request::{Attributes, Target, User};
pub use rule::{GROUP, Rule};
pub use subject::{Subject, SubjectKind};
