//! Whether somebody's rules include other rules.

use std::collections::BTreeMap;

use crate::rule::{PolicyRule, url_matches};

/// How many single permissions are compared at most: one verb on one resource of one group, by one name.
const MOST_PERMISSIONS: usize = 50_000;

/// The permissions among `wanted` that `held` does not include, one verb and one resource each.
///
/// # Errors
/// When `wanted` stands for so many that comparing them would take too long.
pub(crate) fn missing(held: &[&PolicyRule], wanted: &[PolicyRule]) -> Result<Vec<PolicyRule>, TooMany> {
    let count = wanted.iter().fold(0_usize, |count, rule| count.saturating_add(permissions(rule)));
    if count > MOST_PERMISSIONS {
        return Err(TooMany(count));
    }
    let mut missing = Vec::new();
    for rule in wanted {
        for single in break_down(rule) {
            if !held.iter().any(|held| covers(held, &single)) {
                missing.push(single);
            }
        }
    }
    Ok(missing)
}

/// Rules that stand for too many permissions.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooMany(usize);

impl std::fmt::Display for TooMany {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "the rules stand for {} permissions, of which at most {MOST_PERMISSIONS} are compared with those that are \
             held: use * or fewer names",
            self.0
        )
    }
}

fn permissions(rule: &PolicyRule) -> usize {
    let (verbs, names) = (rule.verbs.len(), rule.resource_names.len().max(1));
    let resources = rule.api_groups.len().saturating_mul(rule.resources.len());
    let urls = rule.non_resource_urls.len().saturating_mul(verbs);
    resources.saturating_mul(verbs).saturating_mul(names).saturating_add(urls)
}

/// The same as rules with one verb, one group and resource, and at most one name each.
fn break_down(rule: &PolicyRule) -> Vec<PolicyRule> {
    let mut singles = Vec::new();
    for group in &rule.api_groups {
        for resource in &rule.resources {
            for verb in &rule.verbs {
                let single = PolicyRule {
                    verbs: vec![verb.clone()],
                    api_groups: vec![group.clone()],
                    resources: vec![resource.clone()],
                    ..PolicyRule::default()
                };
                if rule.resource_names.is_empty() {
                    singles.push(single);
                    continue;
                }
                for name in &rule.resource_names {
                    singles.push(PolicyRule { resource_names: vec![name.clone()], ..single.clone() });
                }
            }
        }
    }
    for url in &rule.non_resource_urls {
        for verb in &rule.verbs {
            singles.push(PolicyRule {
                verbs: vec![verb.clone()],
                non_resource_urls: vec![url.clone()],
                ..PolicyRule::default()
            });
        }
    }
    singles
}

/// Whether one rule includes a single permission.
fn covers(held: &PolicyRule, single: &PolicyRule) -> bool {
    let resource = |wanted: &String| {
        held.resources.iter().any(|own| {
            own == "*"
                || own == wanted
                || wanted.split_once('/').is_some_and(|(_, sub)| own.strip_prefix("*/") == Some(sub))
        })
    };
    let url = |wanted: &String| held.non_resource_urls.iter().any(|own| url_matches(own, wanted));
    let names = held.resource_names.is_empty()
        || !single.resource_names.is_empty() && has_all(&held.resource_names, &single.resource_names);
    let all_or = |own: &[String], wanted: &[String]| own.iter().any(|own| own == "*") || has_all(own, wanted);
    all_or(&held.verbs, &single.verbs)
        && all_or(&held.api_groups, &single.api_groups)
        && single.resources.iter().all(resource)
        && names
        && single.non_resource_urls.iter().all(url)
}

fn has_all(own: &[String], wanted: &[String]) -> bool {
    wanted.iter().all(|text| own.contains(text))
}

/// The same permissions with the verbs of each resource together.
pub(crate) fn compact(singles: Vec<PolicyRule>) -> Vec<PolicyRule> {
    let (mut rules, mut resources) = (Vec::new(), BTreeMap::<PolicyRule, Vec<String>>::new());
    for mut single in singles {
        if single.resources.is_empty() {
            rules.push(single);
        } else {
            let verbs = std::mem::take(&mut single.verbs);
            resources.entry(single).or_default().extend(verbs);
        }
    }
    rules.extend(resources.into_iter().map(|(resource, verbs)| PolicyRule { verbs, ..resource }));
    rules
}
