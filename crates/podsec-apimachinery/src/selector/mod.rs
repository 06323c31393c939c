//! Selectors: which objects a list, a watch or a workload means, by labels or by fields.

pub mod field;
pub mod label;
