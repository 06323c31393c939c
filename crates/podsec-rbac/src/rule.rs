//! One rule of a role: verbs on resources, or on paths that are no resources.

use std::fmt;

use podsec_apimachinery::quote::quoted;
use serde_json::Value;

use crate::json::texts;
use crate::request::{Attributes, Target};

/// A `PolicyRule`. It allows nothing unless it says so.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PolicyRule {
    /// The verbs; `*` is all.
    pub verbs: Vec<String>,
    /// The API groups; `*` is all.
    pub api_groups: Vec<String>,
    /// Resources as `pods`, subresources as `pods/log` or `*/scale`; `*` is all of both.
    pub resources: Vec<String>,
    /// The names of the objects; empty for all.
    pub resource_names: Vec<String>,
    /// Paths that are no resources; one that ends in `*` stands for all that begin so.
    pub non_resource_urls: Vec<String>,
}

impl PolicyRule {
    /// Reads a rule of a stored role.
    pub fn read(rule: &Value) -> Self {
        Self {
            verbs: texts(rule, "verbs"),
            api_groups: texts(rule, "apiGroups"),
            resources: texts(rule, "resources"),
            resource_names: texts(rule, "resourceNames"),
            non_resource_urls: texts(rule, "nonResourceURLs"),
        }
    }

    /// Whether the rule allows the request.
    pub fn allows(&self, attributes: &Attributes<'_>) -> bool {
        let verb = has_or_all(&self.verbs, attributes.verb);
        match attributes.target {
            Target::Resource { group, resource, subresource, name, .. } => {
                verb && has_or_all(&self.api_groups, group)
                    && self.resources.iter().any(|own| resource_matches(own, resource, subresource))
                    && (self.resource_names.is_empty() || self.resource_names.iter().any(|own| own == name))
            }
            Target::Path(path) => verb && self.non_resource_urls.iter().any(|own| url_matches(own, path)),
        }
    }
}

/// As the message about an escalation names a rule: `{APIGroups:[""], Resources:["pods"], Verbs:["get"]}`.
impl fmt::Display for PolicyRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields = [
            ("APIGroups", &self.api_groups),
            ("Resources", &self.resources),
            ("NonResourceURLs", &self.non_resource_urls),
            ("ResourceNames", &self.resource_names),
            ("Verbs", &self.verbs),
        ];
        let mut separator = "{";
        for (name, values) in fields.into_iter().filter(|(_, values)| !values.is_empty()) {
            write!(f, "{separator}{name}:{}", quoted_list(values))?;
            separator = ", ";
        }
        f.write_str(if separator == "{" { "{}" } else { "}" })
    }
}

/// Texts as Go prints them with `%q`: `["a" "b"]`.
pub(crate) fn quoted_list(texts: &[String]) -> String {
    let texts: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
    format!("[{}]", texts.join(" "))
}

/// Whether a list names `text`, or all.
fn has_or_all(list: &[String], text: &str) -> bool {
    list.iter().any(|own| own == "*" || own == text)
}

fn resource_matches(own: &str, resource: &str, subresource: &str) -> bool {
    if own == "*" {
        return true;
    }
    if subresource.is_empty() {
        return own == resource;
    }
    own.strip_suffix(subresource).and_then(|rest| rest.strip_suffix('/')).is_some_and(|rest| {
        // Whoever asks about a resource with a slash in its name asks about that name.
        rest == resource || rest == "*"
    })
}

/// Whether a path of a rule covers `path`, which may be one of a rule, too.
pub(crate) fn url_matches(own: &str, path: &str) -> bool {
    own == path || own.ends_with('*') && path.starts_with(own.trim_end_matches('*'))
}

/// The API group of roles and bindings.
pub const GROUP: &str = "rbac.authorization.k8s.io";

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(verbs: &[&str], groups: &[&str], resources: &[&str], names: &[&str]) -> PolicyRule {
        let own = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        PolicyRule {
            verbs: own(verbs),
            api_groups: own(groups),
            resources: own(resources),
            resource_names: own(names),
            non_resource_urls: Vec::new(),
        }
    }

    fn allows(
        rule: &PolicyRule,
        verb: &str,
        group: &str,
        resource: &str,
        subresource: &str,
        name: &str,
    ) -> bool {
        let target = Target::Resource { group, resource, subresource, namespace: "", name };
        rule.allows(&Attributes { verb, target })
    }

    #[test]
    fn a_resource_does_not_include_its_subresources_and_a_star_before_the_slash_is_any_resource() {
        let pods = rule(&["get"], &[""], &["pods"], &[]);
        assert!(allows(&pods, "get", "", "pods", "", "x"));
        assert!(!allows(&pods, "get", "", "pods", "log", "x"));
        let scale = rule(&["*"], &["*"], &["*/scale"], &[]);
        assert!(allows(&scale, "patch", "apps", "deployments", "scale", "x"));
        assert!(!allows(&scale, "patch", "apps", "deployments", "", "x"));
        let below = rule(&["*"], &["apps"], &["deployments/*"], &[]);
        assert!(
            !allows(&below, "get", "apps", "deployments", "scale", "x"),
            "a star behind the slash is no wildcard"
        );
    }

    #[test]
    fn a_rule_with_names_allows_nothing_without_a_name() {
        let named = rule(&["create", "get"], &[""], &["configmaps"], &["one"]);
        assert!(allows(&named, "get", "", "configmaps", "", "one"));
        assert!(!allows(&named, "get", "", "configmaps", "", "two"));
        assert!(!allows(&named, "create", "", "configmaps", "", ""));
    }

    #[test]
    fn a_path_with_a_star_at_its_end_stands_for_all_that_begin_so() {
        let logs = PolicyRule {
            verbs: vec!["get".to_owned()],
            non_resource_urls: vec!["/logs/*".to_owned(), "/x*".to_owned()],
            ..PolicyRule::default()
        };
        let allows = |verb, path| logs.allows(&Attributes { verb, target: Target::Path(path) });
        assert!(allows("get", "/logs/a/b") && allows("get", "/x") && allows("get", "/xyz"));
        assert!(!allows("get", "/logs") && !allows("post", "/x"));
    }

    #[test]
    fn a_rule_is_written_as_gos_quoted_lists() {
        assert_eq!(
            rule(&["get", "list"], &[""], &["pods"], &["a\"b"]).to_string(),
            r#"{APIGroups:[""], Resources:["pods"], ResourceNames:["a\"b"], Verbs:["get" "list"]}"#
        );
        assert_eq!(PolicyRule::default().to_string(), "{}");
    }
}
