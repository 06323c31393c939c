//! The admission webhooks of a cluster: who is asked what, and what becomes of the answers.

mod calls;
#[path = "../cluster/mod.rs"]
mod cluster;
mod conversions;
mod hook;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cluster::{Answer, Cluster, pod};
use hook::{Hook, Reply, webhook};
use podsec_audit::sink::Memory;
use podsec_audit::{Auditor, Event, Policy};
use serde_json::{Value, json};

const MUTATING: &str = "mutatingwebhookconfigurations";
const VALIDATING: &str = "validatingwebhookconfigurations";
const PODS: &str = "/api/v1/namespaces/default/pods";

/// A cluster with the namespace `default`, whose requests are recorded at every level.
struct Asking {
    cluster: Cluster,
    log: Memory,
}

impl Asking {
    async fn start() -> Self {
        let policy = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Request}]";
        let policy = Policy::parse(policy.as_bytes(), "policy.yaml".as_ref()).expect("a policy").policy;
        let log = Memory::default();
        let auditor = Auditor::new(policy, log.clone());
        let store = Arc::new(podsec_storage::Memory::default());
        let cluster = Cluster::over(store, Some(auditor));
        cluster.namespace("default", json!({})).await;
        Self { cluster, log }
    }

    /// Names webhooks in a configuration.
    async fn configure(&self, resource: &str, name: &str, webhooks: &[Value]) {
        let configuration = json!({"metadata": {"name": name}, "webhooks": webhooks});
        self.cluster
            .create(&format!("/apis/admissionregistration.k8s.io/v1/{resource}"), configuration)
            .await;
    }

    async fn create_pod(&self) -> Answer {
        self.cluster.json(&format!("POST {PODS}"), &pod("a")).await
    }

    /// The annotations of the last request about pods, those of authorization and Pod Security left out.
    fn annotations(&self) -> Vec<(String, String)> {
        let events = self.log.events();
        let last: &Event =
            events.iter().rfind(|event| event.request_uri.starts_with(PODS)).expect("an event");
        let own = |key: &str| !key.starts_with("authorization.") && !key.starts_with("pod-security.");
        let annotations = last.annotations.iter().filter(|(key, _)| own(key));
        annotations.map(|(key, value)| (key.clone(), value.clone())).collect()
    }
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn message(answer: &Answer) -> String {
    answer.object()["message"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_denial_reaches_the_client_with_the_webhooks_code_words_and_warnings() {
    let server = Asking::start().await;
    let hook = Hook::start(|_| {
        Reply::Review(json!({
            "allowed": false, "status": {"code": 403, "message": "no way"},
            "warnings": ["look \"here\"", "", "look \"here\""],
            "auditAnnotations": {"key": "value", "bad key!": "x", "a/b": "x"},
        }))
    })
    .await;
    server.configure(VALIDATING, "c", &[webhook("val.example.com", &hook.client_config(), json!({}))]).await;
    let answer = server.create_pod().await;
    assert_eq!(
        answer.object(),
        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": 403,
            "message": "admission webhook \"val.example.com\" denied the request: no way"})
    );
    assert_eq!(answer.warnings(), [r#"299 - "look \"here\"""#]);
    assert_eq!(server.annotations(), pairs(&[("val.example.com/key", "value")]));
    assert_eq!(server.cluster.get(&format!("{PODS}/a")).await.code, 404);
}

#[tokio::test]
async fn a_review_tells_all_that_kubernetes_tells() {
    let server = Asking::start().await;
    let hook = Hook::allowing().await;
    server.configure(VALIDATING, "c", &[webhook("val.example.com", &hook.client_config(), json!({}))]).await;
    let url = format!("POST {PODS}?fieldManager=test&dryRun=All");
    let answer = server.cluster.json(&url, &pod("a")).await;
    assert_eq!(answer.code, 201, "{}", answer.text);
    let [seen] = hook.take().try_into().expect("one review");
    assert_eq!(seen.path, "/?timeout=10s");
    assert_eq!(seen.headers["content-type"], "application/json");
    assert_eq!(seen.headers["accept"], "application/json, */*");
    let mut review = seen.review;
    let request = &mut review["request"];
    assert_eq!(request["uid"].as_str().map(str::len), Some(36));
    request["uid"] = "uid".into();
    let mut expected = answer.object();
    expected["apiVersion"] = "v1".into();
    expected["kind"] = "Pod".into();
    assert_eq!(request["object"]["metadata"]["uid"], expected["metadata"]["uid"]);
    assert_eq!(request["object"], expected);
    request["object"] = Value::Null;
    let kind = json!({"group": "", "version": "v1", "kind": "Pod"});
    let resource = json!({"group": "", "version": "v1", "resource": "pods"});
    assert_eq!(
        review,
        json!({"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": {
            "uid": "uid", "kind": kind, "resource": resource, "requestKind": kind, "requestResource": resource,
            "name": "a", "namespace": "default", "operation": "CREATE",
            "userInfo": {"username": "admin", "groups": ["system:masters", "system:authenticated"]},
            "object": null, "oldObject": null, "dryRun": true,
            "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1", "dryRun": ["All"],
                "fieldManager": "test"},
        }})
    );
}

#[tokio::test]
async fn a_patch_changes_what_is_stored_and_is_defaulted_and_recorded() {
    let server = Asking::start().await;
    let hook = Hook::start(|_| {
        let patch = json!([
            {"op": "add", "path": "/spec/containers/-", "value": {"name": "sidecar", "image": "proxy:1"}},
            {"op": "add", "path": "/metadata/labels", "value": {"by": "hook"}},
            {"op": "add", "path": "/unknown", "value": "<dropped>"},
        ]);
        let patch = STANDARD.encode(patch.to_string());
        Reply::Review(json!({"allowed": true, "patch": patch, "patchType": "JSONPatch"}))
    })
    .await;
    let same = Hook::start(|_| {
        let patch = STANDARD.encode(r#" [ {"path": "/kind", "value": "Pod", "op": "test"} ]"#);
        Reply::Review(json!({"allowed": true, "patch": patch, "patchType": "JSONPatch"}))
    })
    .await;
    let webhooks = [
        webhook("mut.example.com", &hook.client_config(), json!({})),
        webhook("same.example.com", &same.client_config(), json!({})),
    ];
    server.configure(MUTATING, "c", &webhooks).await;
    let answer = server.create_pod().await;
    assert_eq!(answer.code, 201, "{}", answer.text);
    let stored = answer.object();
    assert_eq!(stored["metadata"]["labels"], json!({"by": "hook"}));
    let sidecar = &stored["spec"]["containers"][1];
    assert_eq!(sidecar["terminationMessagePath"], "/dev/termination-log");
    assert_eq!(sidecar["imagePullPolicy"], "IfNotPresent");
    assert_eq!(stored.get("unknown"), None);
    let patch = r#"[{"op":"add","path":"/spec/containers/-","value":{"image":"proxy:1","name":"sidecar"}},{"op":"add","path":"/metadata/labels","value":{"by":"hook"}},{"op":"add","path":"/unknown","value":"\u003cdropped\u003e"}]"#;
    assert_eq!(
        server.annotations(),
        pairs(&[
            (
                "mutation.webhook.admission.k8s.io/round_0_index_0",
                r#"{"configuration":"c","webhook":"mut.example.com","mutated":true}"#
            ),
            (
                "mutation.webhook.admission.k8s.io/round_0_index_1",
                r#"{"configuration":"c","webhook":"same.example.com","mutated":false}"#
            ),
            (
                "patch.webhook.admission.k8s.io/round_0_index_0",
                &format!(
                    r#"{{"configuration":"c","webhook":"mut.example.com","patch":{patch},"patchType":"JSONPatch"}}"#
                )
            ),
            (
                "patch.webhook.admission.k8s.io/round_0_index_1",
                r#"{"configuration":"c","webhook":"same.example.com","patch":[{"op":"test","path":"/kind","value":"Pod"}],"patchType":"JSONPatch"}"#
            ),
        ])
    );
}

#[tokio::test]
async fn who_wishes_it_is_asked_again_after_a_change() {
    let server = Asking::start().await;
    let labels = |count: Arc<AtomicUsize>| {
        move |_: &Value| {
            let count = count.fetch_add(1, Ordering::SeqCst);
            let patch =
                json!([{"op": "add", "path": "/metadata/labels", "value": {"asked": count.to_string()}}]);
            let patch = STANDARD.encode(patch.to_string());
            Reply::Review(json!({"allowed": true, "patch": patch, "patchType": "JSONPatch"}))
        }
    };
    let first = Hook::start(labels(Arc::default())).await;
    let second = Hook::start(|_| {
        let patch =
            STANDARD.encode(r#"[{"op": "add", "path": "/metadata/annotations", "value": {"a": "b"}}]"#);
        Reply::Review(json!({"allowed": true, "patch": patch, "patchType": "JSONPatch"}))
    })
    .await;
    let again = json!({"reinvocationPolicy": "IfNeeded"});
    // By the name of the configuration and not by the time it was made.
    server.configure(MUTATING, "b", &[webhook("b.example.com", &second.client_config(), json!({}))]).await;
    server.configure(MUTATING, "a", &[webhook("a.example.com", &first.client_config(), again)]).await;
    let pod = server.create_pod().await.object();
    assert_eq!(pod["metadata"]["labels"], json!({"asked": "1"}));
    assert_eq!((first.take().len(), second.take().len()), (2, 1));
    let rounds: Vec<String> = server.annotations().into_iter().map(|(key, _)| key).collect();
    assert_eq!(
        rounds,
        [
            "mutation.webhook.admission.k8s.io/round_0_index_0",
            "mutation.webhook.admission.k8s.io/round_0_index_1",
            "mutation.webhook.admission.k8s.io/round_1_index_0",
            "patch.webhook.admission.k8s.io/round_0_index_0",
            "patch.webhook.admission.k8s.io/round_0_index_1",
            "patch.webhook.admission.k8s.io/round_1_index_0",
        ]
    );
}

#[tokio::test]
async fn every_kind_of_write_is_asked_about_once() {
    let server = Asking::start().await;
    let hook = Hook::allowing().await;
    server.configure(VALIDATING, "c", &[webhook("w.example.com", &hook.client_config(), json!({}))]).await;
    let cluster = &server.cluster;
    let deployments = "/apis/apps/v1/namespaces/default/deployments";
    cluster.namespace("other", json!({})).await;
    for name in ["a", "b"] {
        cluster.create(PODS, pod(name)).await;
    }
    let generated = json!({"metadata": {"generateName": "g-"}, "spec": pod("g")["spec"]});
    cluster.create(PODS, generated).await;
    cluster.json(&format!("PATCH {PODS}/a"), &json!({"metadata": {"labels": {"x": "y"}}})).await;
    cluster.json(&format!("PATCH {PODS}/a/status"), &json!({"status": {"phase": "Running"}})).await;
    cluster.json(&format!("POST {PODS}/a/exec?command=ls&command=-l&stdin=true"), &Value::Null).await;
    cluster.json(&format!("DELETE {PODS}/a"), &json!({"gracePeriodSeconds": 0})).await;
    cluster.json(&format!("DELETE {PODS}"), &json!({"gracePeriodSeconds": 0})).await;
    let eviction = json!({"metadata": {"name": "none"}});
    cluster.json(&format!("POST {PODS}/none/eviction"), &eviction).await;
    let template = json!({"metadata": {"labels": {"a": "b"}}, "spec": pod("p")["spec"]});
    let deployment = json!({"metadata": {"name": "web"},
        "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": template}});
    cluster.create(deployments, deployment).await;
    cluster.json(&format!("PATCH {deployments}/web/scale"), &json!({"spec": {"replicas": 3}})).await;
    cluster.json("DELETE /api/v1/namespaces/other", &Value::Null).await;
    cluster.get(PODS).await;
    let review = json!({"spec": {"nonResourceAttributes": {"path": "/", "verb": "get"}}});
    cluster.json("POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews", &review).await;
    let reviews = hook.take();
    let scale =
        reviews.iter().find(|seen| seen.review["request"]["subResource"] == "scale").expect("a Scale");
    assert_eq!(scale.review["request"]["object"]["spec"], json!({"replicas": 3}));
    assert_eq!(scale.review["request"]["oldObject"]["kind"], "Scale");
    assert_eq!(scale.review["request"]["kind"]["kind"], "Scale");
    let exec = reviews.iter().find(|seen| seen.review["request"]["operation"] == "CONNECT").expect("an exec");
    assert_eq!(
        exec.review["request"]["object"],
        json!({"kind": "PodExecOptions", "apiVersion": "v1", "stdin": true, "command": ["ls", "-l"]})
    );
    let removed =
        reviews.iter().find(|seen| seen.review["request"]["operation"] == "DELETE").expect("a deletion");
    assert_eq!(removed.review["request"]["object"], Value::Null);
    assert_eq!(removed.review["request"]["oldObject"]["metadata"]["name"], "a");
    assert_eq!(removed.review["request"]["options"]["gracePeriodSeconds"], 0);
    let lines: Vec<String> = reviews.iter().map(hook::Seen::line).collect();
    assert_eq!(
        lines,
        [
            "CREATE /namespaces/ other/other",
            "CREATE /pods/ default/a",
            "CREATE /pods/ default/b",
            "CREATE /pods/ default/",
            "UPDATE /pods/ default/a",
            "UPDATE /pods/status default/a",
            "CONNECT /pods/exec default/a",
            "DELETE /pods/ default/a",
            "DELETE /pods/ default/",
            "DELETE /pods/ default/",
            "CREATE /pods/eviction default/none",
            "CREATE apps/deployments/ default/web",
            "UPDATE apps/deployments/scale default/web",
            "DELETE /namespaces/ other/other",
            "CREATE authorization.k8s.io/selfsubjectaccessreviews/ /",
        ]
    );
}

#[tokio::test]
async fn a_namespace_is_selected_by_its_own_new_labels() {
    let server = Asking::start().await;
    let hook = Hook::start(|_| Reply::Review(json!({"allowed": false}))).await;
    let own = json!({"namespaceSelector": {"matchLabels": {"strict": "yes"}}});
    server.configure(VALIDATING, "c", &[webhook("w.example.com", &hook.client_config(), own)]).await;
    let strict = json!({"metadata": {"name": "strict", "labels": {"strict": "yes"}}});
    let answer = server.cluster.json("POST /api/v1/namespaces", &strict).await;
    assert_eq!(
        (answer.code, message(&answer).as_str()),
        (400, "admission webhook \"w.example.com\" denied the request without explanation")
    );
    assert_eq!(server.create_pod().await.code, 201);
    let label = json!({"metadata": {"labels": {"strict": "yes"}}});
    assert_eq!(server.cluster.json("PATCH /api/v1/namespaces/default", &label).await.code, 400);
    assert_eq!(hook.take().len(), 2);
}

#[tokio::test]
async fn a_webhook_cannot_keep_its_configuration_from_being_repaired() {
    let server = Asking::start().await;
    let hook = Hook::start(|_| Reply::Review(json!({"allowed": false}))).await;
    for resource in [MUTATING, VALIDATING] {
        server.configure(resource, "c", &[webhook("w.example.com", &hook.client_config(), json!({}))]).await;
    }
    assert_eq!(server.create_pod().await.code, 400);
    for resource in [MUTATING, VALIDATING] {
        let url = format!("DELETE /apis/admissionregistration.k8s.io/v1/{resource}/c");
        assert_eq!(server.cluster.json(&url, &Value::Null).await.code, 200);
    }
    assert_eq!(server.create_pod().await.code, 201);
}

#[tokio::test]
async fn a_removal_cannot_be_patched() {
    let server = Asking::start().await;
    server.cluster.create(PODS, pod("a")).await;
    let hook = Hook::start(|_| {
        let patch = STANDARD.encode(r#"[{"op": "remove", "path": "/spec"}]"#);
        Reply::Review(json!({"allowed": true, "patch": patch, "patchType": "JSONPatch"}))
    })
    .await;
    server.configure(MUTATING, "c", &[webhook("w.example.com", &hook.client_config(), json!({}))]).await;
    let answer = server.cluster.json(&format!("DELETE {PODS}/a"), &Value::Null).await;
    assert_eq!(
        message(&answer),
        "Internal error occurred: admission webhook \"w.example.com\" attempted to modify the object, which is not supported for this operation"
    );
}

#[tokio::test]
async fn a_dry_run_is_refused_for_a_webhook_that_does_more_than_answer() {
    let store: Arc<dyn podsec_storage::Store> = Arc::new(podsec_storage::Memory::default());
    let hook = Hook::allowing().await;
    let own = json!({"sideEffects": "Some", "namespaceSelector": {}, "objectSelector": {}});
    let configuration = json!({
        "kind": "ValidatingWebhookConfiguration", "apiVersion": "admissionregistration.k8s.io/v1",
        "metadata": {"name": "old"}, "webhooks": [webhook("w.example.com", &hook.client_config(), own)],
    });
    // As a server may have stored it before the rule was made.
    let change = podsec_storage::Change::Put(configuration.to_string().into_bytes().into());
    let key = "/registry/validatingwebhookconfigurations/old";
    store.commit(key, podsec_storage::Precondition::Absent, change).await.expect("a commit");
    let cluster = Cluster::over(store, None);
    cluster.namespace("default", json!({})).await;
    let answer = cluster.json(&format!("POST {PODS}?dryRun=All"), &pod("a")).await;
    assert_eq!(
        (answer.code, message(&answer).as_str()),
        (400, "admission webhook \"w.example.com\" does not support dry run")
    );
    assert_eq!(cluster.json(&format!("POST {PODS}"), &pod("a")).await.code, 201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn validating_webhooks_are_asked_at_the_same_time() {
    let server = Asking::start().await;
    let both = Arc::new(Barrier::new(2));
    let mut webhooks = Vec::new();
    let mut hooks = Vec::new();
    for name in ["a.example.com", "b.example.com"] {
        let both = Arc::clone(&both);
        let hook = Hook::start(move |_| {
            tokio::task::block_in_place(|| both.wait());
            Reply::Review(json!({"allowed": false, "auditAnnotations": {"asked": "yes"}}))
        })
        .await;
        webhooks.push(webhook(name, &hook.client_config(), json!({})));
        hooks.push(hook);
    }
    server.configure(VALIDATING, "c", &webhooks).await;
    let answer = tokio::time::timeout(Duration::from_secs(20), server.create_pod()).await.expect("an answer");
    assert_eq!(
        message(&answer),
        "admission webhook \"a.example.com\" denied the request without explanation"
    );
    assert_eq!(
        server.annotations(),
        pairs(&[("a.example.com/asked", "yes"), ("b.example.com/asked", "yes")])
    );
}

#[tokio::test]
async fn the_metrics_tell_who_refused_and_who_was_done_without() {
    let server = Asking::start().await;
    let hook = Hook::start(|_| Reply::Review(json!({"allowed": false, "status": {"code": 700}}))).await;
    let lost = json!({"url": "https://localhost:1/", "caBundle": hook.ca_bundle});
    let webhooks = [
        webhook("deny.example.com", &hook.client_config(), json!({})),
        webhook("lost.example.com", &lost, json!({"failurePolicy": "Ignore"})),
    ];
    server.configure(VALIDATING, "c", &webhooks).await;
    server.create_pod().await;
    let metrics = server.cluster.get("/metrics").await.text;
    for line in [
        r#"apiserver_admission_webhook_rejection_count{error_type="no_error",name="deny.example.com",operation="CREATE",rejection_code="600",type="validating"} 1"#,
        r#"apiserver_admission_webhook_fail_open_count{name="lost.example.com",type="validating"} 1"#,
        r#"apiserver_admission_webhook_request_total{code="503",name="lost.example.com",operation="CREATE",rejected="false",type="validating"} 1"#,
        r#"apiserver_admission_webhook_admission_duration_seconds_count{name="deny.example.com",operation="CREATE",rejected="true",type="validating"} 1"#,
    ] {
        assert!(metrics.lines().any(|actual| actual == line), "{line} is not in\n{metrics}");
    }
}

#[tokio::test]
async fn a_plugin_that_is_off_asks_nobody_and_refuses_nothing() {
    let hook = Hook::start(|_| Reply::Review(json!({"allowed": false}))).await;
    let off = ["PodSecurity", "MutatingAdmissionWebhook", "ValidatingAdmissionWebhook", "NamespaceLifecycle"];
    let server = Cluster::without(&off);
    for resource in [MUTATING, VALIDATING] {
        let webhooks = [webhook("w.example.com", &hook.client_config(), json!({}))];
        let configuration = json!({"metadata": {"name": "c"}, "webhooks": webhooks});
        server.create(&format!("/apis/admissionregistration.k8s.io/v1/{resource}"), configuration).await;
    }
    server.namespace("prod", json!({"pod-security.kubernetes.io/enforce": "restricted"})).await;
    assert_eq!(server.json("POST /api/v1/namespaces/prod/pods", &pod("a")).await.code, 201);
    // Nobody looks whether the namespace is there.
    assert_eq!(server.json("POST /api/v1/namespaces/nowhere/pods", &pod("a")).await.code, 201);
    assert_eq!(hook.take().len(), 0);
}

#[tokio::test]
async fn an_event_is_shown_and_changed_in_the_version_that_the_rule_names() {
    let server = Asking::start().await;
    let hook = Hook::start(|_| {
        let patch = STANDARD.encode(r#"[{"op": "add", "path": "/note", "value": "changed"}]"#);
        Reply::Review(json!({"allowed": true, "patch": patch, "patchType": "JSONPatch"}))
    })
    .await;
    let own = json!({"rules": [{
        "apiGroups": ["events.k8s.io"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["events"]
    }]});
    server.configure(MUTATING, "c", &[webhook("w.example.com", &hook.client_config(), own)]).await;
    let event =
        json!({"metadata": {"name": "e"}, "message": "said", "involvedObject": {"namespace": "default"}});
    let stored = server.cluster.create("/api/v1/namespaces/default/events", event).await;
    assert_eq!((&stored["message"], &stored["apiVersion"]), (&json!("changed"), &json!("v1")));
    assert_eq!(stored.get("note"), None);
    let [seen] = hook.take().try_into().expect("one review");
    let request = &seen.review["request"];
    assert_eq!(request["object"]["note"], "said");
    assert_eq!(request["object"]["apiVersion"], "events.k8s.io/v1");
    assert_eq!(request["kind"]["group"], "events.k8s.io");
    assert_eq!(request["requestKind"]["group"], "");
}

#[tokio::test]
async fn a_webhook_is_asked_where_its_conditions_hold_and_one_that_fails_is_for_the_failure_policy() {
    let server = Asking::start().await;
    let hook = Hook::allowing().await;
    let with = |expression: &str, failure_policy: &str| {
        let conditions = json!([{"name": "c", "expression": expression}]);
        let own = json!({"matchConditions": conditions, "failurePolicy": failure_policy});
        webhook("val.example.com", &hook.client_config(), own)
    };
    let fails = "object.metadata.annotations.missing == 'x'";
    for (expression, failure_policy, code, calls) in [
        ("object.metadata.name == 'a' && request.userInfo.username == 'admin'", "Fail", 201, 1),
        ("object.metadata.name == 'b'", "Fail", 201, 0),
        (fails, "Ignore", 201, 0),
        (fails, "Fail", 403, 0),
    ] {
        server.configure(VALIDATING, "c", &[with(expression, failure_policy)]).await;
        let answer = server.create_pod().await;
        assert_eq!((answer.code, hook.take().len()), (code, calls), "{expression}: {}", answer.text);
        if code == 403 {
            let why = format!(
                "pods \"a\" is forbidden: expression '{fails}' resulted in error: no such key: annotations"
            );
            assert_eq!(message(&answer), why);
        }
        let url = format!("/apis/admissionregistration.k8s.io/v1/{VALIDATING}/c");
        server.cluster.json(&format!("DELETE {url}"), &Value::Null).await;
        server.cluster.json(&format!("DELETE {PODS}/a?gracePeriodSeconds=0"), &Value::Null).await;
    }
}
