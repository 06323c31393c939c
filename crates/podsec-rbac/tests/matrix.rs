//! Decisions and reasons of a real API server, for each of its users, verbs and resources that were asked.

#![allow(clippy::unwrap_used, reason = "a recording that is not as it should be ends the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use flate2::read::GzDecoder;
use podsec_rbac::{
    Attributes, Decision, Objects, PolicyRule, Requester, RuleResolver, Target, aggregation, bootstrap,
};
use serde_json::Value;

fn lines() -> Vec<Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../conformance/rbac/matrix.jsonl.gz");
    let mut text = String::new();
    GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The bootstrap objects, their aggregated roles filled, and those of the recording.
fn all(lines: &[Value]) -> Vec<Value> {
    let mut objects: Vec<Value> = bootstrap::objects().collect();
    objects.extend(lines.iter().filter_map(|line| line.get("object")).cloned());
    for name in ["view", "edit", "admin"] {
        let mut roles: Vec<Value> =
            objects.iter().filter(|object| object["kind"] == "ClusterRole").cloned().collect();
        roles.sort_by_key(|role| text(&role["metadata"]["name"]).to_owned());
        let role = objects.iter_mut().find(|o| o["kind"] == "ClusterRole" && o["metadata"]["name"] == name);
        let role = role.unwrap();
        role["rules"] = aggregation::rules(role, &roles.iter().collect::<Vec<_>>()).unwrap().into();
    }
    objects
}

/// The policy without the bindings that `keep` leaves out.
fn policy(all: &[Value], keep: impl Fn(&Value) -> bool) -> RuleResolver {
    let mut objects = Objects::default();
    all.iter()
        .filter(|object| object.get("roleRef").is_none() || keep(object))
        .for_each(|o| objects.insert(o));
    objects.policy()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn groups(line: &Value) -> Vec<String> {
    line["groups"].as_array().unwrap().iter().map(|group| text(group).to_owned()).collect()
}

fn decide(policy: &RuleResolver, line: &Value) -> (bool, String) {
    let groups = groups(line);
    let user = Requester { name: text(&line["user"]), groups: &groups };
    let ask: Vec<&str> = line["ask"].as_array().unwrap().iter().map(text).collect();
    let (verb, target) = match *ask.as_slice() {
        [verb, path] => (verb, Target::Path(path)),
        [verb, group, resource, subresource, namespace, name] => {
            (verb, Target::Resource { group, resource, subresource, namespace, name })
        }
        _ => panic!("{line}"),
    };
    match policy.decide(&user, &Attributes { verb, target }) {
        Decision::Allow(reason) => (true, reason),
        Decision::NoOpinion(reason) => (false, reason),
    }
}

#[test]
fn every_decision_is_the_recorded_one_with_its_reason() {
    let lines = lines();
    let all = all(&lines);
    let whole = policy(&all, |_| true);
    let mut single: BTreeMap<&str, RuleResolver> = BTreeMap::new();
    let mut asked = 0;
    for line in lines.iter().filter(|line| line.get("ask").is_some()) {
        asked += 1;
        let recorded = (line["allowed"] == true, text(&line["reason"]).to_owned());
        let decided = decide(&whole, line);
        if decided == recorded {
            continue;
        }
        assert_eq!(decided.0, recorded.0, "{line}: {}", decided.1);
        // Kubernetes visits bindings in no order: where several allow it, the recorded one must be among them.
        let binding = text(&line["reason"]).split('"').nth(1).unwrap();
        let alone = single.entry(binding).or_insert_with(|| {
            policy(&all, |object| {
                let metadata = &object["metadata"];
                match text(&metadata["namespace"]) {
                    "" => metadata["name"] == binding,
                    namespace => format!("{}/{namespace}", text(&metadata["name"])) == binding,
                }
            })
        });
        assert_eq!(decide(alone, line), recorded, "{line}");
    }
    assert!(asked > 4000, "{asked}");
}

#[test]
fn the_rules_of_every_user_are_the_recorded_ones() {
    let lines = lines();
    let whole = policy(&all(&lines), |_| true);
    for line in lines.iter().filter(|line| line.get("rules").is_some()) {
        let groups = groups(line);
        let user = Requester { name: text(&line["user"]), groups: &groups };
        let rules = whole.rules(&user, text(&line["namespace"]));
        let recorded = ["resourceRules", "nonResourceRules"];
        let recorded: BTreeSet<PolicyRule> = recorded
            .iter()
            .flat_map(|list| line["rules"][list].as_array().unwrap())
            .map(PolicyRule::read)
            .collect();
        assert_eq!(rules.rules.into_iter().cloned().collect::<BTreeSet<_>>(), recorded, "{line}");
        assert_eq!(rules.error, text(&line["rules"]["evaluationError"]), "{line}");
    }
}
