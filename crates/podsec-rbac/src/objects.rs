//! The stored roles and bindings, from which a policy is made.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::json::{list, text};
use crate::resolver::{Binding, RuleResolver};
use crate::rule::PolicyRule;
use crate::subject::Subject;

/// Roles and bindings, by namespace and name; the namespace is empty for those of the whole cluster.
#[derive(Clone, Debug, Default)]
pub struct Objects {
    roles: BTreeMap<(String, String), Arc<[PolicyRule]>>,
    bindings: BTreeMap<(String, String), Arc<Binding>>,
}

impl Objects {
    /// Takes a Role, ClusterRole, RoleBinding or ClusterRoleBinding in, in place of the one with its name. Others are
    /// left out.
    pub fn insert(&mut self, object: &Value) {
        let namespace = text(object, "/metadata/namespace");
        let key = (namespace.to_owned(), text(object, "/metadata/name").to_owned());
        match text(object, "/kind") {
            "Role" | "ClusterRole" => {
                let rules = list(object, "rules").iter().map(PolicyRule::read).collect();
                self.roles.insert(key, rules);
            }
            "RoleBinding" | "ClusterRoleBinding" => {
                let mut binding = Binding {
                    name: key.1.clone(),
                    namespace: namespace.to_owned(),
                    role_kind: text(object, "/roleRef/kind").to_owned(),
                    role_name: text(object, "/roleRef/name").to_owned(),
                    subjects: list(object, "subjects")
                        .iter()
                        .filter_map(|subject| Subject::read(subject, namespace))
                        .collect(),
                    reasons: Vec::new(),
                };
                binding.reasons = binding.reasons();
                self.bindings.insert(key, Arc::new(binding));
            }
            _ => {}
        }
    }

    /// Forgets a Role or ClusterRole.
    pub fn remove_role(&mut self, namespace: &str, name: &str) {
        self.roles.remove(&(namespace.to_owned(), name.to_owned()));
    }

    /// Forgets a RoleBinding or ClusterRoleBinding.
    pub fn remove_binding(&mut self, namespace: &str, name: &str) {
        self.bindings.remove(&(namespace.to_owned(), name.to_owned()));
    }

    /// What all of them say together.
    pub fn policy(&self) -> RuleResolver {
        RuleResolver::new(self.roles.clone(), self.bindings.values())
    }
}
