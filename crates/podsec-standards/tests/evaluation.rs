//! What the checks' own examples show, they show through `evaluate`: alone, and whatever else the pod uses.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod fields;

use podsec_standards::{CHECKS, Check, Example, Pod, Policy, Verdict, Version, evaluate, rules};
use serde_json::Value;

fn examples() -> impl Iterator<Item = (&'static Check, &'static Example)> {
    CHECKS.iter().flat_map(|check| check.examples.iter().map(move |example| (*check, example)))
}

/// What `evaluate` says in the name of a check.
fn said(check: &Check, version: Version, pod: &Pod<'_>) -> Option<String> {
    let evaluation = evaluate(Policy::new(check.level, version), pod);
    let violation = evaluation.violations.iter().find(|violation| violation.check.id == check.id);
    violation.map(podsec_standards::Violation::detail)
}

#[test]
fn every_example_is_judged_by_evaluate_as_it_says() {
    for (check, example) in examples() {
        let pod = Pod::from_json(example.pod.as_bytes()).unwrap();
        for version in [example.since, example.until] {
            let expected = match example.verdict {
                // Before its first revision a check asks for nothing.
                Verdict::Forbid(detail) if check.revision(version).is_some() => Some(detail.to_owned()),
                _ => None,
            };
            assert_eq!(said(check, version, &pod), expected, "{} at {version}: {}", check.id, example.name);
        }
    }
}

#[test]
fn every_example_is_judged_the_same_beside_every_other_one() {
    for (check, example) in examples() {
        for (_, other) in examples() {
            let mut merged: Value = serde_json::from_str(example.pod).unwrap();
            merge(&mut merged, serde_json::from_str(other.pod).unwrap());
            assert_every_rule_is_asked(&merged, [example.since, example.until], check);
        }
    }
}

#[test]
fn every_example_is_judged_the_same_beside_every_field_that_any_check_reads() {
    let settings = fields::settings();
    for (check, example) in examples() {
        let original: Value = serde_json::from_str(example.pod).unwrap();
        for setting in &settings {
            for list in ["initContainers", "containers", "ephemeralContainers"] {
                if list == "containers" || setting.pattern.contains(".containers[") {
                    let mut pod = original.clone();
                    fields::set(&mut pod, list, setting);
                    assert_every_rule_is_asked(&pod, [example.since, example.until], check);
                }
            }
        }
    }
}

#[test]
fn a_pod_that_borrows_nothing_is_judged_the_same() {
    for (check, example) in examples() {
        let value: Value = serde_json::from_str(example.pod).unwrap();
        let (borrowed, owned) =
            (Pod::from_json(example.pod.as_bytes()).unwrap(), Pod::from_value(&value).unwrap());
        for version in [example.since, example.until] {
            assert_eq!(said(check, version, &owned), said(check, version, &borrowed), "{}", example.name);
        }
    }
}

/// Evaluation says what the rules find, each asked by itself.
fn assert_every_rule_is_asked(pod: &Value, versions: [Version; 2], check: &Check) {
    let json = pod.to_string();
    let pod = Pod::from_json(json.as_bytes()).unwrap();
    for version in versions {
        let policy = Policy::new(check.level, version);
        let found: Vec<&str> = rules(policy)
            .iter()
            .filter(|(check, _)| check.judge(version, &pod).is_some())
            .map(|(check, _)| check.id)
            .collect();
        let evaluation = evaluate(policy, &pod);
        let said: Vec<&str> = evaluation.violations.iter().map(|violation| violation.check.id).collect();
        assert_eq!(said, found, "{policy}: {json}");
    }
}

/// Adds to a pod what another one has: the elements of lists, and members that it lacks.
fn merge(pod: &mut Value, other: Value) {
    match (pod, other) {
        (Value::Object(members), Value::Object(others)) => {
            for (name, other) in others {
                match members.get_mut(&name) {
                    Some(member) => merge(member, other),
                    None => drop(members.insert(name, other)),
                }
            }
        }
        (Value::Array(elements), Value::Array(others)) => elements.extend(others),
        _ => {}
    }
}
