//! Node selectors of affinities and volumes: what is wrong with them, and their labels that have newer names.

use podsec_apimachinery::field::{Error, Path};
use serde_json::Value;

use crate::object::Fields;
use crate::{formats, label_selector};

/// What is wrong with a `NodeSelector`.
pub(crate) fn validate(selector: &Value, path: &Path) -> Vec<Error> {
    let path = path.child("nodeSelectorTerms");
    let terms = selector.list("nodeSelectorTerms");
    if terms.is_empty() {
        return vec![Error::required(path, "must have at least one node selector term")];
    }
    let indexed = terms.iter().enumerate();
    indexed.flat_map(|(index, term)| validate_term(term, true, &path.index(index))).collect()
}

/// What is wrong with one term; the values of preferred terms are not looked at.
pub(crate) fn validate_term(term: &Value, check_values: bool, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    for (index, requirement) in term.list("matchExpressions").iter().enumerate() {
        errors.extend(expression(requirement, check_values, &path.child("matchExpressions").index(index)));
    }
    for (index, requirement) in term.list("matchFields").iter().enumerate() {
        errors.extend(field(requirement, &path.child("matchFields").index(index)));
    }
    errors
}

fn expression(requirement: &Value, check_values: bool, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let values = requirement.list("values");
    let values_path = path.child("values");
    match requirement.text("operator") {
        "Gt" | "Lt" if values.len() == 1 => {}
        "Gt" | "Lt" => {
            let detail = "must be specified single value when `operator` is 'Lt' or 'Gt'";
            errors.push(Error::required(values_path.clone(), detail));
        }
        _ => errors.extend(label_selector::operator(requirement, path)),
    }
    let key = requirement.text("key");
    errors.extend(formats::invalid(&path.child("key"), key, formats::qualified_name(key)));
    if check_values {
        errors.extend(label_selector::values(values, &values_path));
    }
    errors
}

fn field(requirement: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let operator = requirement.text("operator");
    let values = requirement.list("values");
    if !matches!(operator, "In" | "NotIn") {
        let detail = "not a valid selector operator";
        errors.push(Error::invalid(path.child("operator"), &operator.into(), detail));
    } else if values.len() != 1 {
        let detail = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector";
        errors.push(Error::required(path.child("values"), detail));
    }
    let key = requirement.text("key");
    if key == "metadata.name" {
        for (index, name) in values.iter().enumerate() {
            let name = name.as_str().unwrap_or_default();
            let path = path.child("values").index(index);
            errors.extend(formats::invalid(&path, name, formats::subdomain(name)));
        }
    } else {
        let detail = "not a valid field selector key";
        errors.push(Error::invalid(path.child("key"), &key.into(), detail));
    }
    errors
}

/// What to say about the deprecated labels of a term, and about the values of a preferred one.
pub(crate) fn term_warnings(term: &Value, check_values: bool, path: &Path) -> Vec<String> {
    let mut warnings = Vec::new();
    for (index, requirement) in term.list("matchExpressions").iter().enumerate() {
        let path = path.child("matchExpressions").index(index);
        warnings.extend(key_warning(requirement.text("key"), &path.child("key")));
        for (index, value) in requirement.list("values").iter().enumerate().filter(|_| check_values) {
            let value = value.as_str().unwrap_or_default();
            let path = path.child("values").index(index);
            let wrong = formats::label_value(value);
            warnings.extend(wrong.iter().map(|why| format!("{path}: {value} is invalid, {why}")));
        }
    }
    warnings
}

/// What to say about the deprecated labels of a label selector of nodes.
pub(crate) fn label_selector_warnings(selector: &Value, path: &Path) -> Vec<String> {
    let mut warnings = term_warnings(selector, false, path);
    for (label, _) in selector.entries("matchLabels") {
        if let Some(message) = deprecated_label(label) {
            warnings.push(format!("{}: {message}", path.child("matchLabels").child(label)));
        }
    }
    warnings
}

/// `<path>: <key> is deprecated …` for a key that names a deprecated label of nodes.
pub(crate) fn key_warning(key: &str, path: &Path) -> Option<String> {
    deprecated_label(key).map(|message| format!("{path}: {key} is {message}"))
}

/// What to use in place of a label of nodes.
pub(crate) fn deprecated_label(label: &str) -> Option<&'static str> {
    DEPRECATED_LABELS.iter().find(|(old, _)| *old == label).map(|(_, message)| *message)
}

const DEPRECATED_LABELS: &[(&str, &str)] = &[
    ("beta.kubernetes.io/arch", "deprecated since v1.14; use \"kubernetes.io/arch\" instead"),
    ("beta.kubernetes.io/os", "deprecated since v1.14; use \"kubernetes.io/os\" instead"),
    (
        "failure-domain.beta.kubernetes.io/region",
        "deprecated since v1.17; use \"topology.kubernetes.io/region\" instead",
    ),
    (
        "failure-domain.beta.kubernetes.io/zone",
        "deprecated since v1.17; use \"topology.kubernetes.io/zone\" instead",
    ),
    (
        "beta.kubernetes.io/instance-type",
        "deprecated since v1.17; use \"node.kubernetes.io/instance-type\" instead",
    ),
    ("app.kubernetes.io/created-by", "deprecated since v1.9"),
    (
        "scheduler.alpha.kubernetes.io/preferAvoidPods",
        "deprecated since v1.22; use Taints and Tolerations instead",
    ),
    ("node-role.kubernetes.io/master", "use \"node-role.kubernetes.io/control-plane\" instead"),
];
