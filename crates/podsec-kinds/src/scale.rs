//! The `scale` subresource: an `autoscaling/v1` Scale in place of a workload.

use podsec_apimachinery::field::{Error, Path};
use serde_json::{Map, Value, json};

use crate::object::{Fields, FieldsMut, metadata};
use crate::{formats, label_selector};

/// The Scale of a workload.
pub fn of(workload: &Value) -> Value {
    let mut shown = Map::new();
    for field in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
        shown.copy(field, metadata(workload));
    }
    let selector = workload.at("spec").at("selector");
    // A ReplicationController's selector is the map itself.
    let is_map = !selector.has("matchLabels") && !selector.has("matchExpressions");
    let selector =
        if is_map { label_selector::format_labels(selector) } else { label_selector::format(selector) };
    json!({
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": shown,
        "spec": { "replicas": workload.at("spec").number("replicas") },
        "status": { "replicas": workload.at("status").number("replicas"), "selector": selector },
    })
}

/// The workload with the replicas that `scale` asks for, and with its preconditions.
pub fn apply(scale: &Value, workload: &mut Value) {
    let replicas = scale.at("spec").number("replicas");
    let Some(workload) = workload.as_object_mut() else { return };
    if let Some(spec) = workload.ensure("spec") {
        spec.insert("replicas".to_owned(), replicas.into());
    }
    if let Some(fields) = workload.ensure("metadata") {
        for field in ["resourceVersion", "uid"] {
            if !metadata(scale).text(field).is_empty() {
                fields.copy(field, metadata(scale));
            }
        }
    }
}

/// What is wrong with a Scale.
pub fn validate(scale: &Value) -> Vec<Error> {
    let path = Path::new("spec").child("replicas");
    formats::nonnegative(&path, scale.at("spec").number("replicas")).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_shows_and_sets_the_replicas() {
        let mut workload = json!({
            "metadata": { "name": "web", "namespace": "n", "labels": { "a": "b" } },
            "spec": { "replicas": 2, "selector": { "matchLabels": { "app": "web" } } },
            "status": { "replicas": 1 }
        });
        let mut scale = of(&workload);
        assert_eq!(
            scale,
            json!({
                "kind": "Scale", "apiVersion": "autoscaling/v1",
                "metadata": { "name": "web", "namespace": "n" },
                "spec": { "replicas": 2 }, "status": { "replicas": 1, "selector": "app=web" }
            })
        );
        scale["spec"]["replicas"] = 5.into();
        apply(&scale, &mut workload);
        assert_eq!(workload.at("spec").number("replicas"), 5);
        scale["spec"]["replicas"] = json!(-1);
        assert_eq!(validate(&scale).len(), 1);
    }
}
