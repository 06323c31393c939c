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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tolerations_of_node_trouble_are_added_once() {
        let mut pod = json!({ "spec": { "tolerations": [{ "key": "node.kubernetes.io/not-ready", "operator": "Exists" }] } });
        tolerate_node_trouble(&mut pod);
        let keys: Vec<&str> =
            pod.at("spec").list("tolerations").iter().map(|toleration| toleration.text("key")).collect();
        assert_eq!(keys, ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"]);
        let mut all = json!({ "spec": { "tolerations": [{ "operator": "Exists" }] } });
        tolerate_node_trouble(&mut all);
        assert_eq!(all.at("spec").list("tolerations").len(), 1);
    }
}
