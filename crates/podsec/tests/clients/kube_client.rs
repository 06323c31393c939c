//! The `kube` crate's client, as controllers written in Rust use it.

use crate::server::Server;
use futures::StreamExt;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Pod};
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::runtime::watcher;
use kube::{Client, Config};
use serde_json::{Value, json};

async fn connect(server: &Server) -> Client {
    let kubeconfig = Kubeconfig::read_from(server.kubeconfig()).expect("a kubeconfig");
    let config =
        Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.expect("a config");
    Client::try_from(config).expect("a client")
}

fn decoded<T: serde::de::DeserializeOwned>(object: Value) -> T {
    serde_json::from_value(object).expect("the test's object")
}

async fn create_namespace(client: &Client, name: &str, labels: &Value) {
    let namespace = decoded(json!({"metadata": {"name": name, "labels": labels}}));
    Api::<Namespace>::all(client.clone())
        .create(&PostParams::default(), &namespace)
        .await
        .expect("a namespace");
}

fn plain_pod(name: &str) -> Pod {
    decoded(json!({"metadata": {"name": name}, "spec": {"containers": [{"name": "c", "image": "busybox"}]}}))
}

#[tokio::test]
async fn a_pod_is_created_watched_patched_and_deleted() {
    let server = Server::start(&[]);
    let client = connect(&server).await;
    create_namespace(&client, "dev", &json!({})).await;
    let pods = Api::<Pod>::namespaced(client, "dev");

    let created = pods.create(&PostParams::default(), &plain_pod("web")).await.expect("a pod");
    let version = created.metadata.resource_version.clone().expect("a resource version");
    assert_eq!(created.spec.as_ref().and_then(|spec| spec.restart_policy.as_deref()), Some("Always"));

    let mut events =
        pods.watch(&WatchParams::default().timeout(20), &version).await.expect("a watch").boxed();
    let label = json!({"metadata": {"labels": {"tier": "front"}}});
    pods.patch("web", &PatchParams::default(), &Patch::Merge(label)).await.expect("a merge patch");
    let image = json!({"spec": {"containers": [{"name": "c", "image": "busybox:1"}]}});
    pods.patch("web", &PatchParams::default(), &Patch::Strategic(image))
        .await
        .expect("a strategic merge patch");
    pods.delete("web", &DeleteParams::default().grace_period(0)).await.expect("a deletion");

    let mut seen = Vec::new();
    while let Some(event) = events.next().await {
        let (kind, pod) = match event.expect("an event") {
            WatchEvent::Added(pod) => ("ADDED", pod),
            WatchEvent::Modified(pod) => ("MODIFIED", pod),
            WatchEvent::Deleted(pod) => ("DELETED", pod),
            other => panic!("unexpected {other:?}"),
        };
        let image = pod.spec.expect("a spec").containers[0].image.clone().expect("an image");
        seen.push(format!("{kind} {image} {:?}", pod.metadata.labels.unwrap_or_default().get("tier")));
        if kind == "DELETED" {
            break;
        }
    }
    assert_eq!(
        seen,
        [
            r#"MODIFIED busybox Some("front")"#,
            r#"MODIFIED busybox:1 Some("front")"#,
            r#"DELETED busybox:1 Some("front")"#
        ]
    );
    assert!(pods.get_opt("web").await.expect("an answer").is_none());
}

#[tokio::test]
async fn a_refused_pod_is_a_forbidden_status_with_upstreams_words() {
    let server = Server::start(&[]);
    let client = connect(&server).await;
    create_namespace(&client, "prod", &json!({"pod-security.kubernetes.io/enforce": "baseline"})).await;
    let pod = decoded(json!({"metadata": {"name": "root"}, "spec": {"containers": [
        {"name": "c", "image": "busybox", "securityContext": {"privileged": true}}
    ]}}));
    let refusal = Api::<Pod>::namespaced(client, "prod").create(&PostParams::default(), &pod).await;
    let Err(kube::Error::Api(status)) = refusal else { panic!("not refused: {refusal:?}") };
    assert_eq!((status.code, status.reason.as_str()), (403, "Forbidden"));
    assert_eq!(
        status.message,
        r#"pods "root" is forbidden: violates PodSecurity "baseline:latest": privileged (container "c" must not set securityContext.privileged=true)"#
    );
}

