//! The rules of a role: verbs on resources, or on paths that are no resources.

use podsec_apimachinery::field::{Error, Path, json};
use serde_json::Value;

use crate::object::{Fields, FieldsMut, null_if_empty};

/// What is wrong with the rules of a role.
pub(super) fn validate(role: &Value, namespaced: bool) -> Vec<Error> {
    let rules = role.list("rules").iter().enumerate();
    rules.flat_map(|(index, rule)| self::rule(rule, namespaced, &Path::new("rules").index(index))).collect()
}

fn rule(rule: &Value, namespaced: bool, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let required = |field: &str, detail: &str| {
        rule.list(field).is_empty().then(|| Error::required(path.child(field), detail))
    };
    errors.extend(required("verbs", "verbs must contain at least one value"));
    if rule.list("nonResourceURLs").is_empty() {
        errors.extend(required("apiGroups", "resource rules must supply at least one api group"));
        errors.extend(required("resources", "resource rules must supply at least one resource"));
        return errors;
    }
    let path = path.child("nonResourceURLs");
    let mut wrong = |detail: &str| {
        errors.push(Error::invalid_json(path.clone(), &json(rule.at("nonResourceURLs")), detail));
    };
    if namespaced {
        wrong("namespaced rules cannot apply to non-resource URLs");
    }
    if ["apiGroups", "resources", "resourceNames"].iter().any(|field| !rule.list(field).is_empty()) {
        wrong("rules cannot apply to both regular resources and non-resource URLs");
    }
    errors
}

/// Go writes the rules and their verbs also when there are none.
pub(super) fn default(role: &mut Value) {
    let Some(role) = role.as_object_mut() else { return };
    for rule in role.objects_mut("rules") {
        null_if_empty(rule, "verbs");
    }
    role.entry("rules").or_insert(Value::Null);
}

/// An empty list is none once it is stored; who wrote it owns it all the same.
pub(super) fn prepare(role: &mut Value) {
    if let Some(role) = role.as_object_mut() {
        null_if_empty(role, "rules");
    }
}
