//! What the audit log learns of requests on their way through the server.

mod cluster;

use std::sync::Arc;

use cluster::{Cluster, pod};
use podsec_audit::sink::Memory;
use podsec_audit::{Auditor, Event, Policy, Sink};
use serde_json::{Value, json};

struct Audited {
    cluster: Cluster,
    log: Memory,
}

impl Audited {
    async fn start(policy: &str) -> Self {
        let policy = format!("apiVersion: audit.k8s.io/v1\nkind: Policy\n{policy}");
        let policy = Policy::parse(policy.as_bytes(), "policy.yaml".as_ref()).expect("a policy").policy;
        let log = Memory::default();
        let auditor = Auditor::new(policy, log.clone());
        let cluster = Cluster::over(Arc::new(podsec_storage::Memory::default()), Some(auditor));
        for (name, labels) in [
            ("default", json!({})),
            ("prod", json!({"pod-security.kubernetes.io/enforce": "restricted"})),
            ("watched", json!({"pod-security.kubernetes.io/audit": "restricted"})),
        ] {
            cluster.namespace(name, labels).await;
        }
        Self { cluster, log }
    }

    /// The events about `url`.
    fn events(&self, url: &str) -> Vec<Event> {
        self.log.events().into_iter().filter(|event| event.request_uri == url).collect()
    }

    /// `stage code user` of each event about `url`.
    fn lines(&self, url: &str) -> Vec<String> {
        let line = |event: &Event| {
            let code = event.code().map_or_else(|| "-".to_owned(), |code| code.to_string());
            format!("{} {code} {}", event.stage.name(), event.user.username)
        };
        self.events(url).iter().map(line).collect()
    }
}

#[tokio::test]
async fn a_refused_pod_is_recorded_with_the_policy_that_refused_it() {
    let server = Audited::start("rules: [{level: Metadata}]").await;
    let url = "/api/v1/namespaces/prod/pods";
    assert_eq!(server.cluster.json(&format!("POST {url}"), &pod("a")).await.code, 403);
    assert_eq!(server.lines(url), ["RequestReceived - admin", "ResponseComplete 403 admin"]);
    let end = server.events(url).pop().expect("an end");
    assert_eq!(end.annotations["pod-security.kubernetes.io/enforce-policy"], "restricted:latest");
    assert_eq!(end.annotations["authorization.k8s.io/decision"], "allow");
    assert_eq!(end.object_ref.expect("an object").name, "a");
    assert!(end.response_status.expect("a status").message.starts_with("pods \"a\" is forbidden: violates"));
}

#[tokio::test]
async fn an_audited_violation_reaches_the_log_and_not_the_caller() {
    let server = Audited::start("rules: [{level: Metadata}]").await;
    let url = "/api/v1/namespaces/watched/pods";
    let answer = server.cluster.json(&format!("POST {url}"), &pod("a")).await;
    assert_eq!((answer.code, answer.warnings().len()), (201, 0));
    let end = server.events(url).pop().expect("an end");
    let violations = &end.annotations["pod-security.kubernetes.io/audit-violations"];
    assert!(violations.starts_with("would violate PodSecurity \"restricted:latest\": "), "{violations}");
}

#[tokio::test]
async fn what_carries_no_pod_is_none_of_pod_securitys_business() {
    let server = Audited::start("rules: [{level: Metadata}]").await;
    let url = "/api/v1/namespaces/watched/configmaps";
    server.cluster.create(url, json!({"metadata": {"name": "settings"}})).await;
    let end = server.events(url).pop().expect("an end");
    assert!(
        end.annotations.keys().all(|key| key.starts_with("authorization.k8s.io/")),
        "{:?}",
        end.annotations
    );
    let metrics = server.cluster.get("/metrics").await.text;
    assert!(!metrics.contains("pod_security_errors_total"), "{metrics}");
}

#[tokio::test]
async fn stages_are_those_of_kubernetes() {
    let server = Audited::start("rules: [{level: Metadata}]").await;
    let cluster = &server.cluster;
    let watch = "/api/v1/pods?watch=true&timeoutSeconds=1";
    cluster.get(watch).await;
    tokio::task::yield_now().await;
    assert_eq!(
        server.lines(watch),
        ["RequestReceived - admin", "ResponseStarted 200 admin", "ResponseComplete 200 admin"]
    );
    cluster.send("wrong", "GET /api/v1/secrets", &[], b"").await;
    assert_eq!(server.lines("/api/v1/secrets"), ["ResponseStarted 401 "]);
    let malformed = "/api/v1/secrets?timeout=zzz";
    assert_eq!(cluster.get(malformed).await.code, 400);
    assert_eq!(server.lines(malformed), ["ResponseStarted 400 "]);
    let log = "/api/v1/namespaces/default/pods/none/log";
    assert_eq!(cluster.get(log).await.code, 404);
    assert_eq!(
        server.lines(log),
        ["RequestReceived - admin", "ResponseStarted 404 admin", "ResponseComplete 404 admin"]
    );
}

