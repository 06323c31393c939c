//! A pod is read as Kubernetes reads it, or refused with the place of what is wrong.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use podsec_standards::{Level, Pod, Policy, Version, Workload, evaluate};

#[test]
fn names_are_case_sensitive() {
    allows(r#"{"spec": {"hostnetwork": true, "HostNetwork": true, "hostPid": true}}"#);
    forbids(r#"{"spec": {"host\u004eetwork": true}}"#, "host namespaces (hostNetwork=true)");
}

#[test]
fn null_is_absent() {
    for json in [
        "{}",
        r#"{"metadata": null, "spec": null}"#,
        r#"{"metadata": {"annotations": null, "ownerReferences": null, "name": null}, "spec": {"containers": null,
            "initContainers": null, "securityContext": null, "volumes": null, "hostPID": null, "os": null,
            "runtimeClassName": null}}"#,
        r#"{"spec": {"containers": [{"securityContext": {"privileged": null, "capabilities": null, "procMount": null,
            "runAsUser": null, "seLinuxOptions": null, "windowsOptions": null}, "ports": [{"hostPort": null}],
            "livenessProbe": null, "lifecycle": {"preStop": null, "postStart": {"httpGet": null}}}]}}"#,
    ] {
        allows(json);
    }
}

#[test]
fn null_in_a_list_is_an_empty_element() {
    let pod =
        Pod::from_json(br#"{"spec": {"containers": [null, {"name": "b"}], "volumes": [null]}}"#).unwrap();
    let restricted = evaluate(Policy::new(Level::Restricted, Version::V1(8)), &pod);
    assert_eq!(
        restricted.detail(),
        "allowPrivilegeEscalation != false (containers \"\", \"b\" must set \
         securityContext.allowPrivilegeEscalation=false), restricted volume types (volume \"\" uses restricted \
         volume type \"unknown\"), runAsNonRoot != true (pod or containers \"\", \"b\" must set \
         securityContext.runAsNonRoot=true)"
    );
}

#[test]
fn a_repeated_name_merges_as_in_go() {
    forbids(r#"{"spec": {"hostPID": false, "hostPID": true}}"#, "host namespaces (hostPID=true)");
    allows(r#"{"spec": {"hostPID": true, "hostPID": false}}"#);
    forbids(
        r#"{"spec": {"hostPID": true}, "spec": {"hostIPC": true}}"#,
        "host namespaces (hostPID=true, hostIPC=true)",
    );
    forbids(
        r#"{"spec": {"hostPID": true, "hostPID": null}, "spec": null}"#,
        "host namespaces (hostPID=true)",
    );
    allows(
        r#"{"spec": {"containers": [{"securityContext": {"privileged": true}, "securityContext": null}]}}"#,
    );
    allows(r#"{"spec": {"volumes": [{"hostPath": {}, "hostPath": null}]}}"#);
    forbids(
        r#"{"spec": {"containers": [{"name": "a", "securityContext": {"privileged": true}}, {"name": "gone"}],
            "containers": [{"name": "b"}]}}"#,
        r#"privileged (container "b" must not set securityContext.privileged=true)"#,
    );
    allows(r#"{"spec": {"containers": [{"ports": [{"hostPort": 1}], "ports": []}]}}"#);
}

#[test]
fn a_wrong_type_is_refused_with_its_place() {
    for (json, error) in [
        (r"[]", "expected a pod, found a list"),
        (r#""pod""#, "expected a pod, found the string \"pod\""),
        (r#"{"spec": []}"#, "spec: expected a pod spec, found a list"),
        (r#"{"metadata": 1}"#, "metadata: expected metadata, found the number 1"),
        (
            r#"{"metadata": {"annotations": {"a": 1}}}"#,
            "metadata.annotations.a: expected a string, found the number 1",
        ),
        (
            r#"{"spec": {"hostNetwork": "true"}}"#,
            "spec.hostNetwork: expected a boolean, found the string \"true\"",
        ),
        (r#"{"spec": {"containers": {"name": "a"}}}"#, "spec.containers: expected a list, found an object"),
        (
            r#"{"spec": {"containers": [{}, {"securityContext": {"runAsUser": "0"}}]}}"#,
            "spec.containers[1].securityContext.runAsUser: expected an integer of 64 bits, found the string \"0\"",
        ),
        (
            r#"{"spec": {"containers": [{"securityContext": {"runAsUser": 0.0}}]}}"#,
            "spec.containers[0].securityContext.runAsUser: expected an integer of 64 bits, found the number 0.0",
        ),
        (
            r#"{"spec": {"containers": [{"securityContext": {"runAsUser": 9223372036854775808}}]}}"#,
            "spec.containers[0].securityContext.runAsUser: expected an integer of 64 bits, found the number \
             9223372036854775808",
        ),
        (
            r#"{"spec": {"containers": [{"ports": [{"hostPort": 2147483648}]}]}}"#,
            "spec.containers[0].ports[0].hostPort: expected an integer of 32 bits, found the number 2147483648",
        ),
        (
            r#"{"spec": {"containers": [{"securityContext": {"capabilities": {"drop": "ALL"}}}]}}"#,
            "spec.containers[0].securityContext.capabilities.drop: expected a list, found the string \"ALL\"",
        ),
        (
            r#"{"spec": {"volumes": [{"hostPath": true}]}}"#,
            "spec.volumes[0].hostPath: expected an object, found a boolean",
        ),
    ] {
        assert_eq!(Pod::from_json(json.as_bytes()).unwrap_err().to_string(), error, "{json}");
    }
}

#[test]
fn what_is_no_json_is_refused_with_line_and_column() {
    for (json, error) in [
        ("", "expected a value at line 1 column 1"),
        ("{", "expected a name in quotes at line 1 column 2"),
        ("{\n  \"a\": tru }", "expected a value at line 2 column 8"),
        (r#"{"a" 1}"#, "expected `:` at line 1 column 6"),
        (r#"{"a": [1}}"#, "expected `,` or `]` at line 1 column 9"),
        (r#"{"a": 1]}"#, "expected `,` or `}` at line 1 column 8"),
        (r#"{"a": 01}"#, "a number must not start with 0 at line 1 column 8"),
        (r#"{"spec": {"hostPID": x}}"#, "expected a value at line 1 column 22"),
        ("{}\n{}", "unexpected text after the end at line 2 column 1"),
        ("\u{feff}{}", "expected a value at line 1 column 1"),
    ] {
        assert_eq!(Pod::from_json(json.as_bytes()).unwrap_err().to_string(), error, "{json}");
    }
}

#[test]
fn strings_are_read_as_go_reads_them() {
    let name = |json: &str| Pod::from_json(json.as_bytes()).map(|pod| pod.name().to_owned());
    for (text, expected) in [
        (r"plain and long enough for two chunks", "plain and long enough for two chunks"),
        (r#"\"\\\/\b\f\n\r\t"#, "\"\\/\x08\x0c\n\r\t"),
        (r"caf\u00e9 \ud83d\ude00 é😀", "café 😀 é😀"),
        (r"\ud800", "\u{fffd}"),
        (r"\ud800\ud800\udc00", "\u{fffd}\u{10000}"),
        (r"\udc00x", "\u{fffd}x"),
    ] {
        assert_eq!(name(&format!(r#"{{"metadata": {{"name": "{text}"}}}}"#)).unwrap(), expected);
    }
    for text in [r"\x", r"\u12", r"\u12g4", r"\u+123", "\n", "\x01", "12345678\x1f", r"\"] {
        assert!(name(&format!(r#"{{"metadata": {{"name": "{text}"}}}}"#)).is_err(), "{text:?}");
        assert!(name(&format!(r#"{{"status": {{"name": "{text}"}}}}"#)).is_err(), "{text:?}");
    }
}

#[test]
fn go_reads_minus_zero_as_an_integer() {
    let pod = Pod::from_json(br#"{"spec": {"securityContext": {"runAsUser": -0}}}"#).unwrap();
    let restricted = evaluate(Policy::new(Level::Restricted, Version::Latest), &pod);
    assert_eq!(restricted.detail(), "runAsUser=0 (pod must not set runAsUser=0)");
    Pod::from_json(br#"{"spec": {"securityContext": {"runAsUser": -9223372036854775808}}}"#).unwrap();
}

#[test]
fn what_kubernetes_does_not_know_is_skipped() {
    allows(
        r#"{"Status": 1e999999, "spec": {"nodename": [1, {"a": "\ud800"}], "hostAlias": {"hostPID": true},
            "containers": [{"imagePullPolicies": 1, "env": [{"$patch": true}], "$setElementOrder/env": {}}]}}"#,
    );
}

#[test]
fn what_no_check_reads_has_its_type_all_the_same() {
    for (json, error) in [
        (r#"{"status": 1}"#, "status: expected an object, found the number 1"),
        (r#"{"spec": {"nodeName": ["a"]}}"#, "spec.nodeName: expected a string, found a list"),
        (r#"{"spec": {"hostAliases": {}}}"#, "spec.hostAliases: expected a list, found an object"),
        (
            r#"{"metadata": {"labels": {"on": true}}}"#,
            "metadata.labels.on: expected a string, found a boolean",
        ),
        (
            r#"{"metadata": {"creationTimestamp": "today"}}"#,
            "metadata.creationTimestamp: expected a time, found the string \"today\"",
        ),
        (
            r#"{"spec": {"terminationGracePeriodSeconds": "30"}}"#,
            "spec.terminationGracePeriodSeconds: expected an integer of 64 bits, found the string \"30\"",
        ),
        (
            r#"{"spec": {"containers": [{"env": [{"name": "a", "value": "1"}, {"name": "b", "value": true}]}]}}"#,
            "spec.containers[0].env[1].value: expected a string, found a boolean",
        ),
        (
            r#"{"spec": {"containers": [{"readinessProbe": {"httpGet": {"port": 80.5}}}]}}"#,
            "spec.containers[0].readinessProbe.httpGet.port: expected an integer of 32 bits or a string, found the \
             number 80.5",
        ),
        (
            r#"{"spec": {"initContainers": [{"resources": {"limits": {"memory": "1 Gi"}}}]}}"#,
            "spec.initContainers[0].resources.limits.memory: expected a quantity, found the string \"1 Gi\"",
        ),
        (
            r#"{"spec": {"volumes": [{"secret": {"secretName": 1}}]}}"#,
            "spec.volumes[0].secret.secretName: expected a string, found the number 1",
        ),
    ] {
        assert_eq!(Pod::from_json(json.as_bytes()).unwrap_err().to_string(), error, "{json}");
    }
    allows(
        r#"{"metadata": {"labels": {"a": null}, "creationTimestamp": null, "managedFields": [null, {"fieldsV1": 1}]},
            "spec": {"containers": [{"env": null, "livenessProbe": {"httpGet": {"port": "http"}},
                "resources": {"limits": {"cpu": 1e-1, "memory": null}}}], "volumes": [{"secret": {"items": null}}]}}"#,
    );
}

#[test]
fn bytes_that_are_not_utf8_are_refused_wherever_they_stand() {
    let error = Pod::from_json(b"{\"status\": \"\xff\"}").unwrap_err();
    assert_eq!(error.to_string(), "invalid UTF-8 after 12 bytes");
}

#[test]
fn depth_does_not_end_the_process() {
    let lists = |depth| "[".repeat(depth) + &"]".repeat(depth);
    allows(&format!(r#"{{"unknown": {}, "spec": {{"unknown": {}}}}}"#, lists(10_000), lists(10_000)));
    for json in [
        format!(r#"{{"unknown": {}}}"#, lists(1_000_000)),
        format!(r#"{{"spec": {{"hostPID": {}}}}}"#, lists(1_000_000)),
        r#"{"spec":"#.repeat(1_000_000) + "1" + &"}".repeat(1_000_000),
    ] {
        assert!(
            Workload::CronJob.pod_from_json(json.as_bytes()).is_err()
                || Pod::from_json(json.as_bytes()).is_err()
        );
    }
}

#[test]
fn only_a_replication_controller_may_have_no_pod() {
    for workload in Workload::ALL {
        let has_pod = |json: &[u8]| workload.pod_from_json(json).unwrap().is_some();
        let optional = workload == Workload::ReplicationController;
        assert_eq!(has_pod(b"{}"), !optional, "{workload}");
        assert_eq!(has_pod(br#"{"spec": {"template": null}}"#), !optional, "{workload}");
        assert!(has_pod(br#"{"spec": {"template": {}}}"#), "{workload}");
    }
}

#[test]
fn workloads_are_known_by_group_and_kind_or_resource() {
    assert_eq!(Workload::from_kind("apps", "Deployment"), Some(Workload::Deployment));
    assert_eq!(Workload::from_resource("batch", "cronjobs"), Some(Workload::CronJob));
    assert_eq!(Workload::from_resource("", "pods"), Some(Workload::Pod));
    for (group, kind) in
        [("", "Deployment"), ("extensions", "Deployment"), ("apps", "deployment"), ("", "Namespace")]
    {
        assert_eq!(Workload::from_kind(group, kind), None);
    }
}

#[test]
fn the_controller_is_the_first_owner_that_says_so() {
    let pod = Pod::from_json(
        br#"{"metadata": {"name": "p", "ownerReferences": [{"uid": "1"}, {"uid": "2", "controller": false},
            {"uid": "3", "controller": true}, {"uid": "4", "controller": true}]}, "spec": {"runtimeClassName": "kata"}}"#,
    )
    .unwrap();
    assert_eq!((pod.name(), pod.controller_uid(), pod.runtime_class_name()), ("p", Some("3"), Some("kata")));
}

#[test]
fn updates_matter_when_images_seccomp_annotations_or_containers_change() {
    let old = r#"{"metadata": {"annotations": {"seccomp.security.alpha.kubernetes.io/pod": "", "note": "x"}},
        "spec": {"containers": [{"name": "a", "image": "1"}], "initContainers": [{"name": "i", "image": "1"}],
            "ephemeralContainers": [{"name": "d", "image": "1"}, {"name": "e", "image": "1"}]}}"#;
    let differs = |from: &str, to: &str| {
        let new = old.replacen(from, to, 1);
        assert_ne!(new, old);
        Pod::from_json(new.as_bytes())
            .unwrap()
            .significantly_differs_from(&Pod::from_json(old.as_bytes()).unwrap())
    };
    assert!(differs(r#""a", "image": "1""#, r#""a", "image": "2""#));
    assert!(differs(r#""i", "image": "1""#, r#""i", "image": "2""#));
    assert!(differs(r#""e", "image": "1""#, r#""e", "image": "2""#));
    assert!(differs(r#"{"name": "a", "image": "1"}"#, ""));
    assert!(differs(r#"{"name": "d", "image": "1"}"#, r#"{"name": "d", "image": "1"}, {"name": "f"}"#));
    assert!(differs(r#""note""#, r#""container.seccomp.security.alpha.kubernetes.io/e""#));

    assert!(!differs(r#""x""#, r#""y""#));
    assert!(!differs(r#"/pod": """#, r#"/pod": "x""#), "only containers' seccomp annotations count");
    assert!(
        !differs(r#""note": "x""#, r#""container.seccomp.security.alpha.kubernetes.io/a": """#),
        "empty is absent"
    );
    assert!(!differs(r#"{"name": "d", "image": "1"}, "#, ""), "an ephemeral container may go");
    assert!(!differs(r#""note""#, r#""container.seccomp.security.alpha.kubernetes.io/none""#));
    assert!(!differs(r#""spec": {"#, r#""spec": {"hostNetwork": true, "#));
}

fn allows(json: &str) {
    let pod = Pod::from_json(json.as_bytes()).unwrap();
    assert_eq!(evaluate(Policy::new(Level::Baseline, Version::Latest), &pod).detail(), "", "{json}");
}

fn forbids(json: &str, detail: &str) {
    let pod = Pod::from_json(json.as_bytes()).unwrap();
    assert_eq!(evaluate(Policy::new(Level::Baseline, Version::Latest), &pod).detail(), detail, "{json}");
}
