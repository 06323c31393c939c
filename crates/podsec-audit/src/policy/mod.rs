//! `audit.k8s.io/v1` `Policy`: which requests are recorded, and how much of them.
//!
//! ```text
//! file ─► load: decode ─► validate ─► Policy ─► evaluate(request, user) ─► RequestAuditConfig
//! ```

mod decode;
mod evaluate;
mod load;
mod rules;
mod validate;

pub use evaluate::RequestAuditConfig;
pub use load::{Error, Loaded};
pub use rules::{Level, Policy, Stage};
