//! `TaintNodesByCondition`: a new node takes no pods until something has seen that it is ready.

use podsec_kinds::object::{Fields, FieldsMut, as_map};
use serde_json::{Value, json};

use super::target::is_about;
use crate::admission::{Action, Write};
use crate::verbs::Operation;

/// Adds the taint.
pub(super) fn admit(operation: &Operation<'_>, write: &Write<'_>, object: &mut Value) {
    if write.action == Action::Create && is_about(operation, "", "nodes", "") {
        taint(object);
    }
}

fn taint(node: &mut Value) {
    let Some(spec) = as_map(node).ensure("spec") else { return };
    let is_tainted = spec
        .list("taints")
        .iter()
        .any(|taint| taint.text("key") == NOT_READY && taint.text("effect") == "NoSchedule");
    if is_tainted {
        return;
    }
    spec.fill("taints", json!([]));
    if let Some(taints) = spec.get_mut("taints").and_then(Value::as_array_mut) {
        taints.push(json!({"key": NOT_READY, "effect": "NoSchedule"}));
    }
}

const NOT_READY: &str = "node.kubernetes.io/not-ready";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_taint_is_added_once_behind_the_others() {
        let mut node = json!({"spec": {"taints": [{"key": "k", "effect": "NoSchedule"}]}});
        taint(&mut node);
        taint(&mut node);
        assert_eq!(
            node,
            json!({"spec": {"taints": [
                {"key": "k", "effect": "NoSchedule"}, {"key": NOT_READY, "effect": "NoSchedule"},
            ]}})
        );
    }
}
