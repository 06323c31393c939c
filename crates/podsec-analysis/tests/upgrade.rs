//! What an upgrade changes, against judging by both versions.

#![expect(clippy::unwrap_used, reason = "what cannot be read fails the test")]

use podsec_analysis::upgrade::{upgrade_json, upgrade_markdown, upgrade_table};
use podsec_analysis::{Collector, PlanOptions, upgrade};
use podsec_policy::Mode;
use podsec_standards::{CHECKS, Level, Pod, Policy, Version, evaluate};
use serde_json::{Value, json};

/// A namespace for each policy, with a pod for each example of each check.
fn cluster(policies: &[Policy]) -> (String, Vec<(String, Value)>) {
    let examples = CHECKS.iter().flat_map(|check| check.examples);
    let pods: Vec<(String, Value)> = examples
        .enumerate()
        .map(|(number, example)| (format!("p{number}"), serde_json::from_str(example.pod).unwrap()))
        .collect();
    let mut text = String::new();
    for policy in policies {
        let name = format!("{}-{}", policy.level, policy.version).replace('.', "-");
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {
            "pod-security.kubernetes.io/enforce": policy.level.as_str(),
            "pod-security.kubernetes.io/enforce-version": policy.version.to_string(),
            "pod-security.kubernetes.io/warn": "privileged"}}});
        text += &*format!("{namespace}\n");
        for (pod_name, pod) in &pods {
            let mut pod = pod.clone();
            pod["apiVersion"] = "v1".into();
            pod["kind"] = "Pod".into();
            pod["metadata"]["name"] = pod_name.as_str().into();
            pod["metadata"]["namespace"] = name.as_str().into();
            text += &*format!("{pod}\n");
        }
    }
    (text, pods)
}

#[test]
fn verdicts_that_change_are_those_that_differ_by_the_two_versions_and_no_others() {
    let policies: Vec<Policy> = [Level::Baseline, Level::Restricted]
        .into_iter()
        .flat_map(|level| {
            [Version::Latest, Version::V1(30), Version::V1(36)].map(|version| Policy::new(level, version))
        })
        .collect();
    let (text, pods) = cluster(&policies);
    let mut collector = Collector::default();
    collector.feed("cluster", text.as_bytes());
    let inventory = collector.finish();
    for (from, to) in [(33, 37), (24, 25), (37, 34), (30, 31)] {
        let report = upgrade(&inventory, Version::V1(from), Version::V1(to), &PlanOptions::default());
        let mut expected = 0;
        for policy in &policies {
            let known = |cluster: u64| {
                let minor = match policy.version {
                    Version::V1(minor) => minor.min(cluster),
                    Version::Latest => cluster,
                };
                Policy::new(policy.level, Version::V1(minor))
            };
            for (_, pod) in &pods {
                let pod = Pod::from_value(pod).unwrap();
                let allowed = |cluster| evaluate(known(cluster), &pod).is_allowed();
                expected += usize::from(allowed(from) != allowed(to));
            }
        }
        assert_eq!(report.changed.len(), expected, "{from} to {to}");
        assert!(
            report.changed.iter().all(|changed| !changed.rules.is_empty() && changed.mode == Mode::Enforce)
        );
        // A pinned namespace sees no change where both clusters know its version.
        if from.min(to) >= 30 {
            assert!(report.changed.iter().all(|changed| changed.policy.version != Version::V1(30)));
        }
    }
}

#[test]
fn a_pin_is_advised_where_something_would_be_refused_and_dropped_where_nothing_needs_it() {
    let text = r#"
{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a", "labels": {"pod-security.kubernetes.io/enforce": "baseline", "pod-security.kubernetes.io/warn": "privileged"}}}
{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "a"}, "spec": {"containers": [{"name": "c", "livenessProbe": {"tcpSocket": {"port": 1, "host": "localhost"}}}]}}
{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "b", "labels": {"pod-security.kubernetes.io/enforce": "baseline", "pod-security.kubernetes.io/enforce-version": "v1.30", "pod-security.kubernetes.io/warn": "privileged"}}}
"#;
    let mut collector = Collector::default();
    collector.feed("cluster", text.as_bytes());
    let report = upgrade(&collector.finish(), Version::V1(33), Version::V1(34), &PlanOptions::default());
    let pins: Vec<_> = report.pins.iter().map(|pin| (pin.namespace.as_str(), pin.pin)).collect();
    assert_eq!(pins, [("a", Some(Version::V1(33))), ("b", None)]);
    let mut told = String::new();
    upgrade_table(&report, &mut told).unwrap();
    upgrade_markdown(&report, &mut told).unwrap();
    told += &*upgrade_json(&report).to_string();
    assert_eq!(told.matches("hostProbesAndHostLifecycle").count(), 3, "{told}");
    assert!(
        told.contains(
            "kubectl label --overwrite namespace a pod-security.kubernetes.io/enforce-version=v1.33"
        )
    );
}
