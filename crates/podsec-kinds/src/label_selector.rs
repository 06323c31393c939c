//! Label selectors of objects: what is wrong with one, what it matches, and how it is written.

use podsec_apimachinery::field::{Error, Path};
use serde_json::Value;

use crate::formats;
use crate::internal;
use crate::metadata;
use crate::object::Fields;

/// What is wrong with a `metav1.LabelSelector`.
pub(crate) fn validate(selector: &Value, path: &Path) -> Vec<Error> {
    validate_with(selector, false, path)
}

/// The same, where the values of its expressions may be anything: they were before.
pub(crate) fn validate_with(selector: &Value, any_value: bool, path: &Path) -> Vec<Error> {
    let mut errors = metadata::label_map(selector.at("matchLabels"), &path.child("matchLabels"));
    for (index, requirement) in selector.list("matchExpressions").iter().enumerate() {
        let path = path.child("matchExpressions").index(index);
        errors.extend(operator(requirement, &path));
        let key = requirement.text("key");
        errors.extend(formats::invalid(&path.child("key"), key, formats::qualified_name(key)));
        if !any_value {
            errors.extend(values(requirement.list("values"), &path.child("values")));
        }
    }
    errors
}

/// What is wrong with the operator of a requirement and the number of its values.
pub(crate) fn operator(requirement: &Value, path: &Path) -> Option<Error> {
    let empty = requirement.list("values").is_empty();
    match requirement.text("operator") {
        "In" | "NotIn" => empty.then(|| {
            let detail = "must be specified when `operator` is 'In' or 'NotIn'";
            Error::required(path.child("values"), detail)
        }),
        "Exists" | "DoesNotExist" => (!empty).then(|| {
            let detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
            Error::forbidden(path.child("values"), detail)
        }),
        other => Some(Error::invalid(path.child("operator"), &other.into(), "not a valid selector operator")),
    }
}

/// What is wrong with the values of a requirement.
pub(crate) fn values(values: &[Value], path: &Path) -> Vec<Error> {
    let texts = values.iter().enumerate().filter_map(|(index, value)| Some((index, value.as_str()?)));
    texts
        .flat_map(|(index, value)| formats::invalid(&path.index(index), value, formats::label_value(value)))
        .collect()
}

/// Whether the selector asks for nothing, and so matches everything.
pub(crate) fn is_empty(selector: &Value) -> bool {
    selector.entries("matchLabels").next().is_none() && selector.list("matchExpressions").is_empty()
}

/// `Invalid value: <selector>: <detail>`.
pub(crate) fn invalid(selector: &Value, path: Path, detail: &str) -> Error {
    internal::invalid(path, "*metav1.LabelSelector", selector, detail)
}

/// Whether the selector of a workload matches `labels`; `None` when it is none that could. Without one it matches nothing.
pub(crate) fn selects(selector: &Value, labels: &Value) -> Option<bool> {
    if selector.is_null() {
        return Some(false);
    }
    let readable = validate(selector, &Path::new("")).is_empty();
    readable.then(|| matches(selector, labels))
}

/// Whether the selector matches `labels`.
pub(crate) fn matches(selector: &Value, labels: &Value) -> bool {
    let equal = selector.texts("matchLabels").all(|(key, value)| labels.at(key) == value);
    equal
        && selector.list("matchExpressions").iter().all(|requirement| {
            let label = labels.field(requirement.text("key"));
            let listed = label.is_some_and(|label| requirement.list("values").contains(label));
            match requirement.text("operator") {
                "In" => listed,
                "NotIn" => !listed,
                "Exists" => label.is_some(),
                "DoesNotExist" => label.is_none(),
                _ => false,
            }
        })
}

/// `a=b,c in (d,e),!f` as `kubectl get -o wide` shows it; `<none>` when it matches everything.
pub(crate) fn format(selector: &Value) -> String {
    if selector.is_null() || is_empty(selector) {
        return "<none>".to_owned();
    }
    let mut parts: Vec<(&str, String)> =
        selector.texts("matchLabels").map(|(key, value)| (key, format!("{key}={value}"))).collect();
    for requirement in selector.list("matchExpressions") {
        let key = requirement.text("key");
        let mut values: Vec<&str> = requirement.list("values").iter().filter_map(Value::as_str).collect();
        values.sort_unstable();
        let values = values.join(",");
        let text = match requirement.text("operator") {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "DoesNotExist" => format!("!{key}"),
            _ => key.to_owned(),
        };
        parts.push((key, text));
    }
    parts.sort_by(|one, other| one.0.cmp(other.0));
    parts.into_iter().map(|(_, text)| text).collect::<Vec<_>>().join(",")
}

/// `a=b,c=d`; `<none>` when there are no labels.
pub(crate) fn format_labels(labels: &Value) -> String {
    let parts: Vec<String> = labels
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    if parts.is_empty() { "<none>".to_owned() } else { parts.join(",") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_selector_matches_what_all_its_parts_match() {
        let selector = json!({
            "matchLabels": { "app": "web" },
            "matchExpressions": [
                { "key": "tier", "operator": "In", "values": ["b", "a"] },
                { "key": "old", "operator": "DoesNotExist" }
            ]
        });
        assert!(matches(&selector, &json!({ "app": "web", "tier": "a" })));
        assert!(!matches(&selector, &json!({ "app": "web", "tier": "c" })));
        assert!(!matches(&selector, &json!({ "app": "web", "tier": "a", "old": "" })));
        assert_eq!(format(&selector), "app=web,!old,tier in (a,b)");
        assert_eq!(format(&json!({})), "<none>");
    }
}
