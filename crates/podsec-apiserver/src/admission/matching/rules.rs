//! Whether a request is meant: by rules, then by the selectors of namespaces and objects.

use std::sync::Arc;

use podsec_apimachinery::Status;
use podsec_apimachinery::meta::Meta;
use podsec_apimachinery::schema::catalog::Resource;
use podsec_apimachinery::selector::label::Selector;
use serde_json::{Map, Value};

use crate::admission::attributes::Action;

/// A `RuleWithOperations`.
#[derive(Debug)]
pub(in crate::admission) struct Rule {
    operations: Vec<String>,
    groups: Vec<String>,
    versions: Vec<String>,
    resources: Vec<String>,
    scope: Scope,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    All,
    Cluster,
    Namespaced,
    /// None that is known: matches nothing.
    Other,
}

/// What a request is about, as rules and selectors see it.
#[derive(Clone, Copy)]
pub(in crate::admission) struct Subject<'a> {
    /// What is done.
    pub(in crate::admission) action: Action,
    /// The requested resource.
    pub(in crate::admission) resource: &'a Arc<Resource>,
    /// The requested subresource.
    pub(in crate::admission) subresource: &'a str,
    /// The namespace; of a Namespace, its own name.
    pub(in crate::admission) namespace: &'a str,
    /// The same objects in other versions.
    pub(in crate::admission) equivalents: &'a [Arc<Resource>],
}

/// Which namespaces and objects are meant.
#[derive(Clone, Copy)]
pub(in crate::admission) struct Selectors<'a> {
    /// The namespaces.
    pub(in crate::admission) namespace: &'a Selector,
    /// The objects.
    pub(in crate::admission) object: &'a Selector,
}

/// The labels of the namespace, or why nobody knows them.
pub(in crate::admission) type NamespaceLabels = Result<Map<String, Value>, Status>;

impl Subject<'_> {
    /// Whether the request is about a Namespace or one of its subresources.
    pub(in crate::admission) fn is_namespace(&self) -> bool {
        self.resource.group.is_empty() && self.resource.resource == "namespaces"
    }

    /// Whether a new state of a Namespace decides by its own labels.
    pub(in crate::admission) fn carries_namespace_labels(&self) -> bool {
        self.is_namespace()
            && self.subresource.is_empty()
            && matches!(self.action, Action::Create | Action::Update)
    }

    /// Whether the selectors let the request through.
    ///
    /// # Errors
    /// Why the labels of the namespace are not known, when it depends on them alone.
    pub(in crate::admission) fn is_selected(
        &self,
        selectors: Selectors<'_>,
        namespace: &NamespaceLabels,
        object: Option<&Value>,
        old: Option<&Value>,
    ) -> Result<bool, Status> {
        // Objects outside of namespaces are never exempt, but for the namespaces themselves.
        let selective =
            !selectors.namespace.is_everything() && (!self.namespace.is_empty() || self.is_namespace());
        let unknown = match namespace {
            Ok(labels) if selective && !selectors.namespace.matches_labels(Some(labels)) => {
                return Ok(false);
            }
            Err(status) if selective => Some(status),
            _ => None,
        };
        // The options of a connection have no metadata, and no selector matches them.
        let selected = |object: &Value| {
            object.get("metadata").is_some() && selectors.object.matches_labels(Meta::of(object).labels())
        };
        if !selectors.object.is_everything() && !object.is_some_and(selected) && !old.is_some_and(selected) {
            return Ok(false);
        }
        unknown.map_or(Ok(true), |status| Err(status.clone()))
    }
}

