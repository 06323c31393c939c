//! What holds for all rules, whatever they say.

use podsec_rbac::{Attributes, Decision, Objects, PolicyRule, Requester, RuleResolver, Target, escalation};
use proptest::prelude::*;
use proptest::test_runner::Config;
use serde_json::{Value, json};

/// Few words, so that rules and requests meet often.
fn words(words: &'static [&'static str]) -> impl Strategy<Value = Vec<&'static str>> {
    prop::collection::vec(prop::sample::select(words), 0..3)
}

/// A rule as validation lets it pass: about resources or about paths.
fn rule() -> impl Strategy<Value = Value> {
    let verbs = || words(&["*", "get", "list"]);
    let resources = words(&["*", "pods", "pods/log", "*/log", "a/b/c"]);
    prop_oneof![
        (verbs(), words(&["*", "", "apps"]), resources, words(&["x", "y"])).prop_map(
            |(verbs, groups, resources, names)| {
                json!({"verbs": verbs, "apiGroups": groups, "resources": resources, "resourceNames": names})
            }
        ),
        (verbs(), words(&["*", "/a", "/a/*", "/a/b"]))
            .prop_map(|(verbs, urls)| json!({"verbs": verbs, "nonResourceURLs": urls})),
    ]
}

fn policy(rules: &[Value]) -> RuleResolver {
    let mut objects = Objects::default();
    objects.insert(&json!({"kind": "ClusterRole", "metadata": {"name": "r"}, "rules": rules}));
    objects.insert(&json!({"kind": "ClusterRoleBinding", "metadata": {"name": "b"},
        "roleRef": {"kind": "ClusterRole", "name": "r"}, "subjects": [{"kind": "User", "name": "jane"}]}));
    objects.policy()
}

const JANE: Requester<'static> = Requester { name: "jane", groups: &[] };

/// Every request that the words make.
fn requests() -> Vec<Attributes<'static>> {
    let mut requests = Vec::new();
    for verb in ["get", "list"] {
        for path in ["/a", "/a/", "/a/b", "/b"] {
            requests.push(Attributes { verb, target: Target::Path(path) });
        }
        for group in ["", "apps"] {
            for (resource, subresource) in [("pods", ""), ("pods", "log"), ("jobs", "log"), ("a", "b/c")] {
                for name in ["", "x", "y"] {
                    let target = Target::Resource { group, resource, subresource, namespace: "", name };
                    requests.push(Attributes { verb, target });
                }
            }
        }
    }
    requests
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, ..Config::default() })]

    #[test]
    fn who_may_grant_rules_may_do_all_that_they_allow(
        held in prop::collection::vec(rule(), 0..4),
        wanted in prop::collection::vec(rule(), 1..3),
    ) {
        let holder = policy(&held);
        let rules: Vec<PolicyRule> = wanted.iter().map(PolicyRule::read).collect();
        if escalation::check(&holder, &JANE, "", &rules).is_ok() {
            let granted = policy(&wanted);
            for request in requests() {
                if let Decision::Allow(_) = granted.decide(&JANE, &request) {
                    let own = holder.decide(&JANE, &request);
                    prop_assert!(matches!(own, Decision::Allow(_)), "{request:?} with {held:?}");
                }
            }
        }
    }

    #[test]
    fn everybody_may_grant_what_it_holds(held in prop::collection::vec(rule(), 0..4)) {
        let rules: Vec<PolicyRule> = held.iter().map(PolicyRule::read).collect();
        prop_assert_eq!(escalation::check(&policy(&held), &JANE, "", &rules), Ok(()));
    }

    #[test]
    fn another_rule_never_takes_a_right_away(held in prop::collection::vec(rule(), 0..3), more in rule()) {
        let (few, many) = (policy(&held), policy(&[held.clone(), vec![more]].concat()));
        for request in requests() {
            if let Decision::Allow(_) = few.decide(&JANE, &request) {
                prop_assert!(matches!(many.decide(&JANE, &request), Decision::Allow(_)));
            }
        }
    }
}
