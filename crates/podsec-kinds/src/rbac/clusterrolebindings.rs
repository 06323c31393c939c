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
        column(
            "Role",
            "RoleRef can only reference a ClusterRole in the global namespace. If the RoleRef cannot be resolved, \
             the Authorizer must return an error.",
        ),
        printing::AGE,
        wide("Users", "Users in the clusterRoleBinding"),
        wide("Groups", "Groups in the clusterRoleBinding"),
        wide("ServiceAccounts", "ServiceAccounts in the clusterRoleBinding"),
    ],
    ..BINDING
};
