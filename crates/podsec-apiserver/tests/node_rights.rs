//! The Node authorizer answers as that of a real API server.

mod cluster;

use std::io::Read;

use cluster::Cluster;
use flate2::read::GzDecoder;
use serde_json::{Value, json};

const REVIEWS: &str = "POST /apis/authorization.k8s.io/v1/subjectaccessreviews";

async fn ask(cluster: &Cluster, attributes: Value) -> Value {
    let mut spec = attributes;
    spec["user"] = "system:node:node-1".into();
    spec["groups"] = json!(["system:nodes", "system:authenticated"]);
    cluster.json(REVIEWS, &json!({"spec": spec})).await.object()["status"].clone()
}

#[tokio::test]
async fn every_recorded_decision_about_a_node_is_made_alike() {
    let cluster = Cluster::start().await;
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../conformance/rbac/node.jsonl.gz");
    let mut text = String::new();
    GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    let mut wrong = Vec::new();
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let words: Vec<&str> = line["ask"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        let attributes = match *words.as_slice() {
            [verb, path] => json!({"nonResourceAttributes": {"verb": verb, "path": path}}),
            [verb, group, resource, subresource, namespace, name] => json!({"resourceAttributes": {
                "verb": verb, "group": group, "resource": resource, "subresource": subresource,
                "namespace": namespace, "name": name,
            }}),
            _ => panic!("{line}"),
        };
        let status = ask(&cluster, attributes).await;
        let (reason, recorded) =
            (status["reason"].as_str().unwrap_or_default(), line["reason"].as_str().unwrap());
        // Of several bindings that allow it, Kubernetes names any.
        let alike = reason == recorded
            || reason.starts_with("RBAC: allowed") && recorded.starts_with("RBAC: allowed");
        if status["allowed"] != line["allowed"] || !alike {
            wrong.push(format!("{status} for {line}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn a_node_reads_the_secrets_that_its_pods_name_and_no_others() {
    let cluster = Cluster::start().await;
    cluster.namespace("dev", json!({})).await;
    let pod = |name: &str, node: &str, secret: &str| {
        json!({"metadata": {"name": name}, "spec": {"nodeName": node,
            "containers": [{"name": "c", "image": "i"}],
            "volumes": [{"name": "s", "secret": {"secretName": secret}}]}})
    };
    cluster.create("/api/v1/namespaces/dev/pods", pod("own", "node-1", "used")).await;
    cluster.create("/api/v1/namespaces/dev/pods", pod("other", "node-2", "foreign")).await;
    let get = async |resource: &str, name: &str| {
        let attributes = json!({"verb": "get", "resource": resource, "namespace": "dev", "name": name});
        ask(&cluster, json!({"resourceAttributes": attributes})).await["allowed"] == true
    };
    assert!(get("secrets", "used").await && get("pods", "own").await);
    assert!(!get("secrets", "foreign").await && !get("pods", "other").await);
    assert!(!get("configmaps", "used").await, "a secret is no config map");
}
