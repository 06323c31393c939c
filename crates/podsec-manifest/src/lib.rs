//! Manifests in, findings out, at file, line and column: the API server's verdict before anything is deployed.
//!
//! ```text
//! Source ─► documents ─► objects ─► pods ─► evaluate ─► locate ─► FileReport ─► report/…
//! text      podsec-yaml  Lists      built-in standards  FieldPath  findings     one renderer
//!                        opened     and custom          to span                 a file
//!                                   kinds
//! ```
//!
//! [`check`] judges one source. Nothing is ever taken for clean that could not be read: it becomes a [`Problem`].

mod allowance;
mod baseline;
mod check;
mod composed;
mod embedded;
pub mod explain;
mod finding;
pub mod fix;
pub mod images;
pub mod input;
pub mod inspect;
mod locate;
mod node;
mod object;
mod patch;
mod pods;
pub mod report;
mod source;
mod spelling;
mod template;
mod types;

pub use allowance::apply_allowances;
pub use baseline::{Baseline, BaselineError, Known};
pub use check::{Kept, Policies, check};
pub use finding::{
    Advice, AdvisoryMode, FileReport, Finding, ImageUser, PartialObject, Place, PodReport, Problem, Silence,
    Silenced, Start, Told,
};
pub use locate::Step;
pub use object::{Object, ObjectName, objects};
pub use pods::pods_of;
pub use source::Source;
pub use template::{InvalidTemplate, Template, Templates};
pub use types::prepare;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
