//! What holds for any input, however odd.

mod scenario;

use podsec_admission::configuration::Configuration;
use podsec_admission::labels::PREFIX;
use podsec_admission::{NamespaceLabels, Policies, review};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::scenario::{Scenario, create};

proptest! {
    #[test]
    fn labels_always_yield_policies_and_an_error_for_each_wrong_one(labels in labels()) {
        let read: NamespaceLabels = labels.iter().map(|(key, value)| (format!("{PREFIX}{key}"), value)).collect();
        let policies = read.policies(&Policies::PRIVILEGED);
        let mut wrong = 0;
        for (key, value) in &labels {
            let right = if key.ends_with("-version") { is_version(value) } else { is_level(value) };
            wrong += usize::from(!right);
        }
        prop_assert_eq!(read.errors().len(), wrong);
        prop_assert_eq!(read.are_valid(), wrong == 0);

        // What is wrong restricts pods fully when it is to be enforced, and nobody else.
        let level = |key: &str| labels.get(key).is_some_and(|level| !is_level(level));
        prop_assert!(!level("enforce") || policies.enforce.level.as_str() == "restricted");
        prop_assert!(!level("audit") || policies.audit.level.as_str() == "privileged");
        prop_assert!(!level("warn") || policies.warn.level.as_str() == "privileged");
        // Whoever would be refused is warned, unless the label for warn says otherwise.
        if !labels.contains_key("warn") && !level("enforce") {
            prop_assert!(policies.warn.level >= policies.enforce.level);
        }
    }

    #[test]
    fn any_text_is_a_configuration_or_an_error_with_words(text in configuration()) {
        if let Err(error) = Configuration::from_yaml(&text) {
            prop_assert!(!error.to_string().is_empty());
        }
    }

    #[test]
    fn any_bytes_are_a_request_or_an_error(body in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(review::decode(&body).is_err());
    }

    #[test]
    fn any_request_gets_one_consistent_answer(request in request()) {
        let body = json!({"request": request}).to_string();
        if let Ok(request) = review::decode(body.as_bytes()) {
            let labels = [("enforce", "baseline"), ("warn", "restricted"), ("audit", "bogus")];
            let response = Scenario::with_labels(&labels).response(&request);
            let answer: Value = serde_json::from_slice(&review::encode(&request.uid, &response)).unwrap();
            let answer = &answer["response"];
            prop_assert_eq!(answer["uid"].as_str(), Some(request.uid.as_ref()));
            prop_assert_eq!(answer["allowed"].as_bool(), Some(response.status().is_none()));
            prop_assert_eq!(answer.get("status").is_some(), response.status().is_some());
            if let Some(status) = response.status() {
                prop_assert!((400..600).contains(&status.code), "{}", status.code);
                prop_assert!(response.warnings().is_empty());
            }
        }
    }
}

fn labels() -> impl Strategy<Value = std::collections::BTreeMap<String, String>> {
    let key = prop::sample::select(vec![
        "enforce",
        "enforce-version",
        "audit",
        "audit-version",
        "warn",
        "warn-version",
    ]);
    let value = prop_oneof![
        prop::sample::select(vec![
            "privileged",
            "baseline",
            "restricted",
            "latest",
            "v1.0",
            "v1.37",
            "v1.01",
            ""
        ])
        .prop_map(str::to_owned),
        "v1\\.[0-9]{1,25}",
        any::<String>(),
    ];
    prop::collection::btree_map(key.prop_map(str::to_owned), value, 0..=6)
}

fn is_level(text: &str) -> bool {
    ["privileged", "baseline", "restricted"].contains(&text)
}

fn is_version(text: &str) -> bool {
    let number = text.strip_prefix("v1.").unwrap_or_default();
    text == "latest" || number.parse::<i64>().is_ok_and(|parsed| parsed >= 0 && parsed.to_string() == number)
}

/// Documents near to a configuration, and any text at all.
fn configuration() -> impl Strategy<Value = String> {
    let field = prop::sample::select(vec!["defaults", "exemptions", "other", "kind"]);
    let value = prop::sample::select(vec![
        "{enforce: baseline}",
        "{enforce: x, audit-version: v1.x}",
        "{namespaces: [a, A, a]}",
        "{usernames: ['', 1]}",
        "{runtimeClasses: {}}",
        "[]",
        "null",
        "~",
        "1",
        "{enforce: baseline, enforce: baseline}",
        "*a",
        "!!binary x",
    ]);
    prop_oneof![
        prop::collection::vec((field, value), 0..4).prop_map(|fields| {
            let head =
                "apiVersion: pod-security.admission.config.k8s.io/v1\nkind: PodSecurityConfiguration\n";
            fields.iter().fold(head.to_owned(), |text, (field, value)| format!("{text}{field}: {value}\n"))
        }),
        any::<String>(),
    ]
}

/// A request in which anything may be missing, of the wrong type, or odd.
fn request() -> impl Strategy<Value = Value> {
    let resource =
        prop::sample::select(vec!["pods", "namespaces", "deployments", "replicationcontrollers", ""]);
    let field = prop::sample::select(vec![
        "/kind",
        "/kind/kind",
        "/resource/group",
        "/name",
        "/namespace",
        "/operation",
        "/userInfo",
        "/object",
        "/oldObject",
        "/requestSubResource",
        "/object/kind",
        "/object/apiVersion",
        "/object/metadata",
        "/object/spec",
        "/object/metadata/labels",
        "/object/spec/containers",
        "/object/spec/hostNetwork",
        "/object/spec/template",
    ]);
    let value = prop_oneof![
        Just(Value::Null),
        Just(json!(true)),
        Just(json!({})),
        Just(json!([])),
        Just(json!([null])),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        prop::sample::select(vec![
            "here",
            "down",
            "UPDATE",
            "DELETE",
            "Pod",
            "Namespace",
            "ReplicationController",
            "Service",
            "v1",
            "apps/v1",
            "a/b/c",
            "status",
        ])
        .prop_map(Value::from),
    ];
    (resource, prop::collection::vec((field, value), 0..5)).prop_map(|(resource, changes)| {
        let spec = json!({"containers": [{"name": "c"}], "hostNetwork": true, "template": {"spec": {}}});
        let labels = json!({"pod-security.kubernetes.io/enforce": "baseline"});
        let object = json!({"kind": null, "apiVersion": null, "metadata": {"labels": labels}, "spec": spec});
        let mut request = create(resource, &object);
        request["oldObject"] = object;
        request["requestSubResource"] = "".into();
        for (field, value) in changes {
            if let Some(place) = request.pointer_mut(field) {
                *place = value;
            }
        }
        request
    })
}
