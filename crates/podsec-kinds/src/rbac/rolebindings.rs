//! RoleBindings: who has a role in one namespace.

use super::bindings::{self, BINDING};
use crate::printing::{self, column, wide};
use crate::strategy::Strategy;

/// RoleBindings.
pub(crate) static STRATEGY: Strategy = Strategy {
    resource: "rolebindings",
    validate: |binding| bindings::validate(binding, true),
    validate_update: |binding, old| bindings::validate_update(binding, old, true),
    columns: &[
        printing::NAME,
        column(
            "Role",
            "RoleRef can reference a Role in the current namespace or a ClusterRole in the global namespace. If the \
             RoleRef cannot be resolved, the Authorizer must return an error.",
        ),
        printing::AGE,
        wide("Users", "Users in the roleBinding"),
        wide("Groups", "Groups in the roleBinding"),
        wide("ServiceAccounts", "ServiceAccounts in the roleBinding"),
    ],
    ..BINDING
};
