//! The kinds of `autoscaling`, one file a kind.

mod behavior;
pub(crate) mod horizontalpodautoscalers;
mod metrics;
mod references;
pub mod versions;
