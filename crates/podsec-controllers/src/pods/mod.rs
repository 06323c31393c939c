//! What controllers ask of pods, and how they make and delete them.

pub(crate) mod deletion_order;
pub(crate) mod state;
mod template;
mod writes;

pub(crate) use template::pod_from_template;
pub(crate) use writes::PodWriter;
