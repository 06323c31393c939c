//! The checker: does an expression make sense, of what type is each part, which functions does it call, and what may
//! it cost at most.

mod assign;
mod checked;
mod checker;
mod cost;
mod function_cost;
mod literals;

pub(crate) use checked::{Checked, Reference};
pub(crate) use checker::check;
pub(crate) use cost::estimate;
pub(crate) use literals::check_literals;
