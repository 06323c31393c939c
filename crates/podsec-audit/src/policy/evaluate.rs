//! Which rule a request falls under: the first that matches.

use super::rules::{ANY_GROUP, GroupResources, Level, Policy, Rule, Stage};
use crate::request::{RequestInfo, UserInfo};

/// What the policy wants recorded of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestAuditConfig {
    /// How much.
    pub level: Level,
    /// At which stages nothing.
    pub omit_stages: Vec<Stage>,
    /// Whether bodies lose their `metadata.managedFields`.
    pub omit_managed_fields: bool,
}

impl Policy {
    /// Finds the first rule that matches. `user` is who was authenticated, never who is impersonated; absent when
    /// authentication failed. Without a match nothing is recorded.
    pub fn evaluate(&self, attributes: &RequestInfo<'_>, user: Option<&UserInfo>) -> RequestAuditConfig {
        match self.rules.iter().find(|rule| rule.matches(attributes, user)) {
            None => RequestAuditConfig {
                level: Level::None,
                omit_stages: self.omit_stages.clone(),
                omit_managed_fields: self.omit_managed_fields,
            },
            Some(rule) => RequestAuditConfig {
                level: rule.level,
                omit_stages: self.omit_stages.iter().chain(&rule.omit_stages).copied().collect(),
                omit_managed_fields: rule.omit_managed_fields.unwrap_or(self.omit_managed_fields),
            },
        }
    }
}

impl Rule {
    fn matches(&self, attributes: &RequestInfo<'_>, user: Option<&UserInfo>) -> bool {
        let user_matches = |wanted: &[String], has: &dyn Fn(&UserInfo, &String) -> bool| {
            wanted.is_empty() || user.is_some_and(|user| wanted.iter().any(|wanted| has(user, wanted)))
        };
        if !user_matches(&self.users, &|user, name| user.username == *name)
            || !user_matches(&self.user_groups, &|user, group| user.groups.contains(group))
            || !(self.verbs.is_empty() || contains(&self.verbs, attributes.verb))
        {
            return false;
        }
        if !self.namespaces.is_empty() || !self.resources.is_empty() {
            return self.matches_resource(attributes);
        }
        self.non_resource_urls.is_empty() || self.matches_url(attributes)
    }

    fn matches_resource(&self, attributes: &RequestInfo<'_>) -> bool {
        attributes.is_resource
            && (self.namespaces.is_empty() || contains(&self.namespaces, attributes.namespace))
            && (self.resources.is_empty() || self.resources.iter().any(|entry| entry.matches(attributes)))
    }

    fn matches_url(&self, attributes: &RequestInfo<'_>) -> bool {
        let matches = |url: &String| match url.strip_suffix('*') {
            Some(prefix) => attributes.path.starts_with(prefix.trim_end_matches('*')),
            None => attributes.path == url,
        };
        !attributes.is_resource && self.non_resource_urls.iter().any(matches)
    }
}

impl GroupResources {
    fn matches(&self, attributes: &RequestInfo<'_>) -> bool {
        if self.group != attributes.group && self.group != ANY_GROUP {
            return false;
        }
        // Names are not looked at then; validation refuses names without resources.
        if self.resources.is_empty() {
            return true;
        }
        (self.resource_names.is_empty() || contains(&self.resource_names, attributes.name))
            && self.resources.iter().any(|resource| covers(resource, attributes))
    }
}

/// Whether one string of a rule's `resources` covers the resource of a request.
fn covers(pattern: &str, attributes: &RequestInfo<'_>) -> bool {
    let RequestInfo { resource, subresource, .. } = *attributes;
    let exactly = match pattern.split_once('/') {
        None => pattern == resource && subresource.is_empty(),
        Some((of, wanted)) => of == resource && wanted == subresource && !subresource.is_empty(),
    };
    let subresource_of_any = pattern.starts_with("*/")
        && !subresource.is_empty()
        && pattern.trim_start_matches(['*', '/']) == subresource;
    // Upstream's documentation says "subresources of pods"; its code covers pods as well.
    let any_of_resource = pattern.ends_with("/*") && pattern.trim_end_matches(['*', '/']) == resource;
    pattern == "*" || exactly || subresource_of_any || any_of_resource
}

