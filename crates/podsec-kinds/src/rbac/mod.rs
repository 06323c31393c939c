//! The kinds of `rbac.authorization.k8s.io`, one file a kind.

mod bindings;
pub(crate) mod clusterrolebindings;
pub(crate) mod clusterroles;
pub(crate) mod rolebindings;
pub(crate) mod roles;
mod rules;

/// The API group.
const GROUP: &str = "rbac.authorization.k8s.io";
