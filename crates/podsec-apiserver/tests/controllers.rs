//! What the controllers and the node do again when a request of theirs fails, and what they do once.

mod cluster;

use std::sync::Arc;
use std::time::Duration;

use cluster::{Cluster, pod};
use podsec_audit::sink::Memory;
use podsec_audit::{Auditor, Policy};
use serde_json::{Value, json};
use tokio::time::sleep;

const WEBHOOKS: &str = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";
const CONFIG_MAPS: &str = "/api/v1/namespaces/default/configmaps";

/// Refuses every write of these resources: nobody answers at its address.
async fn break_writes(cluster: &Cluster, resources: &[&str], operations: &[&str]) {
    let webhook = json!({"metadata": {"name": "down"}, "webhooks": [{
        "name": "down.example.com", "failurePolicy": "Fail", "sideEffects": "None", "timeoutSeconds": 1,
        "admissionReviewVersions": ["v1"], "clientConfig": {"url": "https://127.0.0.1:9/"},
        "rules": [{
            "apiGroups": ["*"], "apiVersions": ["*"], "resources": resources, "operations": operations,
        }],
    }]});
    cluster.create(WEBHOOKS, webhook).await;
    // The webhooks are followed, not asked for with each request.
    sleep(Duration::from_millis(200)).await;
}

async fn mend_writes(cluster: &Cluster) {
    assert_eq!(cluster.json(&format!("DELETE {WEBHOOKS}/down"), &Value::Null).await.code, 200);
}

#[tokio::test]
async fn a_pod_runs_when_the_webhook_that_held_it_up_is_back() {
    let cluster = Cluster::start().await;
    cluster.api.start_node();
    cluster.eventually("/api/v1/nodes/podsec", 200).await;
    break_writes(&cluster, &["pods/binding", "pods/status"], &["*"]).await;
    cluster.create("/api/v1/namespaces/default/pods", pod("a")).await;
    sleep(Duration::from_millis(300)).await;
    let phase = || async {
        let pod = cluster.get("/api/v1/namespaces/default/pods/a").await.object();
        pod["status"]["phase"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(phase().await, "Pending");
    mend_writes(&cluster).await;
    while phase().await != "Running" {
        sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn dependents_go_when_the_webhook_that_held_them_is_back() {
    let cluster = Cluster::start().await;
    let owner = cluster.create(CONFIG_MAPS, json!({"metadata": {"name": "owner"}})).await;
    let reference = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"],
    });
    let secret = json!({"metadata": {"name": "owned", "ownerReferences": [reference]}});
    cluster.create("/api/v1/namespaces/default/secrets", secret).await;
    break_writes(&cluster, &["secrets"], &["DELETE"]).await;
    cluster.json(&format!("DELETE {CONFIG_MAPS}/owner"), &Value::Null).await;
    sleep(Duration::from_millis(300)).await;
    assert_eq!(cluster.get("/api/v1/namespaces/default/secrets/owned").await.code, 200);
    mend_writes(&cluster).await;
    cluster.eventually("/api/v1/namespaces/default/secrets/owned", 404).await;
}

#[tokio::test]
async fn a_finalizer_of_the_garbage_collector_goes_when_the_webhook_is_back() {
    let cluster = Cluster::start().await;
    cluster.create(CONFIG_MAPS, json!({"metadata": {"name": "owner"}})).await;
    break_writes(&cluster, &["configmaps"], &["UPDATE"]).await;
    let options = json!({"propagationPolicy": "Foreground"});
    cluster.json(&format!("DELETE {CONFIG_MAPS}/owner"), &options).await;
    sleep(Duration::from_millis(300)).await;
    assert_eq!(cluster.get(&format!("{CONFIG_MAPS}/owner")).await.code, 200);
    mend_writes(&cluster).await;
    cluster.eventually(&format!("{CONFIG_MAPS}/owner"), 404).await;
}

#[tokio::test]
async fn a_namespace_goes_when_the_webhook_that_held_it_is_back() {
    let cluster = Cluster::start().await;
    cluster.namespace("team", json!({})).await;
    cluster.create("/api/v1/namespaces/team/configmaps", json!({"metadata": {"name": "a"}})).await;
    break_writes(&cluster, &["configmaps", "namespaces/finalize"], &["*"]).await;
    cluster.json("DELETE /api/v1/namespaces/team", &Value::Null).await;
    sleep(Duration::from_millis(300)).await;
    assert_eq!(cluster.get("/api/v1/namespaces/team").await.code, 200);
    mend_writes(&cluster).await;
    cluster.eventually("/api/v1/namespaces/team", 404).await;
}

#[tokio::test]
async fn a_namespace_that_hangs_is_worked_on_once_however_often_it_changes() {
    let policy = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]";
    let policy = Policy::parse(policy.as_bytes(), "policy.yaml".as_ref()).unwrap().policy;
    let log = Memory::default();
    let auditor = Auditor::new(policy, log.clone());
    let cluster = Cluster::over(Arc::new(podsec_storage::Memory::default()), Some(auditor));
    cluster.api.bootstrap().await.unwrap();
    cluster.namespace("team", json!({})).await;
    let held = json!({"metadata": {"name": "a", "finalizers": ["example.com/never"]}});
    cluster.create("/api/v1/namespaces/team/configmaps", held).await;
    cluster.json("DELETE /api/v1/namespaces/team", &Value::Null).await;
    for round in 0..200 {
        let labels = json!({"metadata": {"labels": {"round": round.to_string()}}});
        let answer = cluster.json("PATCH /api/v1/namespaces/team", &labels).await;
        assert_eq!(answer.code, 200, "{}", answer.text);
    }
    sleep(Duration::from_secs(1)).await;
    let controller = "system:serviceaccount:kube-system:namespace-controller";
    let events = log.events();
    let requests = events.iter().filter(|event| event.user.username == controller).count();
    // Doubling delays from 50 ms on, each with one deletion of two events; the fifth comes after 750 ms and more.
    assert!((2..100).contains(&requests), "{requests}");
}

#[tokio::test]
async fn every_namespace_has_an_account_for_its_pods_and_gets_it_back() {
    let cluster = Cluster::start().await;
    cluster.namespace("n", Value::Null).await;
    for namespace in ["n", "default", "kube-system"] {
        cluster.eventually(&format!("/api/v1/namespaces/{namespace}/serviceaccounts/default"), 200).await;
    }
    let account = "/api/v1/namespaces/n/serviceaccounts/default";
    let first = cluster.get(account).await.object();
    assert_eq!(cluster.json(&format!("DELETE {account}"), &Value::Null).await.code, 200);
    let second = cluster.eventually(account, 200).await.object();
    assert_ne!(first["metadata"]["uid"], second["metadata"]["uid"]);
    // It does not keep a namespace from going.
    assert_eq!(cluster.json("DELETE /api/v1/namespaces/n", &Value::Null).await.code, 200);
    cluster.eventually("/api/v1/namespaces/n", 404).await;
}
