//! Nobody grants what it does not hold.

use std::collections::BTreeSet;

use podsec_apimachinery::quote::quoted;

use crate::coverage::{compact, missing};
use crate::request::Requester;
use crate::resolver::RuleResolver;
use crate::rule::{PolicyRule, quoted_list};

/// Checks that a user holds in a namespace, or in the whole cluster, everything that `rules` allow.
///
/// # Errors
/// What the user does not hold, in Kubernetes' words.
pub fn check(
    policy: &RuleResolver,
    user: &Requester<'_>,
    namespace: &str,
    rules: &[PolicyRule],
) -> Result<(), String> {
    let held = policy.rules(user, namespace);
    let missing = match missing(&held.rules, rules) {
        Ok(missing) if missing.is_empty() => return Ok(()),
        Ok(missing) => missing,
        Err(too_many) => return Err(too_many.to_string()),
    };
    let lines: BTreeSet<String> = compact(missing).iter().map(PolicyRule::to_string).collect();
    let lines: Vec<String> = lines.into_iter().collect();
    let mut message = format!(
        "user {} (groups={}) is attempting to grant RBAC permissions not currently held:\n{}",
        quoted(user.name),
        quoted_list(user.groups),
        lines.join("\n")
    );
    if !held.error.is_empty() {
        message.push_str("; resolution errors: [");
        message.push_str(&held.error);
        message.push(']');
    }
    Err(message)
}

/// What only a cluster administrator holds: whoever sets the aggregation rule of a ClusterRole must hold it.
pub fn full_authority() -> Vec<PolicyRule> {
    let all = || vec!["*".to_owned()];
    vec![
        PolicyRule { verbs: all(), api_groups: all(), resources: all(), ..PolicyRule::default() },
        PolicyRule { verbs: all(), non_resource_urls: all(), ..PolicyRule::default() },
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Objects;

    fn policy(rules: &serde_json::Value) -> RuleResolver {
        let mut objects = Objects::default();
        objects.insert(&json!({"kind": "Role", "metadata": {"name": "r", "namespace": "a"}, "rules": rules}));
        objects.insert(&json!({
            "kind": "RoleBinding", "metadata": {"name": "b", "namespace": "a"},
            "roleRef": {"kind": "Role", "name": "r"}, "subjects": [{"kind": "User", "name": "jane"}],
        }));
        objects.policy()
    }

    fn check(policy: &RuleResolver, namespace: &str, rule: &serde_json::Value) -> Result<(), String> {
        let groups = ["devs".to_owned()];
        super::check(
            policy,
            &Requester { name: "jane", groups: &groups },
            namespace,
            &[PolicyRule::read(rule)],
        )
    }

    #[test]
    fn what_is_held_may_be_granted_and_what_is_not_is_named_with_its_verbs_together() {
        let policy = policy(&json!([{"apiGroups": [""], "resources": ["pods", "*/log"], "verbs": ["get"]}]));
        let wanted = json!({"apiGroups": [""], "resources": ["pods", "pods/log"], "verbs": ["get"]});
        assert_eq!(check(&policy, "a", &wanted), Ok(()));
        assert!(check(&policy, "b", &wanted).is_err(), "held in another namespace");
        let more = json!({"apiGroups": [""], "resources": ["secrets", "pods"], "verbs": ["list", "get"]});
        assert_eq!(
            check(&policy, "a", &more).unwrap_err(),
            "user \"jane\" (groups=[\"devs\"]) is attempting to grant RBAC permissions not currently held:\n\
             {APIGroups:[\"\"], Resources:[\"pods\"], Verbs:[\"list\"]}\n\
             {APIGroups:[\"\"], Resources:[\"secrets\"], Verbs:[\"list\" \"get\"]}"
        );
    }

    #[test]
    fn who_holds_a_right_by_name_does_not_hold_it_for_all_names() {
        let policy = policy(
            &json!([{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"], "resourceNames": ["x"]}]),
        );
        let wanted = |names: serde_json::Value| json!({"apiGroups": [""], "resources": ["pods"], "verbs": ["get"], "resourceNames": names});
        assert_eq!(check(&policy, "a", &wanted(json!(["x"]))), Ok(()));
        assert!(check(&policy, "a", &wanted(json!(["x", "y"]))).is_err());
        assert!(check(&policy, "a", &wanted(json!([]))).is_err());
    }

    #[test]
    fn rules_that_stand_for_millions_of_permissions_are_refused_at_once() {
        let many: Vec<String> = (0..1000).map(|index| index.to_string()).collect();
        let rule = json!({"apiGroups": many, "resources": many, "verbs": many, "resourceNames": many});
        assert!(check(&policy(&json!([])), "a", &rule).unwrap_err().contains("1000000000000 permissions"));
    }
}