#[tokio::test]
async fn a_warning_reaches_the_caller_as_a_header() {
    let server = Server::start(&[]);
    let client = connect(&server).await;
    create_namespace(&client, "dev", &json!({"pod-security.kubernetes.io/warn": "baseline"})).await;
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "net"}, "spec": {
        "hostNetwork": true, "containers": [{"name": "c", "image": "busybox"}]
    }});
    let request = http::Request::post("/api/v1/namespaces/dev/pods")
        .header("Content-Type", "application/json")
        .body(kube::client::Body::from(pod.to_string().into_bytes()))
        .expect("a request");
    let response = client.send(request).await.expect("an answer");
    assert_eq!(response.status(), 201);
    assert_eq!(
        response.headers()["Warning"],
        r#"299 - "would violate PodSecurity \"baseline:latest\": host namespaces (hostNetwork=true)""#
    );
}

#[tokio::test]
async fn a_stale_update_is_a_conflict() {
    let server = Server::start(&[]);
    let client = connect(&server).await;
    let config_maps = Api::<ConfigMap>::namespaced(client, "default");
    let first: ConfigMap = decoded(json!({"metadata": {"name": "settings"}, "data": {"a": "1"}}));
    let first = config_maps.create(&PostParams::default(), &first).await.expect("a config map");
    let mut second = first.clone();
    second.data.as_mut().expect("data").insert("a".to_owned(), "2".to_owned());
    config_maps.replace("settings", &PostParams::default(), &second).await.expect("the first update");
    let stale = config_maps.replace("settings", &PostParams::default(), &first).await;
    let Err(kube::Error::Api(status)) = stale else { panic!("not refused: {stale:?}") };
    assert_eq!((status.code, status.reason.as_str()), (409, "Conflict"));
}

#[tokio::test]
async fn server_side_apply_creates_then_merges_then_reports_conflicts() {
    let server = Server::start(&[]);
    let client = connect(&server).await;
    let config_maps = Api::<ConfigMap>::namespaced(client, "default");
    let applied = |value: &str| {
        Patch::Apply(
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "s"}, "data": {"a": value}}),
        )
    };
    config_maps.patch("s", &PatchParams::apply("one"), &applied("1")).await.expect("a creation");
    let refused = config_maps.patch("s", &PatchParams::apply("two"), &applied("2")).await;
    let Err(kube::Error::Api(status)) = refused else { panic!("no conflict: {refused:?}") };
    assert_eq!((status.code, status.reason.as_str()), (409, "Conflict"));
    let taken =
        config_maps.patch("s", &PatchParams::apply("two").force(), &applied("2")).await.expect("a take-over");
    assert_eq!(taken.data.expect("data")["a"], "2");
}

#[tokio::test]
async fn watchers_see_every_pod_with_and_without_streaming_lists() {
    let server = Server::start(&[]);
    let client = connect(&server).await;
    create_namespace(&client, "dev", &json!({})).await;
    let pods = Api::<Pod>::namespaced(client, "dev");
    pods.create(&PostParams::default(), &plain_pod("first")).await.expect("a pod");
    for config in [watcher::Config::default(), watcher::Config::default().streaming_lists()] {
        let mut events = watcher(pods.clone(), config).boxed();
        let mut names = Vec::new();
        while let Some(event) = events.next().await {
            match event.expect("an event") {
                watcher::Event::InitApply(pod) => names.push(pod.metadata.name.expect("a name")),
                watcher::Event::InitDone => break,
                _ => {}
            }
        }
        assert_eq!(names, ["first"]);
    }
}