impl Rule {
    pub(in crate::admission) fn read(rule: &Value) -> Self {
        let texts = |field: &str| {
            let items = rule.get(field).and_then(Value::as_array).into_iter().flatten();
            items.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        Self {
            operations: texts("operations"),
            groups: texts("apiGroups"),
            versions: texts("apiVersions"),
            resources: texts("resources"),
            scope: match rule.get("scope").and_then(Value::as_str) {
                None | Some("*") => Scope::All,
                Some("Cluster") => Scope::Cluster,
                Some("Namespaced") => Scope::Namespaced,
                Some(_) => Scope::Other,
            },
        }
    }

    pub(in crate::admission) fn matches(&self, subject: &Subject<'_>, version: &Resource) -> bool {
        let listed = |items: &[String], wanted: &str| items.iter().any(|item| item == "*" || item == wanted);
        let is_namespaced = !subject.namespace.is_empty() && !subject.is_namespace();
        let in_scope = match self.scope {
            Scope::All => true,
            Scope::Cluster => !is_namespaced,
            Scope::Namespaced => is_namespaced,
            Scope::Other => false,
        };
        in_scope
            && listed(&self.operations, subject.action.name())
            && listed(&self.groups, &version.group)
            && listed(&self.versions, &version.version)
            && self.resources.iter().any(|item| {
                let (resource, subresource) = item.split_once('/').unwrap_or((item, ""));
                (resource == "*" || resource == version.resource)
                    && (subresource == "*" || subresource == subject.subresource)
            })
    }
}

#[cfg(test)]
mod tests {
    use podsec_apimachinery::schema::catalog::Catalog;
    use serde_json::json;

    use super::*;

    fn find(resource: &str) -> &'static Arc<Resource> {
        let (group, resource) = resource.split_once('/').unwrap_or(("", resource));
        Catalog::builtin().find(group, "v1", resource).unwrap()
    }

    /// Whether the rule matches `action resource/subresource` in `namespace`.
    fn matches(rule: &Value, action: Action, resource: &str, subresource: &str, namespace: &str) -> bool {
        let resource = find(resource);
        let subject = Subject { action, resource, subresource, namespace, equivalents: &[] };
        Rule::read(rule).matches(&subject, resource)
    }

    fn rule(resources: &[&str], scope: &str) -> Value {
        json!({"apiGroups": ["*"], "apiVersions": ["v1"], "operations": ["CREATE", "CONNECT"],
            "resources": resources, "scope": scope})
    }

    #[test]
    fn a_star_is_every_resource_and_no_subresource() {
        let cases: &[(&str, &str, &str, bool)] = &[
            ("pods", "pods", "", true),
            ("pods", "pods", "status", false),
            ("pods/status", "pods", "status", true),
            ("pods/*", "pods", "exec", true),
            // As upstream: an empty subresource is one of `*`.
            ("pods/*", "pods", "", true),
            ("*", "configmaps", "", true),
            ("*", "pods", "status", false),
            ("*/*", "pods", "status", true),
            ("*/*", "secrets", "", true),
            ("*/scale", "apps/deployments", "scale", true),
            ("*/scale", "pods", "status", false),
            ("services", "pods", "", false),
        ];
        for (pattern, resource, subresource, expected) in cases {
            let rule = rule(&[pattern], "*");
            let actual = matches(&rule, Action::Create, resource, subresource, "ns");
            assert_eq!(actual, *expected, "{pattern} for {resource}/{subresource}");
        }
    }

    #[test]
    fn operations_groups_and_versions_are_compared_exactly() {
        let narrow = json!({"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["UPDATE"], "resources": ["*"]});
        assert!(matches(&narrow, Action::Update, "apps/deployments", "", "ns"));
        assert!(!matches(&narrow, Action::Create, "apps/deployments", "", "ns"));
        assert!(!matches(&narrow, Action::Update, "pods", "", "ns"));
        let old =
            json!({"apiGroups": ["*"], "apiVersions": ["v1beta1"], "operations": ["*"], "resources": ["*"]});
        assert!(!matches(&old, Action::Update, "pods", "", "ns"));
    }

    #[test]
    fn a_namespace_is_of_the_cluster_although_it_has_a_namespace() {
        for (scope, namespace, pod, node) in
            [("Cluster", true, false, true), ("Namespaced", false, true, false), ("*", true, true, true)]
        {
            let rule = rule(&["*"], scope);
            assert_eq!(matches(&rule, Action::Create, "namespaces", "", "dev"), namespace, "{scope}");
            assert_eq!(matches(&rule, Action::Create, "pods", "", "dev"), pod, "{scope}");
            assert_eq!(matches(&rule, Action::Create, "nodes", "", ""), node, "{scope}");
        }
    }
}
