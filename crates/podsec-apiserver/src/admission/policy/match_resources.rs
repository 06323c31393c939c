//! `MatchResources`: which requests a policy or binding is about.

use std::sync::Arc;

use podsec_apimachinery::schema::catalog::Resource;
use podsec_apimachinery::selector::label::{Selector, from_object};
use serde_json::Value;

use crate::admission::matching::MatchPolicy;
use crate::admission::matching::rules::{NamespaceLabels, Rule, Selectors, Subject};

/// The requests that are meant.
#[derive(Debug)]
pub(super) struct MatchResources {
    namespaces: Result<Selector, String>,
    objects: Result<Selector, String>,
    rules: Vec<NamedRule>,
    excluded: Vec<NamedRule>,
    match_policy: MatchPolicy,
}

/// A `NamedRuleWithOperations`.
#[derive(Debug)]
struct NamedRule {
    rule: Rule,
    /// The names of the objects that are meant; all when empty.
    names: Vec<String>,
}

impl MatchResources {
    pub(super) fn read(resources: &Value) -> Self {
        let selector = |kind: &str| match resources.get(format!("{kind}Selector")) {
            Some(selector) if selector.is_object() => {
                from_object(Some(selector)).map_err(|error| error.to_string())
            }
            _ => Err(format!(
                "a nil {kind} selector was passed, please ensure selectors are initialized properly"
            )),
        };
        let rules = |field: &str| {
            let rules = resources.get(field).and_then(Value::as_array);
            rules.into_iter().flatten().map(NamedRule::read).collect()
        };
        Self {
            namespaces: selector("namespace"),
            objects: selector("object"),
            rules: rules("resourceRules"),
            excluded: rules("excludeResourceRules"),
            match_policy: match resources.get("matchPolicy").and_then(Value::as_str) {
                Some("Equivalent") => MatchPolicy::Equivalent,
                _ => MatchPolicy::Exact,
            },
        }
    }

    /// The version in which the request is meant; `None` when it is not. `name` is that of the request.
    ///
    /// # Errors
    /// Why nobody can tell.
    pub(super) fn version_for(
        &self,
        subject: &Subject<'_>,
        name: &str,
        namespace: &NamespaceLabels,
        object: Option<&Value>,
        old: Option<&Value>,
    ) -> Result<Option<Arc<Resource>>, String> {
        let selectors = Selectors {
            namespace: self.namespaces.as_ref().map_err(Clone::clone)?,
            object: self.objects.as_ref().map_err(Clone::clone)?,
        };
        let selected = subject.is_selected(selectors, namespace, object, old);
        if matches!(selected, Ok(false)) || self.version_by(&self.excluded, subject, name).is_some() {
            return Ok(None);
        }
        let version = if self.rules.is_empty() {
            Some(subject.resource)
        } else {
            self.version_by(&self.rules, subject, name)
        };
        let Some(version) = version else { return Ok(None) };
        selected.map(|_| Some(Arc::clone(version))).map_err(|status| status.message)
    }

    fn version_by<'a>(
        &self,
        rules: &[NamedRule],
        subject: &Subject<'a>,
        name: &str,
    ) -> Option<&'a Arc<Resource>> {
        let named = |rule: &&NamedRule| rule.names.is_empty() || rule.names.iter().any(|other| other == name);
        let mut meant = rules.iter().filter(named);
        if meant.clone().any(|rule| rule.rule.matches(subject, subject.resource)) {
            return Some(subject.resource);
        }
        let equivalents =
            if self.match_policy == MatchPolicy::Equivalent { subject.equivalents } else { &[] };
        // An earlier rule counts more than a nearer version.
        meant.find_map(|rule| equivalents.iter().find(|version| rule.rule.matches(subject, version)))
    }
}

impl NamedRule {
    fn read(rule: &Value) -> Self {
        let names = rule.get("resourceNames").and_then(Value::as_array);
        let names = names.into_iter().flatten().filter_map(Value::as_str);
        Self { rule: Rule::read(rule), names: names.map(str::to_owned).collect() }
    }
}

#[cfg(test)]
mod tests {
    use podsec_apimachinery::schema::Catalog;
    use serde_json::{Map, json};

    use super::*;
    use crate::admission::attributes::Action;

    /// Whether a creation of the ConfigMap `name` is meant.
    fn is_meant(resources: Value, name: &str) -> Result<bool, String> {
        let mut resources = resources;
        for selector in ["namespaceSelector", "objectSelector"] {
            if resources[selector].is_null() {
                resources[selector] = json!({});
            }
        }
        let resource = Catalog::builtin().find("", "v1", "configmaps").unwrap();
        let subject =
            Subject { action: Action::Create, resource, subresource: "", namespace: "n", equivalents: &[] };
        let labels = Ok(Map::new());
        let version = MatchResources::read(&resources).version_for(&subject, name, &labels, None, None)?;
        Ok(version.is_some())
    }

    fn rule(resource: &str) -> Value {
        json!({"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": [resource]})
    }

    #[test]
    fn without_rules_everything_is_meant_but_what_is_excluded() {
        assert_eq!(is_meant(json!({}), "a"), Ok(true));
        assert_eq!(is_meant(json!({"resourceRules": [rule("pods")]}), "a"), Ok(false));
        assert_eq!(is_meant(json!({"excludeResourceRules": [rule("configmaps")]}), "a"), Ok(false));
        assert_eq!(is_meant(json!({"excludeResourceRules": [rule("pods")]}), "a"), Ok(true));
    }

    #[test]
    fn a_rule_with_names_means_those_objects_alone() {
        let mut named = rule("configmaps");
        named["resourceNames"] = json!(["a", "b"]);
        assert_eq!(is_meant(json!({"resourceRules": [named]}), "b"), Ok(true));
        assert_eq!(is_meant(json!({"resourceRules": [named]}), "c"), Ok(false));
        assert_eq!(is_meant(json!({"excludeResourceRules": [named]}), "b"), Ok(false));
    }

    #[test]
    fn an_absent_selector_is_an_error() {
        let resources = MatchResources::read(&json!({"objectSelector": {}}));
        assert!(resources.namespaces.is_err() && resources.objects.is_ok());
    }
}
