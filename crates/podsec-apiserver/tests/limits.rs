//! How large objects and how long computations may get, and what many writers of one object get.

mod cluster;

use std::sync::Arc;

use cluster::Cluster;
use futures::future::join_all;
use serde_json::{Value, json};

const CONFIG_MAPS: &str = "/api/v1/namespaces/default/configmaps";

/// A ConfigMap with `bytes` of data.
fn config_map(name: &str, bytes: usize) -> Value {
    json!({"metadata": {"name": name}, "data": {"a": "x".repeat(bytes)}})
}

#[tokio::test]
async fn an_object_has_at_most_as_many_bytes_as_etcd_takes() {
    let cluster = Cluster::start().await;
    let refusal = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": "etcdserver: request is too large", "code": 500,
    });
    let secret = |bytes: usize| {
        let finalizers = vec![format!("example.com/{}", "x".repeat(50)); bytes / 64];
        json!({"metadata": {"name": "s", "finalizers": finalizers}})
    };
    let answer = cluster.json("POST /api/v1/namespaces/default/secrets", &secret(2_000_000)).await;
    assert_eq!((answer.code, answer.object()), (500, refusal.clone()));
    cluster.create(CONFIG_MAPS, config_map("a", 1_000_000)).await;
    // What is within the limit of the kind's own validation may still be too much together.
    let annotations: Value = (0..3).map(|index| (format!("a{index}"), "x".repeat(80_000))).collect();
    let more = json!({"metadata": {"annotations": annotations, "finalizers": secret(400_000)["metadata"]["finalizers"]}});
    let answer = cluster.json(&format!("PATCH {CONFIG_MAPS}/a"), &more).await;
    assert_eq!((answer.code, answer.object()), (500, refusal));
    let stored = cluster.get(&format!("{CONFIG_MAPS}/a")).await.object();
    assert!(stored["metadata"].get("annotations").is_none());
}

#[tokio::test]
async fn defaults_that_make_a_custom_resource_too_large_are_refused() {
    let cluster = Cluster::start().await;
    let mut schema =
        json!({"type": "object", "properties": {"x": {"type": "string", "default": "y".repeat(100)}}});
    for _ in 0..8 {
        schema = json!({"type": "object", "properties": {
            "list": {"type": "array", "default": vec![json!({}); 10], "items": schema},
        }});
    }
    let definition = json!({
        "metadata": {"name": "bombs.example.com"},
        "spec": {
            "group": "example.com", "scope": "Namespaced",
            "names": {"plural": "bombs", "singular": "bomb", "kind": "Bomb"},
            "versions": [{
                "name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema},
            }],
        },
    });
    cluster.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition).await;
    cluster.eventually("/apis/example.com/v1", 200).await;
    let object = json!({"apiVersion": "example.com/v1", "kind": "Bomb", "metadata": {"name": "a"}});
    let answer = cluster.json("POST /apis/example.com/v1/namespaces/default/bombs", &object).await;
    assert_eq!(answer.code, 500);
    assert_eq!(answer.object()["message"], "etcdserver: request is too large");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_json_patch_ends_with_the_deadline_of_its_request() {
    let cluster = Cluster::start().await;
    let finalizers: Vec<String> = (0..200_000).map(|index| format!("{index}")).collect();
    let annotations = json!({"data": {"a": "x"}, "metadata": {"name": "a", "annotations": {"a": "x"}}});
    cluster.create(CONFIG_MAPS, annotations).await;
    // Each insertion moves the whole list by one place.
    let mut patch = vec![json!({"op": "add", "path": "/list", "value": finalizers})];
    patch.resize(10_000, json!({"op": "add", "path": "/list/0", "value": "x"}));
    let bytes = serde_json::to_vec(&patch).unwrap();
    let request = format!("PATCH {CONFIG_MAPS}/a?timeout=200ms");
    let answer =
        cluster.send("admin", &request, &[("content-type", "application/json-patch+json")], &bytes).await;
    assert_eq!(answer.code, 504, "{}", answer.text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_that_name_no_state_never_hear_of_a_conflict() {
    let cluster = Arc::new(Cluster::start().await);
    cluster.create(CONFIG_MAPS, config_map("a", 1)).await;
    let writers = (0..64).map(|index| {
        let cluster = Arc::clone(&cluster);
        tokio::spawn(async move {
            for round in 0..10 {
                let object = json!({"metadata": {"name": "a"}, "data": {"a": format!("{index}-{round}")}});
                let answer = cluster.json(&format!("PUT {CONFIG_MAPS}/a"), &object).await;
                assert_eq!(answer.code, 200, "{}", answer.text);
            }
        })
    });
    for writer in join_all(writers).await {
        writer.unwrap();
    }
}
