//! What must hold of every pod.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod fields;

use std::sync::LazyLock;

use fields::Setting;
use podsec_standards::{CHECKS, Level, Pod, Policy, Version, Workload, evaluate, rules};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

proptest! {
    #[test]
    fn a_field_changes_no_check_that_does_not_read_it(
        mut pod in pod(),
        version in version(),
        (name, value) in security_context_member(),
        list in select(vec!["initContainers", "containers", "ephemeralContainers"]),
    ) {
        let pattern = format!("spec.containers[*].securityContext.{name}");
        let before = details(&pod, version, |fields| !fields.iter().any(|field| field.starts_with(&pattern)));
        if let Some(container) = pod["spec"][list].get_mut(0).filter(|container| container.is_object()) {
            if !container["securityContext"].is_object() {
                container["securityContext"] = json!({});
            }
            container["securityContext"][name] = value;
        }
        let after = details(&pod, version, |fields| !fields.iter().any(|field| field.starts_with(&pattern)));
        prop_assert_eq!(before, after);
    }

    #[test]
    fn restricted_forbids_what_baseline_forbids(pod in pod(), version in version()) {
        let json = pod.to_string();
        let pod = Pod::from_json(json.as_bytes()).unwrap();
        let baseline = evaluate(Policy::new(Level::Baseline, version), &pod);
        let restricted = evaluate(Policy::new(Level::Restricted, version), &pod);
        for violation in &baseline.violations {
            let overridden = CHECKS.iter().filter_map(|check| check.revision(version)).any(|revision| {
                revision.overrides.contains(&violation.check.id)
            });
            let kept = restricted.violations.iter().any(|kept| kept.detail() == violation.detail());
            prop_assert!(kept || overridden, "{}", violation.check.id);
        }
        prop_assert!(evaluate(Policy::new(Level::Privileged, version), &pod).is_allowed());
    }

    /// Evaluation asks only the checks of which the features of the pod do not tell enough.
    #[test]
    fn a_pod_is_judged_as_if_every_check_were_asked(pod in pod(), version in version(), level in select(&Level::ALL)) {
        let json = pod.to_string();
        let pod = Pod::from_json(json.as_bytes()).unwrap();
        let policy = Policy::new(level, version);
        let asked: Vec<_> = rules(policy)
            .iter()
            .filter_map(|(check, _)| check.judge(version, &pod))
            .map(|violation| (violation.check.id, violation.detail()))
            .collect();
        let evaluated: Vec<_> = evaluate(policy, &pod)
            .violations
            .iter()
            .map(|violation| (violation.check.id, violation.detail()))
            .collect();
        prop_assert_eq!(evaluated, asked);
    }

    #[test]
    fn null_is_the_same_as_absent(pod in pod(), version in version()) {
        let mut stripped = pod.clone();
        strip_nulls(&mut stripped);
        prop_assert_eq!(details(&pod, version, |_| true), details(&stripped, version, |_| true));
    }

    #[test]
    fn versions_after_the_newest_revision_are_judged_by_it(pod in pod(), minor in 38..=u64::MAX) {
        prop_assert_eq!(
            details(&pod, Version::V1(minor), |_| true),
            details(&pod, Version::Latest, |_| true)
        );
    }

    #[test]
    fn what_blames_fields_names_them(pod in pod(), version in version()) {
        let json = pod.to_string();
        let decoded = Pod::from_json(json.as_bytes()).unwrap();
        for violation in evaluate(Policy::new(Level::Restricted, version), &decoded).violations {
            prop_assert!(!violation.fields().is_empty());
            for field in &violation.fields() {
                prop_assert!(violation.check.fields.contains(&&*field.pattern()), "{}", field.pattern());
            }
            prop_assert!(serde_json::to_value(violation).is_ok());
        }
    }

    #[test]
    fn a_pod_does_not_differ_from_itself(pod in pod()) {
        let json = pod.to_string();
        let pod = Pod::from_json(json.as_bytes()).unwrap();
        let unique = {
            let mut names: Vec<_> = pod.containers().map(|(kind, _, container)| (kind, container.name())).collect();
            let all = names.len();
            names.sort_unstable();
            names.dedup();
            names.len() == all
        };
        // Ephemeral containers are told apart by name, so two of one name may differ from each other.
        prop_assert!(!unique || !pod.significantly_differs_from(&pod));
    }

    #[test]
    fn every_workload_finds_the_same_pod(pod in pod(), version in version()) {
        for workload in Workload::ALL {
            let object = workload.pod_path().iter().rev().fold(pod.clone(), |inner, name| json!({*name: inner}));
            let json = object.to_string();
            let found = workload.pod_from_json(json.as_bytes()).unwrap().unwrap();
            let policy = Policy::new(Level::Restricted, version);
            let json = pod.to_string();
            let expected = evaluate(policy, &Pod::from_json(json.as_bytes()).unwrap()).detail();
            prop_assert_eq!(evaluate(policy, &found).detail(), expected);
        }
    }

    #[test]
    fn no_json_makes_evaluation_panic(json in any_json(), version in version(), workload in select(&Workload::ALL)) {
        judge_any(json.to_string().as_bytes(), version, workload);
    }

    /// What is skipped is read by the same rules as what is not.
    #[test]
    fn what_is_json_is_what_serde_json_says(json in any_json(), cut in any::<prop::sample::Index>(), byte in json_byte()) {
        let whole = json!({"unknown": json}).to_string();
        prop_assert!(Pod::from_json(whole.as_bytes()).is_ok());
        let mut slipped = whole.into_bytes();
        let index = cut.index(slipped.len());
        slipped[index] = byte;
        for text in [&slipped[..], &slipped[..index]] {
            let is_object = serde_json::from_slice::<serde::de::IgnoredAny>(text);
            let is_pod = Pod::from_json(text);
            // A slip may turn `unknown` into a name that matters, and serde_json skips text that is not UTF-8.
            if std::str::from_utf8(text).is_ok() && text.starts_with(br#"{"unknown""#) {
                prop_assert_eq!(is_pod.is_ok(), is_object.is_ok(), "{:?} {:?}", std::str::from_utf8(text), is_object);
            }
        }
    }

    #[test]
    fn no_bytes_make_evaluation_panic(bytes in vec(any::<u8>(), 0..200), version in version()) {
        judge_any(&bytes, version, Workload::Pod);
    }

    #[test]
    fn no_slip_in_a_pod_makes_evaluation_panic(pod in pod(), cut in any::<prop::sample::Index>(), byte: u8) {
        let mut bytes = pod.to_string().into_bytes();
        let index = cut.index(bytes.len());
        bytes[index] = byte;
        judge_any(&bytes, Version::Latest, Workload::Pod);
        judge_any(&bytes[..index], Version::Latest, Workload::Pod);
    }
}

