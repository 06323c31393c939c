//! Running a checked expression: what it yields and what it costs.
//!
//! ```text
//! checked tree ─► plan (constants folded, patterns compiled) ─► interpreter ─► value, cost
//! ```

mod interpreter;
mod plan;
mod planner;
mod runtime_cost;

pub(crate) use interpreter::{Scope, run};
pub(crate) use plan::Plan;
pub(crate) use planner::plan;
