//! ResourceQuota under concurrent writes: never more than it lets, and never anything left over.

mod cluster;

use std::sync::Arc;
use std::time::Duration;

use cluster::Cluster;
use podsec_storage::Memory;
use serde_json::{Value, json};

async fn quota(cluster: &Cluster, hard: Value) {
    cluster.namespace("n", Value::Null).await;
    cluster
        .create(
            "/api/v1/namespaces/n/resourcequotas",
            json!({"metadata": {"name": "q"}, "spec": {"hard": hard}}),
        )
        .await;
}

/// Waits until the quota says that this is used.
async fn used(cluster: &Cluster, expected: Value) {
    let mut last = Value::Null;
    for _ in 0..500 {
        let quota = cluster.get("/api/v1/namespaces/n/resourcequotas/q").await.object();
        last = quota["status"]["used"].clone();
        if last == expected {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{last} instead of {expected}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_64_concurrent_creations_as_many_succeed_as_the_quota_lets() {
    let cluster = Arc::new(Cluster::start().await);
    quota(&cluster, json!({"count/configmaps": "6"})).await;
    used(&cluster, json!({"count/configmaps": "0"})).await;
    let tasks: Vec<_> = (0..64)
        .map(|number| {
            let cluster = Arc::clone(&cluster);
            tokio::spawn(async move {
                // Half of the names are taken by the other half: what is not stored is not counted.
                let object = json!({"metadata": {"name": format!("c{}", number % 32)}});
                cluster.json("POST /api/v1/namespaces/n/configmaps", &object).await.code
            })
        })
        .collect();
    let mut created = 0;
    for task in tasks {
        let code = task.await.unwrap();
        assert!(matches!(code, 201 | 403 | 409), "{code}");
        created += usize::from(code == 201);
    }
    let stored = cluster.get("/api/v1/namespaces/n/configmaps").await.object();
    assert_eq!((created, stored["items"].as_array().unwrap().len()), (6, 6));
    used(&cluster, json!({"count/configmaps": "6"})).await;
    let refused =
        cluster.json("POST /api/v1/namespaces/n/configmaps", &json!({"metadata": {"name": "more"}})).await;
    assert_eq!(
        refused.object()["message"],
        "configmaps \"more\" is forbidden: exceeded quota: q, requested: count/configmaps=1, used: count/configmaps=6, \
         limited: count/configmaps=6"
    );
    cluster.json("DELETE /api/v1/namespaces/n/configmaps", &Value::Null).await;
    used(&cluster, json!({"count/configmaps": "0"})).await;
}

#[tokio::test]
async fn what_is_used_is_counted_again_when_the_server_starts() {
    let store = Arc::new(Memory::default());
    let dead = Cluster::over(store.clone(), None);
    quota(&dead, json!({"configmaps": "2"})).await;
    dead.create("/api/v1/namespaces/n/configmaps", json!({"metadata": {"name": "a"}})).await;
    // A server that was killed between a charge and what it was for.
    let status = json!({"status": {"hard": {"configmaps": "2"}, "used": {"configmaps": "2"}}});
    let answer = dead.json("PATCH /api/v1/namespaces/n/resourcequotas/q/status", &status).await;
    assert_eq!(answer.code, 200, "{}", answer.text);
    let cluster = Cluster::over(store, None);
    cluster.api.bootstrap().await.unwrap();
    let quota = cluster.get("/api/v1/namespaces/n/resourcequotas/q").await.object();
    assert_eq!(quota["status"]["used"], json!({"configmaps": "1"}));
}

#[tokio::test]
async fn a_pod_that_has_ended_and_a_service_that_has_changed_give_back_what_they_used() {
    let cluster = Cluster::start().await;
    quota(&cluster, json!({"pods": "1", "count/pods": "5", "services.nodeports": "1"})).await;
    used(&cluster, json!({"pods": "0", "count/pods": "0", "services.nodeports": "0"})).await;
    let pod = json!({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "x"}]}});
    cluster.create("/api/v1/namespaces/n/pods", pod).await;
    let service = json!({"metadata": {"name": "s"}, "spec": {"type": "NodePort", "ports": [{"port": 80}]}});
    cluster.create("/api/v1/namespaces/n/services", service).await;
    used(&cluster, json!({"pods": "1", "count/pods": "1", "services.nodeports": "1"})).await;
    cluster
        .json("PATCH /api/v1/namespaces/n/pods/p/status", &json!({"status": {"phase": "Succeeded"}}))
        .await;
    cluster
        .json(
            "PATCH /api/v1/namespaces/n/services/s",
            &json!({"spec": {"type": "ClusterIP", "ports": [{"port": 80, "nodePort": null}]}}),
        )
        .await;
    used(&cluster, json!({"pods": "0", "count/pods": "1", "services.nodeports": "0"})).await;
}

#[tokio::test]
async fn a_dry_run_is_checked_and_not_counted() {
    let cluster = Cluster::start().await;
    quota(&cluster, json!({"secrets": "1"})).await;
    used(&cluster, json!({"secrets": "0"})).await;
    let secret = |name: &str| json!({"metadata": {"name": name}});
    let try_it = "POST /api/v1/namespaces/n/secrets?dryRun=All";
    assert_eq!(cluster.json(try_it, &secret("a")).await.code, 201);
    cluster.create("/api/v1/namespaces/n/secrets", secret("a")).await;
    assert_eq!(cluster.json(try_it, &secret("b")).await.code, 403);
    used(&cluster, json!({"secrets": "1"})).await;
}