fn judge_any(bytes: &[u8], version: Version, workload: Workload) {
    if let Ok(Some(pod)) = workload.pod_from_json(bytes) {
        for level in Level::ALL {
            let evaluation = evaluate(Policy::new(level, version), &pod);
            assert_eq!(evaluation.is_allowed(), evaluation.detail().is_empty());
        }
    }
}

/// What each check says of the pod, for the checks whose fields are of interest.
fn details(
    pod: &Value,
    version: Version,
    of_interest: impl Fn(&[&str]) -> bool,
) -> Vec<(&'static str, Option<String>)> {
    let json = pod.to_string();
    let pod = Pod::from_json(json.as_bytes()).unwrap();
    CHECKS
        .iter()
        .filter(|check| of_interest(check.fields))
        .map(|check| (check.id, check.judge(version, &pod).map(|violation| violation.detail())))
        .collect()
}

/// Leaves fields out that are null. An annotation is an entry of a map and no field: Go reads a null there as an empty text.
fn strip_nulls(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, member| !member.is_null());
            for (name, member) in members {
                match member {
                    Value::Object(annotations) if name == "annotations" => {
                        for text in annotations.values_mut().filter(|text| text.is_null()) {
                            *text = "".into();
                        }
                    }
                    _ => strip_nulls(member),
                }
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(strip_nulls),
        _ => {}
    }
}

