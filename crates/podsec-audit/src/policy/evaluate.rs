//! Which rule a request falls under: the first that matches.

use super::{GroupResources, Level, Policy, Rule, Stage};
use crate::request::{Attributes, User};

/// What the policy wants recorded of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
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
    pub fn evaluate(&self, attributes: &Attributes<'_>, user: Option<&User>) -> Decision {
        match self.rules.iter().find(|rule| rule.matches(attributes, user)) {
            None => Decision {
                level: Level::None,
                omit_stages: self.omit_stages.clone(),
                omit_managed_fields: self.omit_managed_fields,
            },
            Some(rule) => Decision {
                level: rule.level,
                omit_stages: self.omit_stages.iter().chain(&rule.omit_stages).copied().collect(),
                omit_managed_fields: rule.omit_managed_fields.unwrap_or(self.omit_managed_fields),
            },
        }
    }
}

impl Rule {
    fn matches(&self, attributes: &Attributes<'_>, user: Option<&User>) -> bool {
        let user_matches = |wanted: &[String], has: &dyn Fn(&User, &String) -> bool| {
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

    fn matches_resource(&self, attributes: &Attributes<'_>) -> bool {
        attributes.is_resource
            && (self.namespaces.is_empty() || contains(&self.namespaces, attributes.namespace))
            && (self.resources.is_empty() || self.resources.iter().any(|entry| entry.matches(attributes)))
    }

    fn matches_url(&self, attributes: &Attributes<'_>) -> bool {
        let matches = |url: &String| match url.strip_suffix('*') {
            Some(prefix) => attributes.path.starts_with(prefix.trim_end_matches('*')),
            None => attributes.path == url,
        };
        !attributes.is_resource && self.non_resource_urls.iter().any(matches)
    }
}

impl GroupResources {
    fn matches(&self, attributes: &Attributes<'_>) -> bool {
        if self.group != attributes.group {
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
fn covers(pattern: &str, attributes: &Attributes<'_>) -> bool {
    let Attributes { resource, subresource, .. } = *attributes;
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
