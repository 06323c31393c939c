//! Which resources a policy or its binding is about: `MatchResources`.

use std::collections::BTreeSet;

use podsec_apimachinery::field::{Error, Path};
use podsec_apimachinery::name::path_segment;
use serde_json::{Map, Value};

use super::webhook_rules::rule;
use crate::formats;
use crate::label_selector;
use crate::object::{Fields, FieldsMut};

/// Fills what is absent.
pub(super) fn default(resources: &mut Map<String, Value>) {
    resources.fill("matchPolicy", "Equivalent");
    resources.fill("namespaceSelector", Map::new());
    resources.fill("objectSelector", Map::new());
    for rules in ["resourceRules", "excludeResourceRules"] {
        for rule in resources.objects_mut(rules) {
            rule.fill("scope", "*");
        }
    }
}

/// What is wrong with them.
pub(super) fn validate(resources: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    match resources.at("matchPolicy").as_str() {
        None => errors.push(Error::required(path.child("matchPolicy"), "")),
        Some(policy) if MATCH_POLICIES.contains(&policy) => {}
        Some(policy) => errors.push(formats::unsupported(&path.child("matchPolicy"), policy, MATCH_POLICIES)),
    }
    for selector in ["namespaceSelector", "objectSelector"] {
        match resources.field(selector) {
            None => errors.push(Error::required(path.child(selector), "")),
            Some(value) => errors.extend(label_selector::validate(value, &path.child(selector))),
        }
    }
    for rules in ["resourceRules", "excludeResourceRules"] {
        for (index, each) in resources.list(rules).iter().enumerate() {
            let path = path.child(rules).index(index);
            errors.extend(resource_names(each, &path.child("resourceNames")));
            errors.extend(rule(each, &path));
        }
    }
    errors
}

/// What mutates is not asked about deletions.
pub(super) fn validate_of_mutation(resources: &Value, path: &Path) -> Vec<Error> {
    let path = path.child("resourceRules").child("operations");
    let operations = resources.list("resourceRules").iter().flat_map(|rule| rule.list("operations"));
    operations
        .filter_map(Value::as_str)
        .filter(|operation| !MUTATED.contains(operation))
        .map(|operation| formats::unsupported(&path, operation, MUTATED))
        .collect()
}

fn resource_names(rule: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let mut seen = BTreeSet::new();
    for (index, value) in rule.list("resourceNames").iter().enumerate() {
        let (name, path) = (value.as_str().unwrap_or_default(), path.index(index));
        errors.extend(formats::invalid(&path, name, path_segment(name)));
        if !seen.insert(name) {
            errors.push(Error::duplicate(path, value));
        }
    }
    errors
}

const MATCH_POLICIES: &[&str] = &["Equivalent", "Exact"];
const MUTATED: &[&str] = &["*", "CONNECT", "CREATE", "UPDATE"];
