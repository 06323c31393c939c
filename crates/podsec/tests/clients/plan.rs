//! `podsec plan --live` against a server: what it suggests can be set, and then nothing that stands there is refused.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::api::{Api, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::{Value, json};

use crate::server::Server;

fn plan(kubeconfig: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_podsec"))
        .args(["plan", "--live", "--qps", "500", "--kubeconfig"])
        .arg(kubeconfig)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("podsec was built")
}

fn specs() -> [(&'static str, Value); 3] {
    let hardened = json!({"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}, "runAsNonRoot": true,
        "seccompProfile": {"type": "RuntimeDefault"}});
    [
        ("node", json!({"hostNetwork": true, "containers": [{"name": "a", "image": "a"}]})),
        ("shop", json!({"containers": [{"name": "a", "image": "a"}]})),
        ("safe", json!({"containers": [{"name": "a", "image": "a", "securityContext": hardened}]})),
    ]
}

#[tokio::test]
async fn what_is_planned_and_applied_refuses_nothing_that_stands_there() {
    let server = Server::start(&[]);
    let kubeconfig = Kubeconfig::read_from(server.kubeconfig()).expect("a kubeconfig");
    let config =
        Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.expect("a config");
    let client = Client::try_from(config).expect("a client");
    for (name, spec) in specs() {
        let namespace: Namespace = serde_json::from_value(json!({"metadata": {"name": name}})).unwrap();
        Api::all(client.clone()).create(&PostParams::default(), &namespace).await.expect("a namespace");
        let deployment: Deployment = serde_json::from_value(json!({"metadata": {"name": "idle"}, "spec": {"replicas": 0,
            "selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "b"}}, "spec": spec}}}))
        .unwrap();
        let deployments = Api::<Deployment>::namespaced(client.clone(), name);
        deployments.create(&PostParams::default(), &deployment).await.expect("a deployment");
    }
    let applied = plan(&server.kubeconfig(), &["--apply", "--yes", "--format", "json"]);
    assert_eq!(applied.status.code(), Some(0), "{applied:?}");
    for ((name, spec), level) in specs().into_iter().zip(["privileged", "baseline", "restricted"]) {
        let namespace = Api::<Namespace>::all(client.clone()).get(name).await.expect("the namespace");
        let labels = namespace.metadata.labels.unwrap_or_default();
        assert_eq!(labels["pod-security.kubernetes.io/enforce"], level);
        assert_eq!(labels["pod-security.kubernetes.io/warn"], level);
        let pod: Pod = serde_json::from_value(json!({"metadata": {"name": "again"}, "spec": spec})).unwrap();
        let pods = Api::<Pod>::namespaced(client.clone(), name);
        pods.create(&PostParams::default(), &pod)
            .await
            .expect("a planned level refuses nothing that stands there");
    }
    let again = plan(&server.kubeconfig(), &["--format", "kubectl"]);
    let commands = String::from_utf8(again.stdout).unwrap();
    assert!(!commands.contains("kubectl label"), "{commands}");
}

#[test]
fn a_right_that_is_missing_is_told_counted_and_in_the_way_of_labelling() {
    let server = Server::start(&[]);
    let text = fs::read_to_string(server.kubeconfig()).unwrap();
    let mut kubeconfig: Value = podsec_yaml::to_json(&text).unwrap();
    kubeconfig["users"][0]["user"]["as"] = "nobody".into();
    let path = server.folder().join("of-nobody");
    fs::write(&path, kubeconfig.to_string()).unwrap();
    let planned = plan(&path, &[]);
    let told = String::from_utf8(planned.stdout).unwrap();
    assert_eq!(planned.status.code(), Some(2), "{told}");
    assert!(told.contains("/api/v1/pods: not read: "), "{told}");
    let applied = plan(&path, &["--apply", "--yes"]);
    assert_eq!(applied.status.code(), Some(1));
}
