//! The Pod Security Standards: levels, versions, checks and verdicts, exactly as Kubernetes judges.
//!
//! ```text
//! JSON ──► Workload ──► Pod ──► evaluate ──► Evaluation: violations, each with
//!          where the    the     every check  Kubernetes' words, and the fields
//!          pod is       view    of a Policy  that are to blame
//! ```
//!
//! This crate reads no file, clock, socket or environment. What it decides is decided in
//! [`checks`][CHECKS], one file each.

mod check;
mod checks;
mod evaluation;
mod field;
pub mod json;
mod kubelet;
mod level;
mod pod;
mod policy;
mod safety;
mod version;
mod violation;
mod wording;
mod workload;

pub use check::{Check, Edit, Example, Fix, Revision, Verdict};
pub use checks::CHECKS;
pub use evaluation::{Rule, evaluate, rules};
pub use field::{Actual, Field, FieldPath, Owner, Segment};
pub use kubelet::{BROKEN_NON_ROOT, NonRoot, refusal_of_image};
pub use level::{InvalidLevel, Level};
pub use pod::{Container, ContainerKind, DecodeError, Pod};
pub use policy::Policy;
pub use safety::{Ground, Safety};
pub use version::{InvalidVersion, Version};
pub use violation::{Evaluation, Violation};
pub use workload::Workload;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
