//! Admission plugins through the server: what they make of objects, and what they refuse.

mod cluster;

use std::sync::Arc;

use cluster::Cluster;
use podsec_apiserver::Plugins;
use podsec_storage::Memory;
use serde_json::{Value, json};

async fn cluster() -> Cluster {
    let cluster = Cluster::over(Arc::new(Memory::default()), None);
    cluster.namespace("n", Value::Null).await;
    cluster
}

fn pod(name: &str, extra: &Value) -> Value {
    let mut spec = json!({"containers": [{"name": "c", "image": "x"}]});
    for (field, value) in extra.as_object().into_iter().flatten() {
        spec[field] = value.clone();
    }
    json!({"metadata": {"name": name}, "spec": spec})
}

const PODS: &str = "/api/v1/namespaces/n/pods";
const CLAIMS: &str = "/api/v1/namespaces/n/persistentvolumeclaims";

#[tokio::test]
async fn a_limit_range_fills_in_and_refuses() {
    let cluster = cluster().await;
    let limits = json!([{"type": "Container", "default": {"cpu": "500m"}, "max": {"cpu": "1"}}]);
    cluster
        .create(
            "/api/v1/namespaces/n/limitranges",
            json!({"metadata": {"name": "l"}, "spec": {"limits": limits}}),
        )
        .await;
    cluster.create(PODS, pod("a", &Value::Null)).await;
    let stored = cluster.get(&format!("{PODS}/a")).await.object();
    assert_eq!(
        stored["spec"]["containers"][0]["resources"],
        json!({"limits": {"cpu": "500m"}, "requests": {"cpu": "500m"}})
    );
    assert_eq!(stored["status"]["qosClass"], "Burstable");
    let greedy = json!({"containers": [{"name": "c", "image": "x", "resources": {"limits": {"cpu": "2"}}}]});
    let refused = cluster.json(&format!("POST {PODS}"), &pod("b", &greedy)).await;
    assert_eq!(
        (refused.code, &refused.object()["message"]),
        (403, &json!("pods \"b\" is forbidden: maximum cpu usage per Container is 1, but limit is 2"))
    );
}

#[tokio::test]
async fn the_default_priority_class_holds_for_pods_that_name_none() {
    let cluster = cluster().await;
    let classes = "/apis/scheduling.k8s.io/v1/priorityclasses";
    let class = |name: &str| json!({"metadata": {"name": name}, "value": 77, "globalDefault": true});
    cluster.create(classes, class("a")).await;
    let second = cluster.json(&format!("POST {classes}"), &class("b")).await;
    assert_eq!(
        second.object()["message"],
        "priorityclasses.scheduling.k8s.io \"b\" is forbidden: PriorityClass a is already marked as default. Only one \
         default can exist"
    );
    cluster.create(PODS, pod("a", &Value::Null)).await;
    let spec = &cluster.get(&format!("{PODS}/a")).await.object()["spec"];
    assert_eq!((&spec["priority"], &spec["priorityClassName"]), (&json!(77), &json!("a")));
}

#[tokio::test]
async fn the_priority_classes_of_the_system_stay() {
    let cluster = Cluster::start().await;
    let url = "/apis/scheduling.k8s.io/v1/priorityclasses";
    let refused = cluster.json(&format!("DELETE {url}/system-node-critical"), &Value::Null).await;
    assert_eq!(
        (refused.code, &refused.object()["message"]),
        (
            403,
            &json!(
                "priorityclasses.scheduling.k8s.io \"system-node-critical\" is forbidden: this is a system priority class \
                 and cannot be deleted"
            )
        )
    );
}