fn contains(list: &[String], wanted: &str) -> bool {
    list.iter().any(|candidate| candidate == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{decode, validate};

    /// The request of a row, and who sends it.
    fn request(name: &str) -> (RequestInfo<'_>, Option<UserInfo>) {
        let pod = RequestInfo {
            verb: "get",
            path: "/api/v1/namespaces/ns/pods/p",
            is_resource: true,
            version: "v1",
            resource: "pods",
            namespace: "ns",
            name: "p",
            ..RequestInfo::default()
        };
        let attributes = match name {
            "pod" | "pod nobody" => pod,
            "pods" => RequestInfo { verb: "list", name: "", ..pod },
            "create pod" => RequestInfo { verb: "create", name: "", ..pod },
            "pod singular" => RequestInfo { resource: "pod", ..pod },
            "pod/log" => RequestInfo { subresource: "log", ..pod },
            "pod/status" => RequestInfo { subresource: "status", ..pod },
            "service/proxy" => RequestInfo { resource: "services", subresource: "proxy", ..pod },
            "node" => RequestInfo { resource: "nodes", namespace: "", name: "n1", ..pod },
            "namespace" => RequestInfo { resource: "namespaces", namespace: "foo", name: "foo", ..pod },
            "namespaces" => {
                RequestInfo { verb: "list", resource: "namespaces", namespace: "", name: "", ..pod }
            }
            "deployment" => RequestInfo { group: "apps", resource: "deployments", ..pod },
            "deployment/scale" => {
                RequestInfo { group: "apps", resource: "deployments", subresource: "scale", ..pod }
            }
            url => {
                let path = url.strip_prefix("GET ").expect("a request this test knows");
                RequestInfo { verb: "get", path, ..RequestInfo::default() }
            }
        };
        let groups = vec!["g1".to_owned(), "system:authenticated".to_owned()];
        let alice = UserInfo { username: "alice".to_owned(), groups, ..UserInfo::default() };
        (attributes, (name != "pod nobody").then_some(alice))
    }

    #[test]
    fn rules_match_as_they_do_in_kubernetes() {
        let table = include_str!("../../tests/data/truth-table.tsv");
        for row in table.lines().skip(1) {
            let [case, rule, wanted, matches] = row.split('\t').collect::<Vec<_>>()[..] else {
                panic!("{row}")
            };
            let document = format!("{{\"rules\": [{rule}]}}");
            let mut raw = decode::policy(&serde_json::from_str(&document).unwrap()).unwrap();
            let rule = validate::rule(raw.rules.remove(0), "rules[0]", &mut Vec::new());
            let (attributes, user) = request(wanted);
            assert_eq!(rule.matches(&attributes, user.as_ref()), matches == "yes", "{case}: {rule:?}");
        }
    }

    fn policy(text: &str) -> Policy {
        Policy::parse(format!("apiVersion: audit.k8s.io/v1\n{text}").as_bytes(), "p".as_ref()).unwrap().policy
    }

    #[test]
    fn a_star_stands_for_the_resources_of_every_group() {
        let policy =
            policy("rules: [{level: Request, resources: [{group: '*', resources: [deployments, pods]}]}]");
        let level = |name: &str| {
            let (attributes, user) = request(name);
            policy.evaluate(&attributes, user.as_ref()).level
        };
        assert_eq!(
            [level("pod"), level("deployment"), level("node")],
            [Level::Request, Level::Request, Level::None]
        );
    }

    #[test]
    fn the_first_match_decides_and_a_rule_adds_to_the_policy() {
        let policy = policy(
            "omitStages: [RequestReceived]\nomitManagedFields: true\nrules:\n\
             - {level: None, verbs: [watch]}\n\
             - {level: Request, resources: [{resources: [pods]}], omitStages: [Panic], omitManagedFields: false}\n\
             - {level: Metadata, users: [alice]}\n",
        );
        let decide = |name: &str, verb: &str| {
            let (attributes, user) = request(name);
            let verb = if verb.is_empty() { attributes.verb } else { verb };
            policy.evaluate(&RequestInfo { verb, ..attributes }, user.as_ref())
        };
        let received = vec![Stage::RequestReceived];
        assert_eq!(decide("pod", "watch").level, Level::None);
        assert_eq!(
            decide("pod", ""),
            RequestAuditConfig {
                level: Level::Request,
                omit_stages: vec![Stage::RequestReceived, Stage::Panic],
                omit_managed_fields: false
            }
        );
        let metadata = RequestAuditConfig {
            level: Level::Metadata,
            omit_stages: received.clone(),
            omit_managed_fields: true,
        };
        assert_eq!(decide("node", ""), metadata);
        assert_eq!(decide("pod nobody", "").level, Level::Request);
        let (attributes, _) = request("node");
        assert_eq!(
            policy.evaluate(&attributes, None),
            RequestAuditConfig { level: Level::None, omit_stages: received, omit_managed_fields: true }
        );
    }
}
