//! What a server does at its start about a bootstrap role or binding that is there already.

use serde_json::{Map, Value, json};

use crate::coverage::missing;
use crate::json::{list, text};
use crate::rule::PolicyRule;

/// What has to be done about a stored object.
#[derive(Clone, Debug, PartialEq)]
pub enum Reconciled {
    /// Nothing.
    Unchanged,
    /// It becomes this.
    Update(Value),
    /// It is deleted and made again, since the role of a binding never changes.
    Recreate,
}

/// Compares a stored role or binding with the one that it should be: what is missing is added, what people have added is
/// left. Who annotates it with `rbac.authorization.kubernetes.io/autoupdate: "false"` keeps it as it is.
pub fn reconcile(stored: &Value, expected: &Value) -> Reconciled {
    let protected = "/metadata/annotations/rbac.authorization.kubernetes.io~1autoupdate";
    if text(stored, protected) == "false" {
        return Reconciled::Unchanged;
    }
    let is_binding = expected.get("roleRef").is_some();
    let role =
        |object: &Value| ["/roleRef/kind", "/roleRef/name"].map(|pointer| text(object, pointer).to_owned());
    if is_binding && role(stored) != role(expected) {
        return Reconciled::Recreate;
    }
    let mut object = stored.clone();
    for field in ["labels", "annotations"] {
        add_texts(&mut object, expected, field);
    }
    if is_binding {
        add(&mut object, "subjects", list(expected, "subjects"), same_subject);
    } else {
        add_rules(&mut object, expected);
        add_selectors(&mut object, expected);
    }
    if object == *stored { Reconciled::Unchanged } else { Reconciled::Update(object) }
}

/// Adds labels or annotations; those that are there stay.
fn add_texts(object: &mut Value, expected: &Value, field: &str) {
    let Some(texts) = expected.pointer(&format!("/metadata/{field}")).and_then(Value::as_object) else {
        return;
    };
    let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    let own = metadata.entry(field).or_insert_with(|| Map::new().into());
    let Some(own) = own.as_object_mut() else { return };
    for (key, value) in texts {
        own.entry(key.as_str()).or_insert_with(|| value.clone());
    }
}

fn add_rules(object: &mut Value, expected: &Value) {
    let held: Vec<PolicyRule> = list(object, "rules").iter().map(PolicyRule::read).collect();
    let wanted: Vec<PolicyRule> = list(expected, "rules").iter().map(PolicyRule::read).collect();
    let Ok(missing) = missing(&held.iter().collect::<Vec<_>>(), &wanted) else { return };
    if missing.is_empty() {
        return;
    }
    let missing: Vec<Value> = missing.iter().map(to_value).collect();
    add(object, "rules", &missing, |_, _| false);
}

fn to_value(rule: &PolicyRule) -> Value {
    let mut value = json!({"verbs": rule.verbs});
    for (field, texts) in [
        ("apiGroups", &rule.api_groups),
        ("resources", &rule.resources),
        ("resourceNames", &rule.resource_names),
        ("nonResourceURLs", &rule.non_resource_urls),
    ] {
        if !texts.is_empty() {
            value[field] = json!(texts);
        }
    }
    value
}

/// A role that should not aggregate loses its aggregation rule; one that should gets the selectors that it lacks.
fn add_selectors(object: &mut Value, expected: &Value) {
    let Some(fields) = object.as_object_mut() else { return };
    let Some(aggregation) = expected.get("aggregationRule") else {
        fields.remove("aggregationRule");
        return;
    };
    let own = fields.entry("aggregationRule").or_insert_with(|| json!({}));
    if own.is_null() {
        *own = json!({});
    }
    let selectors = list(aggregation, "clusterRoleSelectors").to_vec();
    add(own, "clusterRoleSelectors", &selectors, |own, selector| own == selector);
}

/// Adds those items that the list has not, as `same` tells.
fn add(object: &mut Value, field: &str, items: &[Value], same: impl Fn(&Value, &Value) -> bool) {
    let missing: Vec<Value> =
        items.iter().filter(|item| !list(object, field).iter().any(|own| same(own, item))).cloned().collect();
    if missing.is_empty() {
        return;
    }
    let mut all = list(object, field).to_vec();
    all.extend(missing);
    if let Some(fields) = object.as_object_mut() {
        fields.insert(field.to_owned(), all.into());
    }
}

fn same_subject(own: &Value, subject: &Value) -> bool {
    ["/kind", "/apiGroup", "/name", "/namespace"].iter().all(|field| text(own, field) == text(subject, field))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_added_and_what_people_added_stays() {
        let expected = json!({"kind": "ClusterRole", "metadata": {"name": "r", "labels": {"a": "b"}}, "rules": [
            {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]},
        ]});
        let stored = json!({"kind": "ClusterRole", "metadata": {"name": "r", "labels": {"x": "y"}}, "rules": [
            {"apiGroups": [""], "resources": ["pods", "secrets"], "verbs": ["get"]},
        ]});
        let Reconciled::Update(object) = reconcile(&stored, &expected) else { panic!("unchanged") };
        assert_eq!(object["metadata"]["labels"], json!({"a": "b", "x": "y"}));
        assert_eq!(
            object["rules"],
            json!([
                {"apiGroups": [""], "resources": ["pods", "secrets"], "verbs": ["get"]},
                {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]},
            ])
        );
        assert_eq!(reconcile(&object, &expected), Reconciled::Unchanged);
    }

    #[test]
    fn a_binding_to_another_role_is_made_again_unless_it_is_protected() {
        let binding = |role: &str, update: &str| {
            json!({"kind": "ClusterRoleBinding",
                "metadata": {"name": "b", "annotations": {"rbac.authorization.kubernetes.io/autoupdate": update}},
                "roleRef": {"kind": "ClusterRole", "name": role}, "subjects": []})
        };
        assert_eq!(reconcile(&binding("x", "true"), &binding("y", "true")), Reconciled::Recreate);
        assert_eq!(reconcile(&binding("x", "false"), &binding("y", "true")), Reconciled::Unchanged);
    }

    #[test]
    fn every_bootstrap_object_is_as_it_should_be_when_it_is_new() {
        for object in crate::bootstrap::objects() {
            assert_eq!(reconcile(&object, &object), Reconciled::Unchanged);
        }
    }
}
