//! What the webhook answers while the API server behind it fails.

use std::time::{Duration, Instant};

use hyper::StatusCode;
use podsec_webhook::Options;
use serde_json::{Value, json};

use crate::api_server::{ApiServer, Gone, Manners};
use crate::client::post;
use crate::reviews::{allowed, baseline_pod, review_of};
use crate::running::Running;

const RESTRICTED: &[(&str, &str)] = &[("pod-security.kubernetes.io/enforce", "restricted")];
const BASELINE: &[(&str, &str)] = &[("pod-security.kubernetes.io/enforce", "baseline")];

async fn with_two_namespaces() -> ApiServer {
    let api_server = ApiServer::start().await;
    api_server.set_namespace("strict", RESTRICTED);
    api_server.set_namespace("loose", &[]);
    api_server
}

async fn is_allowed(running: &Running, namespace: &str) -> bool {
    let (status, answer) = running.client.review(review_of(namespace, &baseline_pod())).await;
    assert_eq!(status, StatusCode::OK);
    allowed(&answer)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_go_on_from_the_cache_while_the_api_server_is_gone() {
    let mut running = Running::start(with_two_namespaces().await, |_| {}).await;
    running.api_server.vanish().await;
    for _ in 0..20 {
        assert!(!is_allowed(&running, "strict").await);
        assert!(is_allowed(&running, "loose").await);
    }
    let (status, answer) = running.client.review(review_of("unknown", &baseline_pod())).await;
    assert_eq!(status, StatusCode::OK);
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!(answer["response"]["status"]["code"], 500);
    assert_eq!(running.client.get("/readyz").await.0, StatusCode::OK, "what is known is enough to go on");
    let name = "podsec_webhook_namespace_cache_age_seconds";
    running.eventually("blind", async || running.client.metric(name).await > 0.0).await;

    running.api_server.set_namespace("loose", RESTRICTED);
    running.api_server.come_back().await;
    running.eventually("up to date", async || !is_allowed(&running, "loose").await).await;
    assert!(running.client.metric(name).await.abs() < f64::EPSILON);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_is_ready_when_it_knows_the_namespaces_and_answers_before() {
    let api_server = with_two_namespaces().await;
    api_server.behave(Manners { delay: Duration::from_millis(500), ..Manners::default() });
    let running = Running::begin(api_server, |_| {}).await;
    for path in ["/readyz", "/readyz/informer-sync"] {
        assert_eq!(running.client.get(path).await.0, StatusCode::SERVICE_UNAVAILABLE, "{path}");
    }
    // Upstream's webhook answers under the names of the single checks, too.
    for path in ["/healthz", "/healthz/ping"] {
        assert_eq!(running.client.get(path).await.0, StatusCode::OK, "{path}");
    }
    assert!(!is_allowed(&running, "strict").await, "asked for, as it is not cached yet");
    running.eventually("ready", async || running.client.get("/readyz").await.0.is_success()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn namespaces_that_come_change_and_go_are_followed() {
    let running = Running::start(with_two_namespaces().await, |_| {}).await;
    let cached = async || running.client.metric("podsec_webhook_namespaces_cached").await;
    running.api_server.set_namespace("new", RESTRICTED);
    running.eventually("known", async || cached().await > 2.5).await;
    assert!(!is_allowed(&running, "new").await);
    running.api_server.set_namespace("new", BASELINE);
    running.eventually("changed", async || is_allowed(&running, "new").await).await;
    running.api_server.delete_namespace("new");
    running.eventually("forgotten", async || cached().await < 2.5).await;
    assert!(running.client.metric("podsec_webhook_namespace_lookups_total").await.abs() < 0.5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_watch_goes_on_where_it_was() {
    let running = Running::start(with_two_namespaces().await, |_| {}).await;
    for round in 0..3 {
        running.api_server.close_watches();
        running.api_server.set_namespace("loose", if round % 2 == 0 { RESTRICTED } else { BASELINE });
        let expected = round % 2 != 0;
        running.eventually("followed", async || is_allowed(&running, "loose").await == expected).await;
    }
    let lists = running.api_server.requests().iter().filter(|request| request.contains("limit=")).count();
    assert_eq!(lists, 1, "nothing was lost, so that nothing has to be listed again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forgotten_revision_makes_the_webhook_list_again() {
    for gone in [Gone::Event, Gone::Status] {
        let mut running = Running::start(with_two_namespaces().await, |_| {}).await;
        running.api_server.vanish().await;
        running.api_server.delete_namespace("strict");
        running.api_server.set_namespace("loose", RESTRICTED);
        running.api_server.behave(Manners { gone: Some(gone), ..Manners::default() });
        running.api_server.come_back().await;
        running.eventually("listed again", async || !is_allowed(&running, "loose").await).await;
        let cached = running.client.metric("podsec_webhook_namespaces_cached").await;
        assert!((cached - 1.0).abs() < 0.5, "{cached} namespaces");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_closes_every_watch_is_not_asked_without_pause() {
    let api_server = with_two_namespaces().await;
    api_server.behave(Manners { closes_watches: true, ..Manners::default() });
    let running = Running::start(api_server, |_| {}).await;
    running.api_server.requests();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let asked = running.api_server.requests().len();
    assert!(asked <= 4, "asked {asked} times in a second");
    assert!(is_allowed(&running, "loose").await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_api_server_delays_only_what_has_to_be_asked_of_it() {
    let running = Running::start(with_two_namespaces().await, |_| {}).await;
    running.api_server.behave(Manners { delay: Duration::from_mins(1), ..Manners::default() });
    let mut connection = running.client.http2().await.unwrap();
    let began = Instant::now();
    let unknown = {
        let mut connection = connection.clone();
        tokio::spawn(async move {
            let body = review_of("unknown", &baseline_pod()).into();
            connection.send(post("https://localhost/?timeout=3s", "application/json", body)).await.unwrap()
        })
    };
    for _ in 0..20 {
        let (_, answer) = connection.review(review_of("loose", &baseline_pod())).await.unwrap();
        assert!(allowed(&answer));
    }
    assert!(!unknown.is_finished(), "it waits as long as it may");
    let (_, answer) = unknown.await.unwrap();
    assert!(!allowed(&answer));
    assert!(began.elapsed() < Duration::from_secs(8), "the request said how long it waits");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn existing_pods_are_listed_in_pages_and_checked_as_far_as_configured() {
    for (limit, warned) in [(None, 700), (Some(600), 600)] {
        let api_server = with_two_namespaces().await;
        let pod = |index: usize| {
            let mut pod = baseline_pod();
            pod["metadata"]["name"] = format!("app-{index:04}").into();
            pod
        };
        api_server.set_pods("loose", (0..700).map(pod).collect());
        let running = Running::start(api_server, |options: &mut Options| {
            options.load.existing_pods_timeout = Duration::from_secs(10);
            options.load.existing_pods = limit.unwrap_or(options.load.existing_pods);
        })
        .await;
        running.api_server.requests();
        let (_, answer) = running.client.review(labelling("loose")).await;
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        let warnings = answer["response"]["warnings"].as_array().unwrap();
        let last = warnings.last().unwrap().as_str().unwrap();
        assert!(last.starts_with(&format!("app-0000 (and {} other pods): ", warned - 1)), "{last}");
        let partial = "new PodSecurity enforce level only checked against the first 600 of 700 existing pods";
        assert_eq!(warnings.iter().any(|warning| warning == partial), limit.is_some(), "{warnings:?}");
        let pages = [
            "/api/v1/namespaces/loose/pods?limit=500",
            "/api/v1/namespaces/loose/pods?limit=500&continue=500",
        ];
        assert_eq!(asked_beside_watching(&running), pages);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn existing_pods_are_those_of_the_namespace_that_is_labelled_and_of_nothing_else() {
    let running = Running::start(with_two_namespaces().await, |_| {}).await;
    running.api_server.requests();
    let labelled = |request: &str, object: &str| {
        let mut review: Value = serde_json::from_slice(&labelling("loose")).unwrap();
        review["request"]["namespace"] = request.into();
        review["request"]["object"]["metadata"]["name"] = object.into();
        review.to_string().into_bytes()
    };
    running.client.review(labelled("team", "loose")).await;
    assert_eq!(asked_beside_watching(&running), ["/api/v1/namespaces/loose/pods?limit=500"]);
    let (_, answer) = running.client.review(labelled("loose", "loose/secrets?")).await;
    assert_eq!(asked_beside_watching(&running), [""; 0]);
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    let failed = json!(["failed to list pods while checking new PodSecurity enforce level"]);
    assert_eq!(answer["response"]["warnings"], failed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_existing_pod_that_offends_is_named_to_whoever_is_in_the_pod() {
    let api_server = with_two_namespaces().await;
    let pod = |name: &str, change: fn(&mut Value)| {
        let mut pod = baseline_pod();
        pod["metadata"]["name"] = name.into();
        change(&mut pod);
        pod
    };
    let privileged = |pod: &mut Value| pod["spec"]["hostPID"] = true.into();
    let root = |pod: &mut Value| pod["spec"]["containers"][0]["name"] = "root".into();
    let pods = vec![pod("b", root), pod("a", root), pod("c", privileged), pod("d", |_| {})];
    api_server.set_pods("loose", pods);
    let running = Running::start(api_server, |_| {}).await;
    let existing = async || -> Value {
        let (status, body) = running.client.get("/existing-pods?namespace=loose").await;
        assert!(status.is_success());
        serde_json::from_slice(&body).unwrap()
    };
    assert_eq!(existing().await, json!({"checks": []}));
    let (_, answer) = running.client.review(labelling("loose")).await;
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    let mut found = existing().await;
    let check = &mut found["checks"][0];
    assert_eq!(check["warnings"], answer["response"]["warnings"]);
    assert_eq!(
        (&check["namespace"], &check["uid"], &check["omitted"]),
        (&json!("loose"), &json!("1"), &json!(0))
    );
    let violations: Vec<(bool, &Value)> = check["violations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| (group["detail"].as_str().unwrap().contains("(hostPID=true)"), &group["pods"]))
        .collect();
    assert_eq!(violations.len(), 3);
    for expected in [(true, json!(["c"])), (false, json!(["a", "b"])), (false, json!(["d"]))] {
        assert!(violations.contains(&(expected.0, &expected.1)), "{violations:?}");
    }
    // Whoever has mended all pods and tries again finds nothing any more.
    running.api_server.set_pods("loose", Vec::new());
    running.client.review(labelling("loose")).await;
    assert_eq!(existing().await, json!({"checks": []}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pod_whose_namespace_has_to_be_asked_for_is_no_check_of_existing_pods() {
    let api_server = ApiServer::start().await;
    api_server.set_namespace("warned", &[("pod-security.kubernetes.io/warn", "restricted")]);
    api_server.behave(Manners { delay: Duration::from_millis(500), ..Manners::default() });
    let running = Running::begin(api_server, |_| {}).await;
    let (_, answer) = running.client.review(review_of("warned", &baseline_pod())).await;
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!(answer["response"]["warnings"].as_array().map(Vec::len), Some(1));
    assert!(running.client.metric("podsec_webhook_namespace_lookups_total").await > 0.5);
    let (_, body) = running.client.get("/existing-pods").await;
    assert_eq!(serde_json::from_slice::<Value>(&body).unwrap(), json!({"checks": []}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pods_that_cannot_be_listed_in_time_are_warned_about() {
    let running = Running::start(with_two_namespaces().await, |_| {}).await;
    running.api_server.behave(Manners { delay: Duration::from_mins(1), ..Manners::default() });
    let began = Instant::now();
    let (_, answer) = running.client.review(labelling("loose")).await;
    assert!(began.elapsed() < Duration::from_secs(5));
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!(answer["response"]["allowed"], true);
    let warnings = json!(["failed to list pods while checking new PodSecurity enforce level"]);
    assert_eq!(answer["response"]["warnings"], warnings);
}

/// What the API server has been asked since the last time. A watch may begin anew at any time.
fn asked_beside_watching(running: &Running) -> Vec<String> {
    let mut asked = running.api_server.requests();
    asked.retain(|path| !path.starts_with("/api/v1/namespaces?"));
    asked
}

/// A review of a namespace that begins to enforce the restricted level.
pub(crate) fn labelling(name: &str) -> Vec<u8> {
    let namespace = |labels: Value| json!({"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": name, "labels": labels}});
    let review = json!({
        "kind": "AdmissionReview",
        "apiVersion": "admission.k8s.io/v1",
        "request": {
            "uid": "1",
            "kind": {"group": "", "version": "v1", "kind": "Namespace"},
            "resource": {"group": "", "version": "v1", "resource": "namespaces"},
            "name": name,
            "namespace": name,
            "operation": "UPDATE",
            "object": namespace(json!({"pod-security.kubernetes.io/enforce": "restricted"})),
            "oldObject": namespace(json!({})),
        },
    });
    review.to_string().into_bytes()
}
