//! An etcd of one's own, for as long as a law takes.

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    sync::Arc,
    thread,
    time::Duration,
};

use bytes::Bytes;
use podsec_storage::{
    Change, Decode, Error, Etcd, EtcdOptions, EtcdTls, Precondition, Range, Revision, Store,
};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tempfile::TempDir;

use crate::subject::{put, show, take};

pub(crate) struct Server {
    pub(crate) url: String,
    process: Child,
    command: Command,
    metrics: String,
    directory: Arc<TempDir>,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::start_with("http", tempfile::tempdir().unwrap(), &[])
    }

    fn start_with(scheme: &str, directory: TempDir, arguments: &[&str]) -> Self {
        Self::start_at(scheme, Arc::new(directory), arguments)
    }

    fn start_at(scheme: &str, directory: Arc<TempDir>, arguments: &[&str]) -> Self {
        let [client, peer, metrics] = [(); 3].map(|()| free_address());
        let (url, peer) = (format!("{scheme}://{client}"), format!("http://{peer}"));
        let mut command = Command::new("etcd");
        command
            .args(["--listen-client-urls", &url, "--advertise-client-urls", &url])
            .args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer])
            .args(["--initial-cluster", &format!("default={peer}")])
            .args(["--listen-metrics-urls", &format!("http://{metrics}")])
            .args(["--heartbeat-interval", "50", "--election-timeout", "300"])
            // As a law's largest value and its shortest patience need it.
            .args([
                "--max-request-bytes",
                "8000000",
                "--experimental-watch-progress-notify-interval",
                "500ms",
            ])
            .arg("--data-dir")
            .arg(directory.path().join("data"))
            .args(arguments)
            .current_dir(directory.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let process = command.spawn().unwrap();
        wait(&metrics);
        Self { url, process, command, metrics, directory }
    }

    fn restart(&mut self) {
        self.stop();
        self.begin();
    }

    fn stop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    fn begin(&mut self) {
        self.process = self.command.spawn().unwrap();
        wait(&self.metrics);
    }

    /// Its data served at another address, once it has stopped.
    fn elsewhere(&self) -> Self {
        Self::start_at("http", Arc::clone(&self.directory), &[])
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs etcd"]
async fn etcd_and_its_client_know_each_other_by_certificates() {
    let directory = tempfile::tempdir().unwrap();
    let key = KeyPair::generate().unwrap();
    let mut parameters = CertificateParams::new([]).unwrap();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = parameters.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(parameters, key);
    fs::write(directory.path().join("ca.pem"), &authority).unwrap();
    let [server, client] = [(); 2].map(|()| {
        let key = KeyPair::generate().unwrap();
        let parameters = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
        (parameters.signed_by(&key, &issuer).unwrap().pem(), key.serialize_pem())
    });
    fs::write(directory.path().join("cert.pem"), server.0).unwrap();
    fs::write(directory.path().join("key.pem"), server.1).unwrap();
    let arguments =
        ["--cert-file=cert.pem", "--key-file=key.pem", "--trusted-ca-file=ca.pem", "--client-cert-auth"];
    let server = Server::start_with("https", directory, &arguments);

    let authority = authority.into_bytes();
    let stranger = EtcdTls { authority: authority.clone(), identity: None };
    let options = EtcdOptions::new(&[&server.url]);
    assert!(Etcd::connect(&EtcdOptions { tls: Some(stranger), ..options.clone() }).await.is_err());
    let identity = Some((client.0.into_bytes(), client.1.into_bytes()));
    let tls = Some(EtcdTls { authority, identity });
    let store = Etcd::connect(&EtcdOptions { tls, ..options }).await.unwrap();
    store.commit("a", Precondition::Absent, put("1")).await.unwrap();
    assert_eq!(store.get("a").await.unwrap().unwrap().value, "1");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs etcd"]
async fn a_watch_outlives_its_connection() {
    let mut server = Server::start();
    let store = connect(&server).await;
    let mut watch = store.watch("a", Revision(1)).await.unwrap();
    store.commit("a", Precondition::Any, put("1")).await.unwrap();
    assert_eq!(take(&mut *watch, 1).await, ["2 create a=1"]);
    server.restart();
    store.commit("a", Precondition::Any, put("2")).await.unwrap();
    store.commit("a", Precondition::Any, put("3")).await.unwrap();
    assert_eq!(take(&mut *watch, 2).await, ["3 modify a=2 was a=1", "4 modify a=3 was a=2"]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs etcd"]
async fn what_one_store_commits_every_other_reads_at_once() {
    let server = Server::start();
    let stores = [connect(&server).await, connect(&server).await, connect(&server).await];
    for round in 0..200 {
        let writer = &stores[round % 3];
        let commit = writer.commit("a", Precondition::Any, put(&round.to_string())).await.unwrap();
        for store in &stores {
            let entry = store.get("a").await.unwrap().unwrap();
            assert_eq!((entry.revision, entry.value), (commit.revision, round.to_string().into()));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs etcd"]
async fn what_others_keep_beside_it_hides_nothing() {
    let server = Server::start();
    let ours = (String::new(), "/ours".to_owned());
    let store =
        Etcd::connect(&EtcdOptions { prefix: ours, ..EtcdOptions::new(&[&server.url]) }).await.unwrap();
    let others = connect(&server).await;
    let mut watch = store.watch("", Revision(1)).await.unwrap();
    for key in ["/others/a", "/ours/a", "/oursnot/a", "/ours/b", "/others/b"] {
        others.commit(key, Precondition::Any, put("1")).await.unwrap();
    }
    let newest = others.revision().await.unwrap();
    assert!(store.revision().await.unwrap() >= newest, "though nothing of its own comes for the last change");
    let page = store.range(Range::prefix("")).await.unwrap();
    assert_eq!(page.entries.iter().map(show).collect::<Vec<_>>(), ["/a=1", "/b=1"]);
    assert!(page.revision >= newest);
    assert_eq!(take(&mut *watch, 2).await, ["3 create /a=1", "5 create /b=1"]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs etcd"]
async fn the_past_from_before_its_time_is_read_from_the_cluster() {
    let server = Server::start();
    let early = connect(&server).await;
    for value in ["1", "2", "3"] {
        early.commit("a", Precondition::Any, put(value)).await.unwrap();
        early.commit("b", Precondition::Any, put(value)).await.unwrap();
    }
    let late = connect(&server).await;
    let range = Range::prefix("").at(Revision(4)).limit(1);
    let page = late.range(range).await.unwrap();
    assert_eq!((show(&page.entries[0]), page.remaining), ("a=2".to_owned(), 1));
    let page = late.range(range.after("a")).await.unwrap();
    assert_eq!((show(&page.entries[0]), page.remaining), ("b=1".to_owned(), 0));
    early.compact(Revision(5)).await.unwrap();
    let gone = late.range(range).await;
    assert!(matches!(gone, Err(Error::Compacted { .. })), "{gone:?}");
    let past = late.watch("", Revision(4)).await.err();
    assert!(matches!(past, Some(Error::Compacted { oldest: Revision(7) })), "{past:?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs etcd"]
async fn a_cluster_that_was_compacted_meanwhile_is_listed_again() {
    let mut server = Server::start();
    let store = connect(&server).await;
    let mut behind = store.watch("", Revision(1)).await.unwrap();
    store.commit("a", Precondition::Any, put("1")).await.unwrap();
    assert_eq!(take(&mut *behind, 1).await, ["2 create a=1"]);
    server.stop();
    // On the same data at another address, so that the store does not see what happens.
    let mut elsewhere = server.elsewhere();
    let other = connect(&elsewhere).await;
    other.commit("a", Precondition::Any, Change::Delete).await.unwrap();
    other.commit("b", Precondition::Any, put("2")).await.unwrap();
    other.compact(Revision(4)).await.unwrap();
    elsewhere.stop();
    server.begin();
    // It retries until it is there again.
    let page = loop {
        if let Ok(page) = store.range(Range::prefix("")).await {
            break page;
        }
    };
    assert_eq!(page.entries.iter().map(show).collect::<Vec<_>>(), ["b=2"]);
    let end = behind.next().await;
    assert!(matches!(end, Err(Error::Lagged { after: Revision(2) })), "{end:?}");
    let mut watch = store.watch("", page.revision).await.unwrap();
    let revision = store.commit("b", Precondition::Any, put("3")).await.unwrap().revision;
    assert_eq!(take(&mut *watch, 1).await, [format!("{revision} modify b=3 was b=2")]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs etcd"]
async fn values_are_decoded_or_left_out() {
    let server = Server::start();
    let plain = connect(&server).await;
    plain.commit("a", Precondition::Any, put("secret")).await.unwrap();
    plain.commit("b", Precondition::Any, put("shout")).await.unwrap();
    let decode =
        Decode::new(|_, value: &Bytes| (value != "secret").then(|| Bytes::from(value.to_ascii_uppercase())));
    let options = EtcdOptions { decode: Some(decode), ..EtcdOptions::new(&[&server.url]) };
    let store = Etcd::connect(&options).await.unwrap().read_only();
    let mut watch = store.watch("", store.revision().await.unwrap()).await.unwrap();
    assert_eq!(store.get("a").await.unwrap(), None);
    assert_eq!(store.get("b").await.unwrap().unwrap().value, "SHOUT");
    plain.commit("b", Precondition::Any, put("secret")).await.unwrap();
    plain.commit("a", Precondition::Any, put("told")).await.unwrap();
    assert_eq!(take(&mut *watch, 2).await, ["4 delete b=SHOUT", "5 create a=TOLD"]);
    let refused = store.commit("a", Precondition::Any, put("1")).await;
    assert!(matches!(refused, Err(Error::ReadOnly)), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs etcd"]
async fn the_cluster_is_compacted_each_interval() {
    let server = Server::start();
    let store = connect(&server).await.compacting_every(Duration::from_millis(300));
    store.commit("a", Precondition::Any, put("1")).await.unwrap();
    store.commit("a", Precondition::Any, put("2")).await.unwrap();
    // Revision 2 goes once the store has stood behind it for an interval.
    let oldest = Range::prefix("").at(Revision(1));
    while connect(&server).await.range(oldest).await.is_ok() {
        store.commit("b", Precondition::Any, put("1")).await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(store.get("a").await.unwrap().unwrap().value, "2");
}

#[tokio::test]
async fn a_cluster_that_does_not_answer_is_an_error() {
    assert!(Etcd::connect(&EtcdOptions::new(&["http://127.0.0.1:1"])).await.is_err());
    assert!(Etcd::connect(&EtcdOptions::new(&["no URL"])).await.is_err());
}

async fn connect(server: &Server) -> Etcd {
    Etcd::connect(&EtcdOptions::new(&[&server.url])).await.unwrap()
}

/// Until it has elected itself and answers.
fn wait(metrics: &str) {
    for _ in 0..500 {
        thread::sleep(Duration::from_millis(20));
        if health(metrics).is_some_and(|answer| answer.contains(r#""health":"true""#)) {
            return;
        }
    }
    panic!("etcd did not start");
}

fn health(address: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.write_all(b"GET /health HTTP/1.0\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}
