//! What may stand in a rule of a webhook (`admissionregistration.k8s.io` `RuleWithOperations`).

use std::collections::BTreeSet;

use podsec_apimachinery::field::{Error, Path};
use serde_json::Value;

use crate::formats;
use crate::object::Fields;

/// What is wrong with a rule.
pub(crate) fn rule(rule: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let operations = path.child("operations");
    errors.extend(alone(rule, "operations", "operations", path));
    for (index, operation) in rule.list("operations").iter().filter_map(Value::as_str).enumerate() {
        if !OPERATIONS.contains(&operation) {
            errors.push(formats::unsupported(&operations.index(index), operation, OPERATIONS));
        }
    }
    errors.extend(alone(rule, "apiGroups", "API groups", path));
    errors.extend(alone(rule, "apiVersions", "API versions", path));
    errors.extend(empty_items(rule, "apiVersions", path));
    errors.extend(resources(rule, &path.child("resources")));
    let scope = rule.field("scope").and_then(Value::as_str);
    if let Some(scope) = scope.filter(|scope| !SCOPES.contains(scope)) {
        errors.push(formats::unsupported(&path.child("scope"), scope, SCOPES));
    }
    errors
}

/// A list must be there, and `*` stands in it alone.
fn alone(rule: &Value, field: &str, words: &str, path: &Path) -> Option<Error> {
    let items = rule.list(field);
    if items.is_empty() {
        return Some(Error::required(path.child(field), ""));
    }
    (items.len() > 1 && items.iter().any(|item| item == "*")).then(|| {
        let detail = format!("if '*' is present, must not specify other {words}");
        Error::invalid(path.child(field), rule.at(field), &detail)
    })
}

fn empty_items(rule: &Value, field: &str, path: &Path) -> Vec<Error> {
    let items = rule.list(field).iter().enumerate();
    items
        .filter(|(_, item)| **item == "")
        .map(|(index, _)| Error::required(path.child(field).index(index), ""))
        .collect()
}

fn resources(rule: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let resources = rule.list("resources");
    if resources.is_empty() {
        errors.push(Error::required(path.clone(), ""));
    }
    let (mut all_below, mut below_all) = (BTreeSet::new(), BTreeSet::new());
    let (mut everything, mut any, mut named) = (false, false, false);
    for (index, item) in resources.iter().enumerate() {
        let text = item.as_str().unwrap_or_default();
        if text.is_empty() {
            errors.push(Error::required(path.index(index), ""));
            continue;
        }
        everything |= text == "*/*";
        any |= text == "*";
        let Some((resource, subresource)) = text.split_once('/') else {
            // As upstream: the last resource without a subresource decides.
            named = text != "*";
            continue;
        };
        let mut covered = |by: String| {
            let detail = format!("if '{by}' is present, must not specify {text}");
            errors.push(Error::invalid(path.index(index), item, &detail));
        };
        if all_below.contains(resource) {
            covered(format!("{resource}/*"));
        }
        if below_all.contains(subresource) {
            covered(format!("*/{subresource}"));
        }
        if subresource == "*" {
            all_below.insert(resource);
        }
        if resource == "*" {
            below_all.insert(subresource);
        }
    }
    let whole = rule.at("resources");
    if resources.len() > 1 && everything {
        let detail = "if '*/*' is present, must not specify other resources";
        errors.push(Error::invalid(path.clone(), whole, detail));
    }
    if any && named {
        let detail = "if '*' is present, must not specify other resources without subresources";
        errors.push(Error::invalid(path.clone(), whole, detail));
    }
    errors
}

const OPERATIONS: &[&str] = &["*", "CONNECT", "CREATE", "DELETE", "UPDATE"];
const SCOPES: &[&str] = &["*", "Cluster", "Namespaced"];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn errors(field: &str, value: Value) -> Vec<String> {
        let mut whole = json!({
            "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]
        });
        whole[field] = value;
        rule(&whole, &Path::new("r")).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_wildcard_stands_alone() {
        for (field, value, expected) in [
            (
                "operations",
                json!(["*", "CREATE"]),
                r#"r.operations: Invalid value: ["*","CREATE"]: if '*' is present, must not specify other operations"#,
            ),
            (
                "operations",
                json!(["GET"]),
                r#"r.operations[0]: Unsupported value: "GET": supported values: "*", "CONNECT", "CREATE", "DELETE", "UPDATE""#,
            ),
            ("operations", json!([]), "r.operations: Required value"),
            (
                "apiGroups",
                json!(["*", ""]),
                r#"r.apiGroups: Invalid value: ["*",""]: if '*' is present, must not specify other API groups"#,
            ),
            ("apiVersions", json!([""]), "r.apiVersions[0]: Required value"),
            (
                "resources",
                json!(["*/*", "pods"]),
                r#"r.resources: Invalid value: ["*/*","pods"]: if '*/*' is present, must not specify other resources"#,
            ),
            (
                "resources",
                json!(["*", "pods"]),
                r#"r.resources: Invalid value: ["*","pods"]: if '*' is present, must not specify other resources without subresources"#,
            ),
            (
                "resources",
                json!(["pods/*", "pods/exec"]),
                r#"r.resources[1]: Invalid value: "pods/exec": if 'pods/*' is present, must not specify pods/exec"#,
            ),
            (
                "resources",
                json!(["*/scale", "deployments/scale"]),
                r#"r.resources[1]: Invalid value: "deployments/scale": if '*/scale' is present, must not specify deployments/scale"#,
            ),
            (
                "scope",
                json!("Node"),
                r#"r.scope: Unsupported value: "Node": supported values: "*", "Cluster", "Namespaced""#,
            ),
        ] {
            assert_eq!(errors(field, value), [expected]);
        }
        assert_eq!(errors("resources", json!(["pods", "pods/status", "*/scale"])), [""; 0]);
    }
}
