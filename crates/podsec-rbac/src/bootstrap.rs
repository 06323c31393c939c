//! The roles and bindings that every cluster has from its first moment.

use serde_json::{Value, json};

use crate::json::{list, text};
use crate::rule::GROUP;
use crate::rule::PolicyRule;

/// All of them, namespaces' roles last, each as a client would create it. The rules of `admin`, `edit` and `view` are
/// aggregated from others.
pub fn objects() -> impl Iterator<Item = Value> {
    FILES.iter().flat_map(|(kind, lines)| {
        lines.lines().filter_map(|line| {
            let line = serde_json::from_str::<Value>(line).ok()?;
            Some(complete(kind, line))
        })
    })
}

/// The rules of `system:node`: what a node may do, before the Node authorizer looks at which objects are its own.
pub fn node_rules() -> Vec<PolicyRule> {
    let role = objects().find(|object| {
        object.get("kind").is_some_and(|kind| kind == "ClusterRole")
            && text(object, "/metadata/name") == "system:node"
    });
    role.iter().flat_map(|role| list(role, "rules")).map(PolicyRule::read).collect()
}

/// A line of the files lacks what all of them have.
fn complete(kind: &str, mut line: Value) -> Value {
    let mut labels = line.get("labels").cloned().unwrap_or_else(|| json!({}));
    labels["kubernetes.io/bootstrapping"] = "rbac-defaults".into();
    let mut metadata = json!({
        "name": line.get("name"), "labels": labels,
        "annotations": {"rbac.authorization.kubernetes.io/autoupdate": "true"},
    });
    if let Some(namespace) = line.get("namespace") {
        metadata["namespace"] = namespace.clone();
    }
    let mut object = json!({"apiVersion": format!("{GROUP}/v1"), "kind": kind, "metadata": metadata});
    for field in ["aggregationRule", "rules", "roleRef", "subjects"] {
        if let Some(value) = line.get_mut(field) {
            object[field] = value.take();
        }
    }
    object
}

/// One object a line.
const FILES: &[(&str, &str)] = &[
    ("ClusterRole", include_str!("../data/clusterroles.jsonl")),
    ("ClusterRoleBinding", include_str!("../data/clusterrolebindings.jsonl")),
    ("Role", include_str!("../data/roles.jsonl")),
    ("RoleBinding", include_str!("../data/rolebindings.jsonl")),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_files_is_an_object() {
        let lines: usize = FILES.iter().map(|(_, lines)| lines.lines().count()).sum();
        assert_eq!(objects().count(), lines);
        assert!(!node_rules().is_empty());
    }
}