fn version() -> impl Strategy<Value = Version> {
    prop_oneof![(0_u64..=40).prop_map(Version::V1), Just(Version::Latest)]
}

/// A pod, and in it up to six of the fields that the checks say they read.
fn pod() -> impl Strategy<Value = Value> {
    static SETTINGS: LazyLock<Vec<Setting>> = LazyLock::new(fields::settings);

    let list = select(vec!["initContainers", "containers", "ephemeralContainers"]);
    let settings = vec((any::<prop::sample::Index>(), list), 0..6);
    (pod_of_known_fields(), settings).prop_map(|(mut pod, settings)| {
        for (setting, list) in settings {
            fields::set(&mut pod, list, setting.get(&SETTINGS));
        }
        pod
    })
}

fn pod_of_known_fields() -> impl Strategy<Value = Value> {
    let containers = || vec(container(), 0..3);
    (
        (containers(), containers(), containers()),
        nullable(pod_security_context()),
        vec(volume(), 0..3),
        (boolean(), boolean(), boolean(), boolean()),
        nullable(select(vec!["windows", "linux", ""]).prop_map(|name| json!({"name": name}))),
        annotations(),
    )
        .prop_map(
            |((init, regular, ephemeral), context, volumes, (network, pid, ipc, users), os, annotations)| {
                json!({
                    "metadata": {"name": "p", "annotations": annotations},
                    "spec": {
                        "initContainers": init, "containers": regular, "ephemeralContainers": ephemeral,
                        "securityContext": context, "volumes": volumes, "os": os,
                        "hostNetwork": network, "hostPID": pid, "hostIPC": ipc, "hostUsers": users,
                    }
                })
            },
        )
}

fn container() -> impl Strategy<Value = Value> {
    let member = prop_oneof![
        8 => security_context_member(),
        1 => Just(("readOnlyRootFilesystem", json!(true))),
    ];
    let context = btree_map("[a-d]", member, 0..4).prop_map(|members| {
        members.into_values().map(|(name, value)| (name.to_owned(), value)).collect::<Value>()
    });
    (name(), nullable(context), vec(port(), 0..3), nullable(probe()), nullable(probe())).prop_map(
        |(name, context, ports, probe, hook)| {
            json!({
                "name": name, "image": "i", "securityContext": context, "ports": ports,
                "livenessProbe": probe, "lifecycle": {"preStop": hook},
            })
        },
    )
}

fn security_context_member() -> impl Strategy<Value = (&'static str, Value)> {
    let capabilities = (vec(capability(), 0..3), vec(capability(), 0..3))
        .prop_map(|(add, drop)| json!({"add": add, "drop": drop}));
    prop_oneof![
        boolean().prop_map(|value| ("privileged", value)),
        boolean().prop_map(|value| ("allowPrivilegeEscalation", value)),
        boolean().prop_map(|value| ("runAsNonRoot", value)),
        nullable((0..3).prop_map(Value::from)).prop_map(|value| ("runAsUser", value)),
        nullable(select(vec!["Default", "Unmasked", ""]).prop_map(Value::from))
            .prop_map(|value| ("procMount", value)),
        nullable(capabilities).prop_map(|value| ("capabilities", value)),
        nullable(profile()).prop_map(|value| ("seccompProfile", value)),
        nullable(profile()).prop_map(|value| ("appArmorProfile", value)),
        nullable(se_linux()).prop_map(|value| ("seLinuxOptions", value)),
        nullable(boolean().prop_map(|value| json!({"hostProcess": value})))
            .prop_map(|value| ("windowsOptions", value)),
    ]
}

