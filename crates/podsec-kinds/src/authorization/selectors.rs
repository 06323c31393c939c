//! Selectors in questions about rights: which objects a list is confined to.

use podsec_apimachinery::field::{Error, Path};
use serde_json::Value;

use crate::formats;
use crate::label_selector;
use crate::object::Fields;

/// What is wrong with the selectors of `resourceAttributes`. Operators that nobody knows yet are taken.
pub(super) fn validate(attributes: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    for (field, is_label) in [("fieldSelector", false), ("labelSelector", true)] {
        let Some(selector) = attributes.field(field) else { continue };
        let path = path.child(field);
        let raw = selector.text("rawSelector");
        let requirements = selector.list("requirements");
        if !raw.is_empty() && !requirements.is_empty() {
            let detail = "may not specified at the same time as requirements";
            errors.push(Error::invalid(path.child("rawSelector"), &raw.into(), detail));
        }
        if raw.is_empty() && requirements.is_empty() {
            let detail = format!("when {path} is specified, requirements or rawSelector is required");
            errors.push(Error::required(path.child("requirements"), &detail));
        }
        for (index, requirement) in requirements.iter().enumerate() {
            errors.extend(self::requirement(requirement, is_label, &path.child("requirements").index(index)));
        }
    }
    errors
}

fn requirement(requirement: &Value, is_label: bool, path: &Path) -> Vec<Error> {
    let known = matches!(requirement.text("operator"), "In" | "NotIn" | "Exists" | "DoesNotExist");
    let operator = if known { label_selector::operator(requirement, path) } else { None };
    let (key, key_path) = (requirement.text("key"), path.child("key"));
    let mut errors = Vec::new();
    if is_label {
        errors.extend(operator);
        errors.extend(formats::invalid(&key_path, key, formats::qualified_name(key)));
        errors.extend(label_selector::values(requirement.list("values"), &path.child("values")));
    } else {
        errors.extend(key.is_empty().then(|| Error::required(key_path, "must be specified")));
        errors.extend(operator);
    }
    errors
}
