//! What a policy may not say, in Kubernetes' words.

use podsec_apimachinery::quote::quoted;

use super::decode::{RawPolicy, RawRule};
use super::rules::{ANY_GROUP, GroupResources, Level, Policy, Rule, Stage};

/// Turns what was written into a policy, or into every error found in it.
pub(super) fn validate(raw: RawPolicy) -> Result<Policy, Vec<String>> {
    let mut errors = Vec::new();
    let omit_stages = stages(&raw.omit_stages, "omitStages", &mut errors);
    let rules = raw
        .rules
        .into_iter()
        .enumerate()
        .map(|(index, raw)| rule(raw, &format!("rules[{index}]"), &mut errors))
        .collect();
    if errors.is_empty() {
        return Ok(Policy { rules, omit_stages, omit_managed_fields: raw.omit_managed_fields });
    }
    Err(errors)
}

pub(super) fn rule(raw: RawRule, path: &str, errors: &mut Vec<String>) -> Rule {
    let level = level(&raw.level, path, errors);
    for (index, url) in raw.non_resource_urls.iter().enumerate() {
        check_url(url, &format!("{path}.nonResourceURLs[{index}]"), errors);
    }
    for entry in &raw.resources {
        check_resources(entry, &format!("{path}.resources"), errors);
    }
    let omit_stages = stages(&raw.omit_stages, &format!("{path}.omitStages"), errors);
    let regular = !raw.resources.is_empty() || !raw.namespaces.is_empty();
    if regular && !raw.non_resource_urls.is_empty() {
        errors.push(format!(
            "{path}.nonResourceURLs: Invalid value: {}: rules cannot apply to both regular resources and \
             non-resource URLs",
            shown(&raw.non_resource_urls)
        ));
    }
    Rule {
        level,
        users: raw.users,
        user_groups: raw.user_groups,
        verbs: raw.verbs,
        resources: raw.resources,
        namespaces: raw.namespaces,
        non_resource_urls: raw.non_resource_urls,
        omit_stages,
        omit_managed_fields: raw.omit_managed_fields,
    }
}

fn level(name: &str, path: &str, errors: &mut Vec<String>) -> Level {
    Level::parse(name).unwrap_or_else(|| {
        errors.push(if name.is_empty() {
            format!("{path}.level: Required value")
        } else {
            let supported = Level::ALL.map(|level| quoted(level.name())).join(", ");
            format!("{path}.level: Unsupported value: {}: supported values: {supported}", quoted(name))
        });
        Level::None
    })
}

fn stages(names: &[String], path: &str, errors: &mut Vec<String>) -> Vec<Stage> {
    let mut stages = Vec::with_capacity(names.len());
    for (index, name) in names.iter().enumerate() {
        match Stage::parse(name) {
            Some(stage) => stages.push(stage),
            None => errors.push(format!(
                "{path}[{index}]: Invalid value: {}: allowed stages are {}",
                quoted(name),
                Stage::ALL.map(Stage::name).join(",")
            )),
        }
    }
    stages
}

fn check_url(url: &str, path: &str, errors: &mut Vec<String>) {
    if url == "*" {
        return;
    }
    let mut refuse = |why: &str| errors.push(format!("{path}: Invalid value: {}: {why}", quoted(url)));
    if !url.starts_with('/') {
        refuse("non-resource URL rules must begin with a '/' character");
    }
    if url.find('*').is_some_and(|star| star + 1 < url.len()) {
        refuse("non-resource URL wildcards '*' must be the final character of the rule");
    }
}

fn check_resources(entry: &GroupResources, path: &str, errors: &mut Vec<String>) {
    if !entry.group.is_empty() && entry.group != ANY_GROUP {
        let invalid = |why: String| format!("{path}.group: Invalid value: {}: {why}", quoted(&entry.group));
        if entry.group.len() > 253 {
            errors.push(invalid("must be no more than 253 bytes".to_owned()));
        }
        if !is_subdomain(&entry.group) {
            errors.push(invalid(format!(
                "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and \
                 must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
                 '{SUBDOMAIN}')"
            )));
        }
    }
    if !entry.resource_names.is_empty() && entry.resources.is_empty() {
        errors.push(format!(
            "{path}.resourceNames: Invalid value: {}: using resourceNames requires at least one resource",
            shown(&entry.resource_names)
        ));
    }
}

fn is_subdomain(name: &str) -> bool {
    let alphanumeric = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    name.split('.').all(|label| match label.as_bytes() {
        [only] => alphanumeric(only),
        [first, middle @ .., last] => {
            alphanumeric(first)
                && alphanumeric(last)
                && middle.iter().all(|byte| alphanumeric(byte) || *byte == b'-')
        }
        [] => false,
    })
}

/// A list of strings as JSON.
fn shown(list: &[String]) -> String {
    crate::json::to_vec(&list)
        .map_or_else(|_| String::new(), |json| String::from_utf8_lossy(&json).into_owned())
}

const SUBDOMAIN: &str = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";
