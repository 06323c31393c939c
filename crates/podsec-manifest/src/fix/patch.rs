//! Fixes as patches, for manifests that are rendered or belong to someone else.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::style::Style;
use crate::object::{ObjectName, objects};

/// The patch of one object.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Patch {
    /// The object.
    pub target: PatchTarget,
    /// The operations of RFC 6902, in their order. Each touched element of a list that has a name is tested by it first,
    /// so that the patch fails rather than change another one.
    pub patch: Vec<Value>,
}

/// An object, in the words of Kustomize.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PatchTarget {
    /// The API group; left out for the core group.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub group: String,
    /// The version, as in `v1`.
    pub version: String,
    /// The kind.
    pub kind: String,
    /// The name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The namespace; left out when the manifest names none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
}

impl PatchTarget {
    fn of(name: &ObjectName) -> Self {
        let (group, version) = name.api_version.split_once('/').unwrap_or(("", &name.api_version));
        Self {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: name.kind.clone(),
            name: name.name.clone(),
            namespace: name.namespace.clone(),
        }
    }
}

/// The patches that make of each object in the text `old` what it is in `new`, a fix of the same text.
pub fn patches(old: &str, new: &str) -> Vec<Patch> {
    let mut patches = Vec::new();
    for (number, (old, new)) in podsec_yaml::documents(old).zip(podsec_yaml::documents(new)).enumerate() {
        let (Ok(old), Ok(new)) = (old, new) else { continue };
        for (old, new) in objects(&old, number).into_iter().zip(objects(&new, number)) {
            let mut operations = Vec::new();
            compare("", &old.node.to_json(), &new.node.to_json(), &mut operations);
            if !operations.is_empty() {
                patches.push(Patch { target: PatchTarget::of(&old.name), patch: operations });
            }
        }
    }
    patches
}

/// The patches as the text of a Kustomize component, which a kustomization takes in by `components: [FOLDER]`.
pub fn kustomize_component(patches: &[Patch]) -> String {
    let mut text = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\npatches:\n".to_owned();
    for Patch { target, patch } in patches {
        let target = serde_json::to_value(target).unwrap_or_default();
        text.push_str("- ");
        text.push_str(&STYLE.block_entry("target", &target, 2));
        text.push_str("\n  patch: |-\n");
        for operation in patch {
            text.push_str("    - ");
            text.push_str(&STYLE.block_item(operation, 6));
            text.push('\n');
        }
    }
    if patches.is_empty() {
        text.truncate(text.len() - 1);
        text.push_str(" []\n");
    }
    text
}

fn compare(path: &str, old: &Value, new: &Value, operations: &mut Vec<Value>) {
    match (old, new) {
        _ if old == new => {}
        (Value::Object(old), Value::Object(new)) => compare_fields(path, old, new, operations),
        (Value::Array(old_items), Value::Array(new_items)) if old_items.len() == new_items.len() => {
            for (index, (old, new)) in
                old_items.iter().zip(new_items).enumerate().filter(|(_, (old, new))| old != new)
            {
                let path = format!("{path}/{index}");
                if let Some(name) = old.get("name") {
                    operations.push(json!({"op": "test", "path": format!("{path}/name"), "value": name}));
                }
                compare(&path, old, new, operations);
            }
        }
        _ => operations.push(json!({"op": "replace", "path": path, "value": new})),
    }
}

fn compare_fields(
    path: &str,
    old: &Map<String, Value>,
    new: &Map<String, Value>,
    operations: &mut Vec<Value>,
) {
    for (name, old) in old {
        let path = format!("{path}/{}", escape(name));
        match new.get(name) {
            Some(new) => compare(&path, old, new, operations),
            None => operations.push(json!({"op": "remove", "path": path})),
        }
    }
    for (name, new) in new.iter().filter(|(name, _)| !old.contains_key(*name)) {
        operations.push(json!({"op": "add", "path": format!("{path}/{}", escape(name)), "value": new}));
    }
}

/// A member's name in a JSON Pointer.
fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// As Kustomize itself writes.
const STYLE: Style = Style { line_end: "\n", json: false, object_indent: 2, list_indent: 0, spaced: true };

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "\
kind: List
items:
- {kind: ConfigMap, metadata: {name: c}}
- apiVersion: apps/v1
  kind: Deployment
  metadata: {name: d, namespace: prod, annotations: {a/b: c}}
  spec: {template: {spec: {hostPID: true, containers: [{name: a}, {name: b, ports: [{hostPort: 1}, {}]}]}}}
";
    const NEW: &str = "\
kind: List
items:
- {kind: ConfigMap, metadata: {name: c}}
- apiVersion: apps/v1
  kind: Deployment
  metadata: {name: d, namespace: prod, annotations: {}}
  spec: {template: {spec: {securityContext: {runAsNonRoot: true}, containers: [{name: a}, {name: b, ports: [{}]}]}}}
";

    #[test]
    fn elements_are_tested_by_name_before_they_change() {
        let patches = patches(OLD, NEW);
        let expected = json!([{
            "target": {"group": "apps", "version": "v1", "kind": "Deployment", "name": "d", "namespace": "prod"},
            "patch": [
                {"op": "remove", "path": "/metadata/annotations/a~1b"},
                {"op": "test", "path": "/spec/template/spec/containers/1/name", "value": "b"},
                {"op": "replace", "path": "/spec/template/spec/containers/1/ports", "value": [{}]},
                {"op": "remove", "path": "/spec/template/spec/hostPID"},
                {"op": "add", "path": "/spec/template/spec/securityContext", "value": {"runAsNonRoot": true}},
            ],
        }]);
        assert_eq!(serde_json::to_value(&patches).unwrap(), expected);
    }

    #[test]
    fn a_component_reads_back_as_the_patches() {
        let patches = patches(OLD, NEW);
        let component = podsec_yaml::to_json(&kustomize_component(&patches)).unwrap();
        assert_eq!(component["kind"], "Component");
        let entry = &component["patches"][0];
        assert_eq!(entry["target"], serde_json::to_value(&patches[0].target).unwrap());
        let operations = podsec_yaml::to_json(entry["patch"].as_str().unwrap()).unwrap();
        assert_eq!(operations, Value::from(patches[0].patch.clone()));
        assert_eq!(podsec_yaml::to_json(&kustomize_component(&[])).unwrap()["patches"], json!([]));
    }
}