#[tokio::test]
async fn a_node_is_restricted_when_the_plugin_is_asked_for() {
    let plugins = Plugins::select(&["NodeRestriction".to_owned()], &[]).unwrap();
    let mut cluster = Cluster::over(Arc::new(Memory::default()), None);
    cluster.api = Arc::new(Arc::into_inner(cluster.api).unwrap().with_plugins(plugins));
    cluster.namespace("n", Value::Null).await;
    // The administrator is no node.
    cluster.create("/api/v1/nodes", json!({"metadata": {"name": "a"}})).await;
    let acting = [
        ("impersonate-user", "system:node:a"),
        ("impersonate-group", "system:nodes"),
        ("content-type", "application/merge-patch+json"),
    ];
    let label = br#"{"metadata": {"labels": {"node-role.kubernetes.io/x": ""}}}"#;
    let refused = cluster.send("admin", "PATCH /api/v1/nodes/a", &acting, label).await;
    assert_eq!(
        refused.object()["message"],
        "nodes \"a\" is forbidden: is not allowed to modify labels: node-role.kubernetes.io/x"
    );
    let label = br#"{"metadata": {"labels": {"kubernetes.io/os": "linux"}}}"#;
    assert_eq!(cluster.send("admin", "PATCH /api/v1/nodes/a", &acting, label).await.code, 200);
}

#[tokio::test]
async fn a_runtime_class_is_looked_up() {
    let cluster = cluster().await;
    let named = json!({"runtimeClassName": "kata"});
    let refused = cluster.json(&format!("POST {PODS}"), &pod("a", &named)).await;
    assert_eq!(
        refused.object()["message"],
        "pods \"a\" is forbidden: pod rejected: RuntimeClass \"kata\" not found"
    );
    let class =
        json!({"metadata": {"name": "kata"}, "handler": "kata", "overhead": {"podFixed": {"cpu": "250m"}}});
    cluster.create("/apis/node.k8s.io/v1/runtimeclasses", class).await;
    cluster.create(PODS, pod("a", &named)).await;
    assert_eq!(cluster.get(&format!("{PODS}/a")).await.object()["spec"]["overhead"], json!({"cpu": "250m"}));
}

#[tokio::test]
async fn a_pod_runs_as_an_account_of_its_namespace() {
    let mut cluster = Cluster::over(Arc::new(Memory::default()), None);
    let api = Arc::into_inner(cluster.api).unwrap().with_plugins(Plugins::standard());
    cluster.api = Arc::new(api);
    cluster.namespace("n", Value::Null).await;
    let refused = cluster.json(&format!("POST {PODS}"), &pod("a", &Value::Null)).await;
    assert_eq!(
        refused.object()["message"],
        "pods \"a\" is forbidden: error looking up service account n/default: serviceaccount \"default\" not found"
    );
    cluster.create("/api/v1/namespaces/n/serviceaccounts", json!({"metadata": {"name": "default"}})).await;
    cluster.create(PODS, pod("a", &Value::Null)).await;
    let spec = &cluster.get(&format!("{PODS}/a")).await.object()["spec"];
    assert_eq!(spec["serviceAccountName"], "default");
    assert_eq!(spec["volumes"][0]["projected"]["sources"][0]["serviceAccountToken"]["path"], "token");
    assert_eq!(
        spec["containers"][0]["volumeMounts"][0]["mountPath"],
        "/var/run/secrets/kubernetes.io/serviceaccount"
    );
}

