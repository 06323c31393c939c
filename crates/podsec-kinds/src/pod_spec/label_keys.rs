//! `matchLabelKeys` and `mismatchLabelKeys` of affinities and spreadings: keys of the pod's own labels.

use std::collections::BTreeSet;

use podsec_apimachinery::field::{Error, Path};
use serde_json::{Map, Value, json};

use crate::formats;
use crate::object::{Fields, FieldsMut, metadata};

/// What is wrong with them; a spreading has no `mismatchLabelKeys`.
pub(super) fn validate(term: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    for field in ["matchLabelKeys", "mismatchLabelKeys"] {
        if !term.list(field).is_empty() && !term.has("labelSelector") {
            let detail = "must not be specified when labelSelector is not set";
            errors.push(Error::forbidden(path.child(field), detail));
            continue;
        }
        for (index, key) in term.list(field).iter().enumerate() {
            let key = key.as_str().unwrap_or_default();
            let reasons = formats::qualified_name(key);
            errors.extend(formats::invalid(&path.child(field).index(index), key, reasons));
        }
    }
    let keys = term.list("matchLabelKeys");
    let selector = term.at("labelSelector");
    let mut selected: BTreeSet<&str> = selector.entries("matchLabels").map(|(key, _)| key).collect();
    for expression in selector.list("matchExpressions") {
        let key = expression.text("key");
        let at = keys.iter().rposition(|other| other == key);
        if let Some(at) = at.filter(|_| selected.contains(key)) {
            let detail = "exists in both matchLabelKeys and labelSelector";
            errors.push(Error::invalid(path.index(at), &key.into(), detail));
        }
        selected.insert(key);
    }
    for (index, key) in keys.iter().enumerate() {
        if term.list("mismatchLabelKeys").contains(key) {
            let path = path.child("matchLabelKeys").index(index);
            errors.push(Error::invalid(path, key, "exists in both matchLabelKeys and mismatchLabelKeys"));
        }
    }
    errors
}

/// Adds the pod's own values of these labels to the selectors, as Kubernetes does when a pod is created.
///
/// With the label `app: web`, `matchLabelKeys: [app]` makes the selector ask for `app In (web)`.
pub(crate) fn merge_into_selectors(pod: &mut Value) {
    let labels = metadata(pod).at("labels").clone();
    let Some(spec) = pod.as_object_mut().and_then(|pod| pod.object_mut("spec")) else { return };
    for constraint in spec.objects_mut("topologySpreadConstraints") {
        merge(constraint, &labels);
    }
    let Some(affinity) = spec.object_mut("affinity") else { return };
    for kind in ["podAffinity", "podAntiAffinity"] {
        let Some(terms) = affinity.object_mut(kind) else { continue };
        for term in terms.objects_mut("requiredDuringSchedulingIgnoredDuringExecution") {
            merge(term, &labels);
        }
        for weighted in terms.objects_mut("preferredDuringSchedulingIgnoredDuringExecution") {
            if let Some(term) = weighted.object_mut("podAffinityTerm") {
                merge(term, &labels);
            }
        }
    }
}

fn merge(term: &mut Map<String, Value>, labels: &Value) {
    let mut added = Vec::new();
    for (field, operator) in [("matchLabelKeys", "In"), ("mismatchLabelKeys", "NotIn")] {
        let keys = term.get(field).and_then(Value::as_array).into_iter().flatten();
        for (key, value) in keys.filter_map(|key| Some((key, labels.field(key.as_str()?)?))) {
            added.push(json!({ "key": key, "operator": operator, "values": [value] }));
        }
    }
    // A selector that is not there selects nothing, whatever the labels are.
    let Some(selector) = term.object_mut("labelSelector").filter(|_| !added.is_empty()) else { return };
    if let Some(expressions) = selector.entry("matchExpressions").or_insert_with(|| json!([])).as_array_mut()
    {
        expressions.extend(added);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_labels_of_the_pod_narrow_its_selectors() {
        let mut pod = json!({ "metadata": { "labels": { "app": "web" } }, "spec": {
            "topologySpreadConstraints": [{ "matchLabelKeys": ["app", "none"], "labelSelector": {} }, { "matchLabelKeys": ["app"] }],
            "affinity": { "podAntiAffinity": { "preferredDuringSchedulingIgnoredDuringExecution": [
                { "podAffinityTerm": { "mismatchLabelKeys": ["app"], "labelSelector": { "matchLabels": { "a": "b" } } } }
            ] } }
        } });
        merge_into_selectors(&mut pod);
        let spreading = &pod["spec"]["topologySpreadConstraints"];
        let asked = json!([{ "key": "app", "operator": "In", "values": ["web"] }]);
        assert_eq!(spreading[0]["labelSelector"], json!({ "matchExpressions": asked }));
        assert_eq!(spreading[1], json!({ "matchLabelKeys": ["app"] }));
        let term =
            &pod["spec"]["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"][0];
        assert_eq!(term["podAffinityTerm"]["labelSelector"]["matchExpressions"][0]["operator"], "NotIn");
    }

    #[test]
    fn a_key_is_asked_for_once_and_only_beside_a_selector() {
        let told = |term: &Value| -> Vec<String> {
            validate(term, &Path::new("t")).iter().map(Error::to_string).collect()
        };
        assert_eq!(
            told(&json!({ "matchLabelKeys": ["a"] })),
            ["t.matchLabelKeys: Forbidden: must not be specified when labelSelector is not set"]
        );
        assert_eq!(
            told(&json!({ "matchLabelKeys": ["a"], "mismatchLabelKeys": ["a"], "labelSelector": {} })),
            [
                "t.matchLabelKeys[0]: Invalid value: \"a\": exists in both matchLabelKeys and mismatchLabelKeys"
            ]
        );
    }
}