#[tokio::test]
async fn a_request_keeps_its_user_when_it_runs_as_another() {
    let server = Audited::start("rules: [{level: Metadata, users: [admin]}]").await;
    let as_joe = [("impersonate-user", "joe")];
    server.cluster.send("admin", "GET /api/v1/secrets", &as_joe, b"").await;
    let end = server.events("/api/v1/secrets").pop().expect("an end");
    assert_eq!(end.user.username, "admin");
    assert_eq!(end.impersonated_user.expect("another").username, "joe");
    assert_eq!(end.annotations["authorization.k8s.io/decision"], "forbid");
}

#[tokio::test]
async fn bodies_are_recorded_as_they_are_decoded_and_answered() {
    let server = Audited::start("rules: [{level: RequestResponse}]").await;
    let url = "/api/v1/namespaces/default/pods";
    server.cluster.json(&format!("POST {url}"), &pod("a")).await;
    let end = serde_json::to_value(server.events(url).pop().expect("an end")).expect("JSON");
    let (request, response) = (&end["requestObject"], &end["responseObject"]);
    assert_eq!(request["spec"]["restartPolicy"], "Always");
    assert_eq!(request["metadata"].get("namespace"), None);
    assert_eq!(response["metadata"]["namespace"], "default");
    let patch = json!({"metadata": {"labels": {"x": "y"}}});
    server.cluster.json(&format!("PATCH {url}/a"), &patch).await;
    let end = server.events(&format!("{url}/a")).pop().expect("an end");
    let end: Value = serde_json::to_value(end).expect("JSON");
    assert_eq!(end["requestObject"], patch);
    let options = json!({"gracePeriodSeconds": 0});
    server.cluster.json(&format!("DELETE {url}/a"), &options).await;
    let end = server.events(&format!("{url}/a")).pop().expect("an end");
    let end: Value = serde_json::to_value(end).expect("JSON");
    assert_eq!(end["requestObject"]["apiVersion"], "meta.k8s.io/__internal");
}

#[tokio::test]
async fn every_answer_carries_the_audit_id() {
    let server = Audited::start("rules: [{level: None}]").await;
    let answer = server.cluster.send("", "GET /nowhere", &[("audit-id", "my own")], b"").await;
    assert_eq!(answer.headers["audit-id"], "my own");
    assert!(server.log.events().is_empty());
}

/// A log that takes no event until it is told to.
struct Stuck(std::sync::Mutex<std::sync::mpsc::Receiver<()>>);

impl Sink for Stuck {
    fn plugin(&self) -> &'static str {
        "log"
    }

    fn write(&self, _: &Event) -> Result<(), podsec_audit::sink::Error> {
        // An error is the end of the test.
        let _ = self.0.lock().expect("one thread").recv();
        Ok(())
    }
}

#[tokio::test]
async fn only_audited_requests_wait_for_a_log_that_takes_nothing() {
    let (take, taken) = std::sync::mpsc::channel();
    let policy = "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\n\
                  rules: [{level: Metadata, resources: [{group: '', resources: [secrets]}]}]";
    let policy = Policy::parse(policy.as_bytes(), "policy.yaml".as_ref()).expect("a policy").policy;
    let auditor = Auditor::beside(policy, Stuck(std::sync::Mutex::new(taken))).expect("a thread");
    let store = Arc::new(podsec_storage::Memory::default());
    let cluster = Arc::new(Cluster::over(store, Some(auditor)));
    let audited: Vec<_> = (0..200)
        .map(|_| {
            let cluster = Arc::clone(&cluster);
            tokio::spawn(async move { cluster.get("/api/v1/namespaces/default/secrets").await.code })
        })
        .collect();
    tokio::task::yield_now().await;
    // A log that is stuck holds up none of these.
    for url in ["/healthz", "/readyz", "/api/v1/namespaces/default/pods"] {
        assert_eq!(cluster.get(url).await.code, 200, "{url}");
    }
    assert!(audited.iter().all(|request| !request.is_finished()));
    let late = cluster.get("/api/v1/namespaces/default/secrets?timeout=20ms").await;
    assert_eq!(late.code, 504, "{}", late.text);
    for _ in 0..2 {
        // One may be that of the late request.
        take.send(()).expect("the thread");
    }
    while !audited.iter().any(tokio::task::JoinHandle::is_finished) {
        tokio::task::yield_now().await;
    }
    // A server that stops waits for nobody.
    cluster.api.stop();
    for request in audited {
        assert_eq!(request.await.expect("an answer"), 200);
    }
}
