//! `podsec serve` over an etcd cluster: several servers are one, and a copy of a real cluster's etcd is read.

#![expect(clippy::unwrap_used, reason = "a test that does not get its answer has failed")]

use std::fs;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenReview, TokenReviewSpec};
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Pod, ServiceAccount};
use kube::api::{Api, ListParams, ObjectMeta, PostParams, WatchEvent, WatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use podsec_storage::{Change, Etcd, EtcdOptions, Precondition, Store as _};
use tempfile::TempDir;

/// A process that ends with its value.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An etcd, and the folder that its servers are started in.
struct Cluster {
    folder: TempDir,
    client: String,
    peer: String,
    member: Option<Process>,
}

impl Cluster {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [client, peer] = [(); 2].map(|()| {
            let socket = TcpListener::bind("127.0.0.1:0").unwrap();
            format!("http://{}", socket.local_addr().unwrap())
        });
        let mut cluster = Self { folder, client, peer, member: None };
        cluster.begin();
        cluster
    }

    fn begin(&mut self) {
        let member = Command::new("etcd")
            .args(["--listen-client-urls", &self.client, "--advertise-client-urls", &self.client])
            .args(["--listen-peer-urls", &self.peer, "--data-dir", "etcd"])
            .current_dir(self.folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        self.member = Some(Process(member.unwrap()));
    }

    fn end(&mut self) {
        self.member = None;
    }

    /// A server over it, and a client of its administrator.
    async fn server(&self, name: &str, arguments: &[&str]) -> (Process, Client) {
        let process = Command::new(env!("CARGO_BIN_EXE_podsec"))
            .args(["serve", "--etcd-servers", &self.client, "--secure-port", "0", "--kubeconfig-out", name])
            .args(arguments)
            .current_dir(self.folder.path())
            .stderr(fs::File::create(self.folder.path().join(format!("{name}.log"))).unwrap())
            .spawn();
        let process = Process(process.unwrap());
        let path = self.folder.path().join(name);
        let deadline = Instant::now() + Duration::from_mins(1);
        while fs::metadata(&path).map_or(true, |file| file.len() == 0) {
            assert!(Instant::now() < deadline, "{}", self.log(name));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let kubeconfig = Kubeconfig::read_from(path).unwrap();
        let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
        (process, Client::try_from(config).unwrap())
    }

    fn log(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(format!("{name}.log"))).unwrap()
    }

    /// Puts a value as another program would.
    async fn put(&self, key: &str, value: &'static [u8]) {
        let etcd = Etcd::connect(&EtcdOptions::new(&[&self.client])).await.unwrap();
        etcd.commit(key, Precondition::Any, Change::Put(value.into())).await.unwrap();
    }
}

fn named(name: &str) -> ObjectMeta {
    ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() }
}

