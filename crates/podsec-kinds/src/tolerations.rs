//! What the admission plugin DefaultTolerationSeconds adds to a pod.

use serde_json::{Map, Value, json};

use crate::object::{Fields, FieldsMut};

/// A pod stays for five minutes on a node that is not ready or not reachable, unless it says otherwise.
pub fn tolerate_node_trouble(pod: &mut Value) {
    let Some(spec) = pod.as_object_mut().and_then(|pod| pod.object_mut("spec")) else { return };
    for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        add(key, spec);
    }
}

fn add(key: &str, spec: &mut Map<String, Value>) {
    let tolerated = spec.list("tolerations").iter().any(|toleration| {
        (toleration.text("key").is_empty() || toleration.text("key") == key)
            && matches!(toleration.text("effect"), "" | "NoExecute")
    });
    if tolerated {
        return;
    }
    spec.fill("tolerations", json!([]));
    if let Some(tolerations) = spec.get_mut("tolerations").and_then(Value::as_array_mut) {
        tolerations.push(
            json!({ "key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300 }),
        );
    }
}
