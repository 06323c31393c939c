//! Requests for namespaces, beyond the recorded ones.

mod scenario;

use serde_json::{Value, json};

use crate::scenario::{Scenario, host_network_pod, plain_pod, relabel};

const VIOLATED: &str =
    r#"existing pods in namespace "here" violate the new PodSecurity enforce level "baseline:latest""#;

#[test]
fn labels_that_were_wrong_already_may_stay_but_not_change() {
    let scenario = Scenario::with_labels(&[]);
    let code = |old: &[(&str, &str)], new: &[(&str, &str)]| {
        scenario.review(&relabel(old, new))["status"]["code"].as_u64()
    };
    assert_eq!(code(&[("audit", "bogus")], &[("audit", "bogus"), ("enforce", "baseline")]), None);
    assert_eq!(code(&[("audit", "bogus")], &[("audit", "other")]), Some(422));
    assert_eq!(code(&[("audit", "bogus")], &[("audit", "bogus"), ("warn", "bogus")]), Some(422));
    assert_eq!(code(&[("audit", "bogus")], &[]), None);
}

#[test]
fn what_a_namespace_says_twice_adds_up() {
    const ENFORCE: &str = r#""labels": {"pod-security.kubernetes.io/enforce": "baseline"}"#;
    let scenario = Scenario::with_labels(&[]).with_pods([host_network_pod("a")]);
    let response = |object: &str| {
        let request = relabel(&[], &[]).to_string();
        let (before, after) = request.split_once("\"object\":{").unwrap();
        let (_, after) = after.split_once("}},").unwrap();
        let body = format!(r#"{{"request": {before}"object":{object},{after}}}"#);
        let request = podsec_admission::review::decode(body.as_bytes()).unwrap();
        let response = scenario.response(&request);
        (response.allowed(), response.warnings().first().cloned().unwrap_or_default())
    };
    let violated = (true, VIOLATED.to_owned());
    for metadata in [
        format!(r#"{{{ENFORCE}, "name": "here", "labels": {{"a": null}}}}"#),
        format!(r#"{{{ENFORCE}, "name": "there", "name": "here", "name": null}}"#),
        format!(r#"{{"labels": null, {ENFORCE}}}, "metadata": {{"name": "here"}}, "metadata": null"#),
    ] {
        assert_eq!(response(&format!(r#"{{"metadata": {metadata}}}"#)), violated, "{metadata}");
    }
    let cleared = format!(r#"{{"metadata": {{{ENFORCE}, "labels": null}}}}"#);
    assert_eq!(response(&cleared), (true, String::new()));
    assert_eq!(response(r#"{"metadata": {"labels": {"a": 1}}}"#), (false, String::new()));
}

#[test]
fn every_wrong_label_is_a_cause() {
    let labels = [("enforce", "Baseline"), ("enforce-version", "v1.01"), ("warn", "")];
    let response = Scenario::with_labels(&[]).review(&relabel(&[], &labels));
    let cause = |label: &str, value: &str, why: &str| {
        json!({
            "reason": "FieldValueInvalid",
            "message": format!("Invalid value: \"{value}\": {why}"),
            "field": format!("metadata.labels[pod-security.kubernetes.io/{label}]"),
        })
    };
    let level = "must be one of privileged, baseline, restricted";
    assert_eq!(
        response["status"]["details"],
        json!({
            "name": "here",
            "kind": "Namespace",
            "causes": [
                cause("enforce", "Baseline", level),
                cause("enforce-version", "v1.01", "must be \"latest\" or \"v1.x\""),
                cause("warn", "", level),
            ],
        })
    );
}

#[test]
fn existing_pods_are_checked_only_when_the_level_gets_stricter() {
    let scenario = Scenario::with_labels(&[]).with_pods([host_network_pod("a")]);
    let warns = |old: &[(&str, &str)], new: &[(&str, &str)]| {
        scenario.review(&relabel(old, new))["warnings"].is_array()
    };
    assert!(warns(&[], &[("enforce", "baseline")]));
    assert!(warns(&[("enforce", "restricted")], &[("enforce", "baseline"), ("enforce-version", "v1.20")]));
    assert!(!warns(&[("enforce", "restricted")], &[("enforce", "baseline")]));
    assert!(!warns(&[("enforce", "baseline")], &[("enforce", "baseline"), ("warn", "restricted")]));
    assert!(!warns(&[("enforce", "baseline")], &[("enforce", "privileged"), ("enforce-version", "v1.20")]));
    // Judged as restricted:latest before, so anything of that version is a relaxation.
    assert!(!warns(&[("enforce", "bogus")], &[("enforce", "baseline")]));
}

#[test]
fn pods_with_the_same_violations_are_counted_under_the_first_name() {
    let pods = ["c", "a", "b", "d"].map(host_network_pod).into_iter().chain([plain_pod("0")]);
    let scenario = Scenario::with_labels(&[]).with_pods(pods);
    assert_eq!(tighten(&scenario), json!([VIOLATED, "a (and 3 other pods): host namespaces"]));

    let two = Scenario::with_labels(&[]).with_pods(["b", "a"].map(host_network_pod));
    assert_eq!(tighten(&two), json!([VIOLATED, "a (and 1 other pod): host namespaces"]));

    let one = Scenario::with_labels(&[]).with_pods([host_network_pod("a")]);
    assert_eq!(tighten(&one), json!([VIOLATED, "a: host namespaces"]));

    let none = Scenario::with_labels(&[]).with_pods([plain_pod("a")]);
    assert_eq!(tighten(&none), Value::Null);
}

#[test]
fn no_more_than_three_thousand_pods_are_checked() {
    let pods = (0..3001).map(|number| host_network_pod(&format!("p{number:04}")));
    assert_eq!(
        tighten(&Scenario::with_labels(&[]).with_pods(pods)),
        json!([
            "new PodSecurity enforce level only checked against the first 3000 of 3001 existing pods",
            VIOLATED,
            "p0000 (and 2999 other pods): host namespaces",
        ])
    );
    let pods = (0..3000).map(|number| plain_pod(&format!("p{number:04}")));
    assert_eq!(tighten(&Scenario::with_labels(&[]).with_pods(pods)), Value::Null);
}

#[test]
fn when_time_is_up_the_pods_that_were_checked_are_told() {
    let pods = || ["a", "b", "c"].map(host_network_pod);
    let scenario = Scenario::with_labels(&[]).with_pods(pods()).with_time_for(2);
    assert_eq!(
        tighten(&scenario),
        json!([
            "new PodSecurity enforce level only checked against the first 2 of 3 existing pods",
            VIOLATED,
            "a (and 1 other pod): host namespaces",
        ])
    );
    let in_time = Scenario::with_labels(&[]).with_pods(pods()).with_time_for(3);
    assert_eq!(tighten(&in_time), json!([VIOLATED, "a (and 2 other pods): host namespaces"]));
}

#[test]
fn one_pod_of_each_controller_is_checked_before_the_others() {
    let replica = |name: &str| {
        let mut pod = host_network_pod(name);
        pod["metadata"]["ownerReferences"] = json!([{"uid": "owner"}, {"uid": "set", "controller": true}]);
        pod
    };
    let pods = [replica("r1"), replica("r2"), plain_pod("s"), replica("r3"), plain_pod("t")];
    let scenario = Scenario::with_labels(&[]).with_pods(pods).with_time_for(3);
    assert_eq!(
        tighten(&scenario),
        json!([
            "new PodSecurity enforce level only checked against the first 3 of 5 existing pods",
            VIOLATED,
            "r1: host namespaces",
        ])
    );
}

#[test]
fn existing_pods_of_an_exempt_runtime_class_do_not_count() {
    let mut exempt = host_network_pod("a");
    exempt["spec"]["runtimeClassName"] = "kata".into();
    let scenario = Scenario::with_labels(&[])
        .exempting(&[], &["kata"], &[])
        .with_pods([exempt, host_network_pod("b")])
        .with_time_for(1);
    assert_eq!(tighten(&scenario), json!([VIOLATED, "b: host namespaces"]));
}

#[test]
fn pods_that_cannot_be_listed_or_read_are_told() {
    let failed = json!(["failed to list pods while checking new PodSecurity enforce level"]);
    assert_eq!(tighten(&Scenario::with_labels(&[]).without_list()), failed);
    let unreadable = json!({"metadata": {"name": "a"}, "spec": {"hostNetwork": "yes"}});
    assert_eq!(tighten(&Scenario::with_labels(&[]).with_pods([unreadable])), failed);
}

#[test]
fn labels_of_an_exempt_namespace_are_told_to_have_no_effect() {
    let scenario =
        Scenario::with_labels(&[]).exempting(&["here"], &[], &[]).with_pods([host_network_pod("a")]);
    let labels = [("enforce", "baseline"), ("audit", "privileged"), ("warn-version", "v1.20")];
    assert_eq!(
        scenario.review(&relabel(&[], &labels))["warnings"],
        json!(["namespace \"here\" is exempt from Pod Security, and the policy \
             (enforce=baseline:latest, warn=baseline:v1.20) will be ignored"])
    );
    // An update that would not have been checked is not talked about.
    assert_eq!(scenario.review(&relabel(&[], &[("audit", "restricted")])), json!({"allowed": true}));
    let mut creation = relabel(&[], &[("audit", "restricted")]);
    creation["operation"] = "CREATE".into();
    assert_eq!(
        scenario.review(&creation)["warnings"],
        json!(["namespace \"here\" is exempt from Pod Security, and the policy \
             (audit=restricted:latest) will be ignored"])
    );
}

#[test]
fn an_old_namespace_that_cannot_be_read_is_a_bad_request() {
    let scenario = Scenario::with_labels(&[]);
    let mut request = relabel(&[], &[]);
    request["oldObject"] = json!({"metadata": {"labels": ["a"]}});
    assert_eq!(scenario.review(&request)["status"]["message"], "failed to decode  old object");
    request["oldObject"] = Value::Null;
    assert_eq!(scenario.review(&request)["status"]["message"], "failed to decode  old namespace");
    request["operation"] = "DELETE".into();
    assert_eq!(scenario.review(&request), json!({"allowed": true}));
    request["object"] = Value::Null;
    assert_eq!(scenario.review(&request)["status"]["code"], 400);
}

/// The warnings when the namespace begins to enforce the baseline level.
fn tighten(scenario: &Scenario) -> Value {
    let response = scenario.review(&relabel(&[], &[("enforce", "baseline")]));
    assert_eq!(response["allowed"], true);
    response["warnings"].clone()
}
