//! The checks: baseline first, then restricted, each sorted by id, which is the order of Kubernetes'
//! messages.

mod host_namespaces;

use crate::check::Check;

/// Every check, in the order in which Kubernetes applies them.
pub static CHECKS: &[&Check] = &[&host_namespaces::CHECK];
