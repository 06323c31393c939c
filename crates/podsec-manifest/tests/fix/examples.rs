//! Every example that a check forbids, mended in every kind of object and every way of writing.

use podsec_manifest::fix::{Fixed, Why};
use podsec_standards::{CHECKS, Check, Example, Policy, Verdict};
use serde_json::{Value, json};

use crate::written::Written;
use crate::{assert_sound, fixed};

#[test]
fn every_forbidden_example_is_mended_or_its_reason_told() {
    let mut mended = 0;
    let mut told = Vec::new();
    for (check, example) in forbidden() {
        for version in [example.since, example.until] {
            let policy = Policy::new(check.level, version);
            for (kind, object) in objects(example) {
                for written in Written::ALL {
                    let text = written.text(&object);
                    let what =
                        format!("{} {:?} at {policy} in a {kind}, {written:?}", check.id, example.name);
                    let fixed = fixed(&text, policy, true);
                    if let Err(problem) = assert_sound(&text, &fixed) {
                        panic!("{what}: {problem}\n{text}\n--- became\n{}", fixed.text);
                    }
                    if fixed.report.is_clean() {
                        assert!(fixed.left.is_empty() && !fixed.applied.is_empty(), "{what}");
                        mended += 1;
                    } else {
                        told.push((check.id, example.name, reasons(&fixed, &what)));
                    }
                }
            }
        }
    }
    told.sort();
    told.dedup();
    let windows =
        "Kubernetes refuses it where os.name is windows; from version 1.25 on it is not asked for there";
    let no_fix = "cannot be mended by an edit";
    let host = |volume| {
        format!(
            "needs the host (volume {volume:?} is / of the node): not for this level; keep it in a namespace at the privileged level"
        )
    };
    let expected = [
        ("allowPrivilegeEscalation", "on Windows, before 1.25", windows),
        ("capabilities_restricted", "on Windows, before 1.25", windows),
        ("hostPathVolumes", "a path of the node", &host("b")),
        ("restrictedVolumes", "a kind unknown to Kubernetes, or none", no_fix),
        ("restrictedVolumes", "a path of the node", &host("a")),
        ("restrictedVolumes", "every kind that is not", no_fix),
        ("seccompProfile_restricted", "on Windows, before 1.25", windows),
    ];
    let told: Vec<_> = told.iter().map(|(id, name, why)| (*id, *name, why.as_str())).collect();
    assert_eq!(told, expected);
    assert!(mended > 1000, "{mended}");
}

#[test]
fn every_allowed_example_is_left_as_it_is() {
    for check in CHECKS {
        for example in check.examples.iter().filter(|example| example.verdict == Verdict::Allow) {
            let pod: Value = serde_json::from_str(example.pod).unwrap();
            let found = podsec_standards::Pod::from_json(example.pod.as_bytes()).unwrap();
            let policy = Policy::new(check.level, example.until);
            if !podsec_standards::evaluate(policy, &found).is_allowed() {
                continue;
            }
            let text = Written::Commented.text(&object("v1", "Pod", &pod));
            let fixed = fixed(&text, policy, true);
            assert_eq!(fixed.text, text, "{} {:?}", check.id, example.name);
        }
    }
}

fn reasons(fixed: &Fixed, what: &str) -> String {
    assert!(!fixed.left.is_empty(), "{what}: {:?}\n{}", fixed.report, fixed.text);
    let mut reasons: Vec<String> = fixed.left.iter().map(|left| left.why.to_string()).collect();
    reasons.dedup();
    assert!(fixed.left.iter().all(|left| left.why != Why::NeedsUnsafe), "{what}");
    reasons.join("; ")
}

fn forbidden() -> impl Iterator<Item = (&'static Check, &'static Example)> {
    CHECKS.iter().flat_map(|check| {
        let forbidden = check.examples.iter().filter(|example| example.verdict != Verdict::Allow);
        forbidden.map(|example| (*check, example))
    })
}

/// The example's pod as a Pod, and in others.
fn objects(example: &Example) -> [(&'static str, Value); 4] {
    let pod: Value = serde_json::from_str(example.pod).unwrap();
    let template = with_images(&pod);
    let spec =
        json!({"spec": {"template": template, "replicas": 1, "selector": {"matchLabels": {"a": "b"}}}});
    let deployment = object("apps/v1", "Deployment", &spec);
    let list = json!({"apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}},
        deployment,
        object("v1", "Pod", &pod),
    ]});
    let cron_job = json!({"spec": {"jobTemplate": {"spec": {"template": template}}, "schedule": "@daily"}});
    [
        ("Pod", object("v1", "Pod", &pod)),
        ("Deployment", deployment),
        ("CronJob", object("batch/v1", "CronJob", &cron_job)),
        ("List", list),
    ]
}

/// A pod whose containers have images; without them it would be a patch.
fn with_images(pod: &Value) -> Value {
    let mut pod = pod.clone();
    for list in ["initContainers", "containers"] {
        for container in pod["spec"][list].as_array_mut().into_iter().flatten() {
            container["image"] = "i".into();
        }
    }
    if pod["spec"]["containers"].as_array().is_none_or(Vec::is_empty) {
        pod["spec"]["containers"] = json!([]);
    }
    pod
}

fn object(api_version: &str, kind: &str, rest: &Value) -> Value {
    let mut object = rest.clone();
    object["apiVersion"] = api_version.into();
    object["kind"] = kind.into();
    object["metadata"]["name"] = "x".into();
    object
}