fn pod_security_context() -> impl Strategy<Value = Value> {
    let sysctl = select(vec!["kernel.shm_rmid_forced", "net.ipv4.tcp_rmem", "kernel.msgmax"]);
    (
        boolean(),
        nullable((0..3).prop_map(Value::from)),
        nullable(profile()),
        nullable(profile()),
        nullable(se_linux()),
        vec(sysctl, 0..3),
    )
        .prop_map(|(non_root, user, seccomp, app_armor, se_linux, sysctls)| {
            json!({
                "runAsNonRoot": non_root, "runAsUser": user, "seccompProfile": seccomp,
                "appArmorProfile": app_armor, "seLinuxOptions": se_linux,
                "sysctls": sysctls.into_iter().map(|name| json!({"name": name})).collect::<Value>(),
            })
        })
}

fn volume() -> impl Strategy<Value = Value> {
    let source = select(vec!["hostPath", "emptyDir", "nfs", "secret", "tape"]);
    (name(), source, nullable(Just(json!({}))))
        .prop_map(|(name, source, value)| json!({"name": name, source: value}))
}

fn annotations() -> impl Strategy<Value = Value> {
    let key = (
        select(vec![
            "container.apparmor.security.beta.kubernetes.io/",
            "container.seccomp.security.alpha.kubernetes.io/",
            "seccomp.security.alpha.kubernetes.io/pod",
            "note",
        ]),
        name(),
    );
    let value = select(vec!["", "unconfined", "runtime/default", "localhost/p", "\u{7f}\"\\é"]);
    btree_map(key.prop_map(|(prefix, name)| prefix.to_owned() + &name), value, 0..3)
        .prop_map(|annotations| annotations.into_iter().map(|(key, value)| (key, json!(value))).collect())
}

fn name() -> impl Strategy<Value = String> {
    select(vec!["a", "b", "", "q\"uote"]).prop_map(str::to_owned)
}

fn boolean() -> impl Strategy<Value = Value> {
    select(vec![json!(true), json!(false), Value::Null])
}

fn capability() -> impl Strategy<Value = &'static str> {
    select(vec!["ALL", "CHOWN", "NET_BIND_SERVICE", "NET_RAW", "all"])
}

fn profile() -> impl Strategy<Value = Value> {
    select(vec![
        json!({}),
        json!({"type": "RuntimeDefault"}),
        json!({"type": "Localhost"}),
        json!({"type": "Unconfined"}),
    ])
}

fn se_linux() -> impl Strategy<Value = Value> {
    select(vec![
        json!({}),
        json!({"type": "container_t", "level": "s0"}),
        json!({"type": "spc_t"}),
        json!({"user": "u"}),
        json!({"role": "r", "type": "container_engine_t"}),
    ])
}

fn port() -> impl Strategy<Value = Value> {
    select(vec![
        json!({"containerPort": 1}),
        json!({"hostPort": 0}),
        json!({"hostPort": 80}),
        json!({"hostPort": 9}),
    ])
}

fn probe() -> impl Strategy<Value = Value> {
    select(vec![
        json!({"exec": {}}),
        json!({"httpGet": {"port": "http"}}),
        json!({"httpGet": {"host": "h"}, "tcpSocket": null}),
        json!({"tcpSocket": {"host": "g", "port": 1}}),
    ])
}

fn nullable(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    prop_oneof![4 => value, 1 => Just(Value::Null)]
}

/// JSON that often has the names of a pod's fields and seldom the types.
fn any_json() -> impl Strategy<Value = Value> {
    let name = select(vec![
        "metadata",
        "annotations",
        "spec",
        "template",
        "jobTemplate",
        "containers",
        "initContainers",
        "securityContext",
        "capabilities",
        "add",
        "drop",
        "seccompProfile",
        "type",
        "volumes",
        "hostPath",
        "ports",
        "hostPort",
        "sysctls",
        "name",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(8, 64, 6, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map(name.clone().prop_map(str::to_owned), inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// A byte that means something in JSON, mostly.
fn json_byte() -> impl Strategy<Value = u8> {
    prop_oneof![4 => select(br#"{}[]:,"\\/ntfu0123456789.eE+- "#.to_vec()), 1 => any::<u8>()]
}
