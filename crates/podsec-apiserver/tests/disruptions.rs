//! What leaves, and what must wait: evictions under a budget, owners that go after their dependents.

mod cluster;

use cluster::{Cluster, pod};
use serde_json::{Value, json};

const EVICTION: &str = "POST /api/v1/namespaces/n/pods/p/eviction";
const BUDGET: &str = "/apis/policy/v1/namespaces/n/poddisruptionbudgets";

async fn guarded() -> Cluster {
    let cluster = Cluster::start().await;
    cluster.namespace("n", Value::Null).await;
    let mut guarded = pod("p");
    guarded["metadata"]["labels"] = json!({"app": "a"});
    guarded["spec"]["nodeName"] = "node".into();
    cluster.create("/api/v1/namespaces/n/pods", guarded).await;
    let ready = json!({"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}});
    assert_eq!(cluster.json("PATCH /api/v1/namespaces/n/pods/p/status", &ready).await.code, 200);
    let spec = json!({"minAvailable": 1, "selector": {"matchLabels": {"app": "a"}}});
    cluster.create(BUDGET, json!({"metadata": {"name": "b"}, "spec": spec})).await;
    cluster
}

async fn status(cluster: &Cluster, status: Value) {
    let answer = cluster.json(&format!("PATCH {BUDGET}/b/status"), &json!({"status": status})).await;
    assert_eq!(answer.code, 200, "{}", answer.text);
}

fn eviction() -> Value {
    json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "p"}})
}

#[tokio::test]
async fn a_pod_that_its_budget_needs_is_not_evicted() {
    let cluster = guarded().await;
    let unsettled = cluster.json(EVICTION, &eviction()).await;
    assert_eq!(unsettled.code, 429);
    assert_eq!(unsettled.headers["retry-after"], "10");
    status(
        &cluster,
        json!({"observedGeneration": 1, "currentHealthy": 1, "desiredHealthy": 1, "expectedPods": 1}),
    )
    .await;
    let refused = cluster.json(EVICTION, &eviction()).await;
    let body = refused.object();
    assert_eq!(refused.code, 429);
    assert_eq!(body["message"], "Cannot evict pod as it would violate the pod's disruption budget.");
    let cause = json!({"reason": "DisruptionBudget", "message": "The disruption budget b needs 1 healthy pods and has 1 currently"});
    assert_eq!(body["details"]["causes"], json!([cause]));
}

#[tokio::test]
async fn an_eviction_spends_what_the_budget_allows() {
    let cluster = guarded().await;
    let allowed = json!({"observedGeneration": 1, "disruptionsAllowed": 1, "currentHealthy": 2, "desiredHealthy": 1, "expectedPods": 2});
    status(&cluster, allowed).await;
    let evicted = cluster.json(EVICTION, &eviction()).await;
    assert_eq!(evicted.code, 201, "{}", evicted.text);
    let budget = cluster.get(&format!("{BUDGET}/b")).await.object();
    assert_eq!(budget["status"]["disruptionsAllowed"], 0);
    assert!(budget["status"]["disruptedPods"]["p"].is_string(), "{budget}");
    let pod = cluster.get("/api/v1/namespaces/n/pods/p").await.object();
    assert!(pod["metadata"]["deletionTimestamp"].is_string(), "{pod}");
    assert_eq!(pod["status"]["conditions"][1]["reason"], "EvictionByEvictionAPI");
}

#[tokio::test]
async fn an_owner_that_goes_last_waits_for_a_dependent_with_a_finalizer() {
    let cluster = Cluster::start().await;
    cluster.namespace("n", Value::Null).await;
    let maps = "/api/v1/namespaces/n/configmaps";
    let owner = cluster.create(maps, json!({"metadata": {"name": "owner"}})).await;
    let reference = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"], "blockOwnerDeletion": true,
    });
    let dependent = json!({"metadata": {"name": "dependent", "finalizers": ["example.com/hold"], "ownerReferences": [reference]}});
    cluster.create(maps, dependent).await;
    let options = json!({"propagationPolicy": "Foreground"});
    assert_eq!(cluster.json(&format!("DELETE {maps}/owner"), &options).await.code, 200);
    let mut going = Value::Null;
    for _ in 0..500 {
        going = cluster.get(&format!("{maps}/dependent")).await.object();
        if going["metadata"]["deletionTimestamp"].is_string() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert!(going["metadata"]["deletionTimestamp"].is_string(), "{going}");
    let waiting = cluster.get(&format!("{maps}/owner")).await.object();
    assert_eq!(waiting["metadata"]["finalizers"], json!(["foregroundDeletion"]));
    let released = json!({"metadata": {"finalizers": null}});
    assert_eq!(cluster.json(&format!("PATCH {maps}/dependent"), &released).await.code, 200);
    cluster.eventually(&format!("{maps}/owner"), 404).await;
}