async fn is_ready(client: &Client) -> bool {
    let request = http::Request::get("/readyz").body(Vec::new()).unwrap();
    client.request_text(request).await.is_ok()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs etcd"]
async fn two_servers_over_one_etcd_are_one() {
    let cluster = Cluster::start();
    let ((_one, one), (_other, other)) =
        tokio::join!(cluster.server("one", &[]), cluster.server("other", &[]));
    let post = PostParams::default();
    let namespaces: Api<Namespace> = Api::all(one.clone());
    namespaces.create(&post, &Namespace { metadata: named("a"), ..Namespace::default() }).await.unwrap();
    // What one has answered, the other knows at once.
    Api::<Namespace>::all(other.clone()).get("a").await.unwrap();

    let accounts: Api<ServiceAccount> = Api::namespaced(one.clone(), "a");
    let account = ServiceAccount { metadata: named("robot"), ..ServiceAccount::default() };
    accounts.create(&post, &account).await.unwrap();
    let issued = accounts.create_token_request("robot", &post, &TokenRequest::default()).await.unwrap();
    let review = TokenReview {
        spec: TokenReviewSpec { token: issued.status.unwrap().token.unwrap(), audiences: None },
        ..TokenReview::default()
    };
    let reviewed = Api::<TokenReview>::all(other.clone()).create(&post, &review).await.unwrap();
    assert_eq!(reviewed.status.unwrap().authenticated, Some(true), "a token of one holds at the other");

    let (mine, theirs): (Api<ConfigMap>, Api<ConfigMap>) =
        (Api::namespaced(one, "a"), Api::namespaced(other, "a"));
    let newest = mine.list(&ListParams::default()).await.unwrap().metadata.resource_version.unwrap();
    let watch = mine.watch(&WatchParams::default(), &newest).await.unwrap();
    let writes = (0..100).map(|number| {
        let (api, post) = (if number % 2 == 0 { &mine } else { &theirs }, &post);
        async move {
            let map = ConfigMap { metadata: named(&format!("map-{number:03}")), ..ConfigMap::default() };
            api.create(post, &map).await.unwrap();
        }
    });
    futures::future::join_all(writes).await;
    let names = async |api: &Api<ConfigMap>| {
        let list = api.list(&ListParams::default()).await.unwrap();
        list.items.into_iter().map(|map| map.metadata.name.unwrap()).collect::<Vec<_>>()
    };
    let (here, there) = (names(&mine).await, names(&theirs).await);
    assert_eq!(here, there);
    assert!(here.len() >= 100);
    let told = futures::StreamExt::take(watch, 100);
    let told: Vec<_> = futures::StreamExt::collect(told).await;
    let mut told: Vec<_> = told
        .into_iter()
        .map(|event| match event.unwrap() {
            WatchEvent::Added(map) => map.metadata.name.unwrap(),
            other => panic!("{other:?}"),
        })
        .collect();
    told.sort_unstable();
    told.dedup();
    assert_eq!(told.len(), 100, "each once, whoever has written it");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs etcd"]
async fn of_two_servers_over_one_etcd_one_runs_the_controllers() {
    let cluster = Cluster::start();
    let ((_one, one), (_other, other)) =
        tokio::join!(cluster.server("one", &[]), cluster.server("other", &[]));
    let deployment = serde_json::json!({
        "metadata": {"name": "web"},
        "spec": {
            "replicas": 5,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "web", "image": "web"}]},
            },
        },
    });
    let deployment = serde_json::from_value(deployment).unwrap();
    Api::<Deployment>::namespaced(other, "default")
        .create(&PostParams::default(), &deployment)
        .await
        .unwrap();
    let pods: Api<Pod> = Api::namespaced(one.clone(), "default");
    let mut seen = 0;
    while seen < 5 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        seen = pods.list(&ListParams::default()).await.unwrap().items.len();
    }
    // Long enough for a second one to make its own.
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(pods.list(&ListParams::default()).await.unwrap().items.len(), 5);
    let leases: Api<Lease> = Api::namespaced(one, "kube-system");
    let lease = leases.get("kube-controller-manager").await.unwrap().spec.unwrap();
    assert!(lease.holder_identity.unwrap().starts_with("podsec_"));
    let leaders = ["one", "other"].map(|name| cluster.log(name).matches("became the leader").count());
    assert_eq!(leaders[0] + leaders[1], 1, "{leaders:?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs etcd"]
async fn without_etcd_a_server_is_not_ready_and_recovers_with_it() {
    let mut cluster = Cluster::start();
    let (_server, client) = cluster.server("server", &["--etcd-healthcheck-timeout", "1s"]).await;
    assert!(is_ready(&client).await);
    cluster.end();
    let error = Api::<Namespace>::all(client.clone()).get("default").await.unwrap_err().to_string();
    assert!(error.contains("etcd did not do what it was asked"), "{error}");
    assert!(!is_ready(&client).await);
    cluster.begin();
    while !is_ready(&client).await {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Api::<Namespace>::all(client).get("default").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs etcd"]
async fn the_copy_of_a_cluster_in_etcd_is_read_and_not_written() {
    let cluster = Cluster::start();
    // A namespace with enforce=restricted, its account and a ConfigMap, as kube-apiserver writes them, and a Secret that it has
    // encrypted.
    cluster.put("/copy/namespaces/shop", include_bytes!("data/namespace.pb")).await;
    cluster.put("/copy/serviceaccounts/shop/default", include_bytes!("data/serviceaccount.pb")).await;
    cluster.put("/copy/configmaps/shop/settings", include_bytes!("data/configmap.pb")).await;
    cluster.put("/copy/secrets/shop/key", b"k8s:enc:aescbc:v1:key1:0123").await;
    let (_server, client) = cluster.server("server", &["--etcd-prefix", "/copy"]).await;
    let settings = Api::<ConfigMap>::namespaced(client.clone(), "shop").get("settings").await.unwrap();
    assert_eq!(settings.data.unwrap()["colour"], "blue");
    let namespaces = Api::<Namespace>::all(client.clone());
    let all = namespaces.list(&ListParams::default()).await.unwrap();
    assert_eq!(all.items.len(), 1, "the server has added none of its own");
    let log = cluster.log("server");
    assert!(log.contains("1 values in etcd are encrypted at rest, and left out"), "{log}");

    let other = Namespace { metadata: named("other"), ..Namespace::default() };
    let refused = namespaces.create(&PostParams::default(), &other).await.unwrap_err().to_string();
    assert!(refused.contains("--etcd-read-only"), "{refused}");
    // What a pod would meet can be asked all the same.
    let pod =
        serde_json::json!({"metadata": {"name": "a"}, "spec": {"containers": [{"name": "a", "image": "a"}]}});
    let pod = serde_json::from_value(pod).unwrap();
    let dry_run = PostParams { dry_run: true, ..PostParams::default() };
    let pods = Api::<Pod>::namespaced(client, "shop");
    let forbidden = pods.create(&dry_run, &pod).await.unwrap_err().to_string();
    assert!(forbidden.contains(r#"violates PodSecurity "restricted:latest""#), "{forbidden}");
}
