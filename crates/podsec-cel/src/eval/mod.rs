//! Running a checked expression: what it yields and what it costs.
//!
//! ```text
//! checked tree ─► plan (constants folded, patterns compiled) ─► interpreter ─► value, cost
//! ```

mod error;
mod interpreter;
mod plan;
mod runtime_cost;

pub(crate) use error::no_such_overload;
pub use error::{Budget, Error};
pub(crate) use interpreter::{Scope, run};
pub(crate) use plan::{Plan, plan};
