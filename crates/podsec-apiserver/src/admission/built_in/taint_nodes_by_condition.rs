//! `TaintNodesByCondition`: a new node takes no pods until something has seen that it is ready.

use async_trait::async_trait;
use podsec_apimachinery::Status;
use podsec_kinds::object::{Fields, FieldsMut, as_map};
use serde_json::{Value, json};

use crate::admission::attributes::{Action, Attributes};
use crate::admission::plugin::Plugin;

/// Taints new nodes.
pub(crate) struct TaintNodesByCondition;

#[async_trait]
impl Plugin for TaintNodesByCondition {
    /// Adds the taint.
    async fn admit(&self, attributes: &Attributes<'_>, object: &mut Value) -> Result<(), Status> {
        if attributes.action == Action::Create && attributes.is_about("", "nodes", "") {
            taint(object);
        }
        Ok(())
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
