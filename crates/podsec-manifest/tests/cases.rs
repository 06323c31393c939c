//! Manifests out of public reports, each with what kubectl and Kubernetes 1.36 make of it: what is stored, what
//! restricted forbids, which fields are unknown, and whether anything is an error.

#![expect(clippy::unwrap_used, reason = "a test ends where its own data is not what it must be")]

use std::collections::BTreeMap;

use podsec_manifest::{FileReport, Finding, Source, Templates, check};
use podsec_standards::{Level, Policy, Version};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Case {
    name: String,
    input: String,
    /// The stored objects without what Kubernetes adds.
    stored: Vec<Value>,
    /// What restricted forbids, by the name of the pod.
    forbidden: BTreeMap<String, String>,
    /// The fields that strict decoding refuses.
    unknown: Vec<String>,
    /// Whether something cannot be read at all.
    error: bool,
}

fn cases() -> Vec<Case> {
    serde_json::from_str(include_str!("data/cases.json")).unwrap()
}

fn judged(case: &Case) -> FileReport {
    let source = Source { name: case.name.clone(), text: case.input.clone() };
    check(&source, &Templates::default(), &Policy::new(Level::Restricted, Version::Latest))
}

#[test]
fn every_value_is_the_one_that_kubernetes_stores() {
    for case in cases() {
        let documents: Vec<Value> =
            podsec_yaml::documents(&case.input).flatten().map(|document| document.to_json()).collect();
        let mut objects = documents.iter().flat_map(|document| match document["items"].as_array() {
            Some(items) => items.iter().collect(),
            None => vec![document],
        });
        for stored in &case.stored {
            let object = objects.next().unwrap();
            holds(&case.name, stored, object);
        }
    }
}

/// Whether an object says all that is stored of it; what it is called stands in its list for some.
fn holds(case: &str, stored: &Value, object: &Value) {
    for (name, value) in stored.as_object().unwrap() {
        match (value, &object[name]) {
            (Value::Object(_), own @ Value::Object(_)) => holds(case, value, own),
            (Value::String(time), own) if time == "TIME" => assert!(own.is_string(), "{case}: {name}"),
            (_, Value::Null) if name == "kind" => {}
            (value, own) => assert_eq!(own, value, "{case}: {name}"),
        }
    }
}

#[test]
fn every_pod_is_forbidden_for_what_kubernetes_forbids_it() {
    for case in cases() {
        let report = judged(&case);
        for pod in report.pods.iter().filter(|pod| case.forbidden.contains_key(&pod.object.name)) {
            let mut found: Vec<String> = pod.findings.iter().map(Finding::sentence).collect();
            found.sort_by_key(|sentence| case.forbidden[&pod.object.name].find(sentence.as_str()));
            assert_eq!(found.join(", "), case.forbidden[&pod.object.name], "{}", case.name);
        }
        let judged: Vec<&String> = report.pods.iter().map(|pod| &pod.object.name).collect();
        assert!(case.forbidden.keys().all(|name| judged.contains(&name)), "{}", case.name);
        assert_eq!(report.problems.is_empty(), !case.error, "{}: {:?}", case.name, report.problems);
    }
}

#[test]
fn every_field_that_strict_decoding_refuses_is_told_in_its_words() {
    for case in cases() {
        let told = judged(&case).refusals;
        let named = |refusal: &podsec_manifest::Problem| {
            refusal
                .message
                .strip_prefix("unknown field \"")
                .and_then(|rest| rest.split('"').next())
                .map(str::to_owned)
        };
        assert_eq!(told.iter().filter_map(named).collect::<Vec<_>>(), case.unknown, "{}", case.name);
    }
}
