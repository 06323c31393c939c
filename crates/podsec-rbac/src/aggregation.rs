//! ClusterRoles whose rules are those of other ClusterRoles, chosen by their labels.

use std::collections::BTreeSet;

use podsec_apimachinery::selector::label::from_object;
use serde_json::Value;

use crate::json::{list, text};
use crate::rule::PolicyRule;

/// The rules that a ClusterRole has by its aggregation rule: each rule once, selector by selector, those of the first
/// name first. `None` for a role that aggregates nothing, whose rules are its own.
///
/// `all` are all ClusterRoles in the order of their names.
pub fn rules(role: &Value, all: &[&Value]) -> Option<Vec<Value>> {
    let aggregation = role.get("aggregationRule").filter(|aggregation| !aggregation.is_null())?;
    let own = text(role, "/metadata/name");
    let mut seen = BTreeSet::new();
    let mut rules = Vec::new();
    for selector in list(aggregation, "clusterRoleSelectors") {
        // What validation would refuse selects nothing.
        let Ok(selector) = from_object(Some(selector)) else { continue };
        for other in all.iter().filter(|other| text(other, "/metadata/name") != own) {
            if !selector.matches(other) {
                continue;
            }
            for rule in list(other, "rules") {
                if seen.insert(PolicyRule::read(rule)) {
                    rules.push(rule.clone());
                }
            }
        }
    }
    Some(rules)
}

/// Whether a role of this state has other rules than `rules`.
pub fn differs(role: &Value, rules: &[Value]) -> bool {
    !list(role, "rules").iter().map(PolicyRule::read).eq(rules.iter().map(PolicyRule::read))
}
