//! ClusterRoleBindings: who has a role in the whole cluster.

use super::bindings::{self, BINDING};
use crate::printing::{self, column, wide};
use crate::strategy::Strategy;

/// ClusterRoleBindings.
pub(crate) static STRATEGY: Strategy = Strategy {
    resource: "clusterrolebindings",
    validate: |binding| bindings::validate(binding, false),
    validate_update: |binding, old| bindings::validate_update(binding, old, false),
    columns: &[
        printing::NAME,
        column("Role", "@rbac.v1.ClusterRoleBinding.roleRef"),
        printing::AGE,
        wide("Users", "Users in the clusterRoleBinding"),
        wide("Groups", "Groups in the clusterRoleBinding"),
        wide("ServiceAccounts", "ServiceAccounts in the clusterRoleBinding"),
    ],
    ..BINDING
};
