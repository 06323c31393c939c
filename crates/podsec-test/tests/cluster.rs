//! A cluster in the process of its test.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use futures::future::join_all;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::api::{DeleteParams, ListParams, PostParams};
use kube::{Api, Client};
use podsec_test::Cluster;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

fn object<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

async fn create_namespace(client: Client, name: &str, level: &str) {
    let labels = json!({"pod-security.kubernetes.io/enforce": level});
    let namespace = object(json!({"metadata": {"name": name, "labels": labels}}));
    Api::<Namespace>::all(client).create(&PostParams::default(), &namespace).await.unwrap();
}

#[tokio::test]
async fn pod_security_decides_as_in_a_cluster() {
    let cluster = Cluster::builder().disable_plugins(["ServiceAccount"]).start().await.unwrap();
    create_namespace(cluster.client(), "strict", "restricted").await;
    let pod: Pod =
        object(json!({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}));
    let pods = Api::<Pod>::namespaced(cluster.client(), "strict");
    let kube::Error::Api(refusal) = pods.create(&PostParams::default(), &pod).await.unwrap_err() else {
        panic!("no answer of the API server")
    };
    assert_eq!(refusal.code, 403);
    assert!(refusal.message.contains(r#"violates PodSecurity "restricted:latest""#), "{}", refusal.message);
}

#[tokio::test]
async fn a_user_may_do_what_roles_say() {
    let cluster = Cluster::start().await.unwrap();
    let jane = Api::<Namespace>::all(cluster.client_of("jane", &["devs"]));
    let kube::Error::Api(refusal) = jane.list(&ListParams::default()).await.unwrap_err() else {
        panic!("no answer of the API server")
    };
    assert!(
        refusal.message.starts_with(r#"namespaces is forbidden: User "jane" cannot list"#),
        "{}",
        refusal.message
    );
}

#[tokio::test]
async fn clusters_in_parallel_know_nothing_of_each_other() {
    let started = join_all((0..8).map(async |number| {
        let cluster = Cluster::start().await.unwrap();
        create_namespace(cluster.client(), &format!("n{number}"), "baseline").await;
        cluster
    }))
    .await;
    for (number, cluster) in started.iter().enumerate() {
        let namespaces = Api::<Namespace>::all(cluster.client()).list(&ListParams::default()).await.unwrap();
        let names: Vec<String> =
            namespaces.into_iter().filter_map(|namespace| namespace.metadata.name).collect();
        let own = format!("n{number}");
        assert_eq!(names, ["default", "kube-node-lease", "kube-public", "kube-system", own.as_str()]);
    }
}

#[tokio::test]
async fn a_deleted_namespace_goes_and_a_deployment_makes_pods_when_asked() {
    let cluster =
        Cluster::builder().controllers(["*"]).disable_plugins(["ServiceAccount"]).start().await.unwrap();
    create_namespace(cluster.client(), "web", "privileged").await;
    let labels = json!({"app": "web"});
    let template =
        json!({"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "i"}]}});
    let spec = json!({"replicas": 2, "selector": {"matchLabels": labels}, "template": template});
    let deployment: Deployment = object(json!({"metadata": {"name": "web"}, "spec": spec}));
    Api::namespaced(cluster.client(), "web").create(&PostParams::default(), &deployment).await.unwrap();
    let pods = Api::<Pod>::namespaced(cluster.client(), "web");
    while pods.list(&ListParams::default()).await.unwrap().items.len() < 2 {
        tokio::task::yield_now().await;
    }
    let namespaces = Api::<Namespace>::all(cluster.client());
    namespaces.delete("web", &DeleteParams::default()).await.unwrap();
    while namespaces.get_opt("web").await.unwrap().is_some() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_name_that_nothing_has_is_refused() {
    let unknown = Cluster::builder().controllers(["nonsense"]).start().await;
    assert!(
        unknown
            .err()
            .unwrap()
            .to_string()
            .starts_with(r#""nonsense" is not in the list of known controllers"#)
    );
    let unknown = Cluster::builder().disable_plugins(["Nonsense"]).start().await;
    assert_eq!(
        unknown.err().unwrap().to_string(),
        r#"disable-admission-plugins plugin "Nonsense" is unknown"#
    );
}