#[tokio::test]
async fn claims_get_the_default_class_and_grow_when_it_lets_them() {
    let cluster = cluster().await;
    let class = |name: &str, expands: bool| {
        let annotations = json!({"storageclass.kubernetes.io/is-default-class": "true"});
        json!({
            "metadata": {"name": name, "annotations": annotations},
            "provisioner": "x/y", "allowVolumeExpansion": expands,
        })
    };
    cluster.create("/apis/storage.k8s.io/v1/storageclasses", class("a", false)).await;
    let claim = json!({"metadata": {"name": "v"}, "spec": {
        "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}},
    }});
    cluster.create(CLAIMS, claim).await;
    let url = format!("{CLAIMS}/v");
    let stored = cluster.get(&url).await.object();
    assert_eq!(stored["spec"]["storageClassName"], "a");
    assert_eq!(stored["metadata"]["finalizers"], json!(["kubernetes.io/pvc-protection"]));
    cluster.json(&format!("PATCH {url}"), &json!({"spec": {"volumeName": "pv"}})).await;
    let bound = json!({"status": {"phase": "Bound", "capacity": {"storage": "1Gi"}}});
    cluster.json(&format!("PATCH {url}/status"), &bound).await;
    let larger = json!({"spec": {"resources": {"requests": {"storage": "2Gi"}}}});
    let refused = cluster.json(&format!("PATCH {url}"), &larger).await;
    assert_eq!((refused.code, refused.text.contains("only dynamically provisioned pvc")), (403, true));
    let changed = json!({"allowVolumeExpansion": true});
    cluster.json("PATCH /apis/storage.k8s.io/v1/storageclasses/a", &changed).await;
    assert_eq!(cluster.json(&format!("PATCH {url}"), &larger).await.code, 200);
}

#[tokio::test]
async fn a_deleted_claim_goes_when_no_pod_uses_it() {
    let cluster = Cluster::start().await;
    cluster.namespace("n", Value::Null).await;
    let claim = json!({"metadata": {"name": "v"}, "spec": {
        "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}},
    }});
    cluster.create(CLAIMS, claim).await;
    let volumes = json!([{"name": "v", "persistentVolumeClaim": {"claimName": "v"}}]);
    cluster.create(PODS, pod("a", &json!({"nodeName": "node", "volumes": volumes}))).await;
    let url = format!("{CLAIMS}/v");
    cluster.json(&format!("DELETE {url}"), &Value::Null).await;
    assert!(cluster.get(&url).await.object()["metadata"]["deletionTimestamp"].is_string());
    cluster.json(&format!("DELETE {PODS}/a?gracePeriodSeconds=0"), &Value::Null).await;
    for _ in 0..500 {
        if cluster.get(&url).await.code == 404 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("the claim stays");
}

#[tokio::test]
async fn pods_carry_the_zone_of_their_node_and_new_nodes_are_tainted() {
    let cluster = cluster().await;
    let zone = "topology.kubernetes.io/zone";
    cluster.create("/api/v1/nodes", json!({"metadata": {"name": "node", "labels": {zone: "b"}}})).await;
    let node = cluster.get("/api/v1/nodes/node").await.object();
    assert_eq!(
        node["spec"]["taints"],
        json!([{"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}])
    );
    cluster.create(PODS, pod("a", &json!({"nodeName": "node"}))).await;
    cluster.create(PODS, pod("b", &Value::Null)).await;
    let binding = json!({"metadata": {"name": "b"}, "target": {"kind": "Node", "name": "node"}});
    cluster.create(&format!("{PODS}/b/binding"), binding).await;
    for name in ["a", "b"] {
        let labels = &cluster.get(&format!("{PODS}/{name}")).await.object()["metadata"]["labels"];
        assert_eq!(labels[zone], "b", "{name}");
    }
}

#[tokio::test]
async fn an_ingress_gets_the_default_class() {
    let cluster = cluster().await;
    let annotations = json!({"ingressclass.kubernetes.io/is-default-class": "true"});
    let class =
        json!({"metadata": {"name": "a", "annotations": annotations}, "spec": {"controller": "x.y/z"}});
    cluster.create("/apis/networking.k8s.io/v1/ingressclasses", class).await;
    let ingresses = "/apis/networking.k8s.io/v1/namespaces/n/ingresses";
    let backend = json!({"service": {"name": "s", "port": {"number": 80}}});
    cluster.create(ingresses, json!({"metadata": {"name": "i"}, "spec": {"defaultBackend": backend}})).await;
    assert_eq!(cluster.get(&format!("{ingresses}/i")).await.object()["spec"]["ingressClassName"], "a");
}
