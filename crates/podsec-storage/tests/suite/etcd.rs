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

use podsec_storage::{Error, Etcd, EtcdTls, Precondition, Revision, Store};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::subject::{put, take};

pub(crate) struct Server {
    pub(crate) url: String,
    process: Child,
    command: Command,
    metrics: String,
    _directory: TempDir,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::start_with("http", tempfile::tempdir().unwrap(), &[])
    }

    fn start_with(scheme: &str, directory: TempDir, arguments: &[&str]) -> Self {
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
        Self { url, process, command, metrics, _directory: directory }
    }

    fn restart(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        self.process = self.command.spawn().unwrap();
        wait(&self.metrics);
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
    let stranger = Etcd::new(&[&server.url], Some(&stranger)).unwrap();
    assert!(stranger.get("a").await.is_err());
    let identity = Some((client.0.into_bytes(), client.1.into_bytes()));
    let store = Etcd::new(&[&server.url], Some(&EtcdTls { authority, identity })).unwrap();
    store.commit("a", Precondition::Absent, put("1")).await.unwrap();
    assert_eq!(store.get("a").await.unwrap().unwrap().value, "1");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs etcd"]
async fn a_watch_outlives_its_connection() {
    let mut server = Server::start();
    let store = Etcd::new(&[&server.url], None).unwrap();
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
async fn a_watch_that_nobody_asks_is_cut_off() {
    let server = Server::start();
    let store = Arc::new(Etcd::new(&[&server.url], None).unwrap());
    let mut watch = store.watch("", Revision(1)).await.unwrap();
    let mut writers = JoinSet::new();
    for _ in 0..64 {
        let store = Arc::clone(&store);
        writers.spawn(async move {
            for _ in 0..160 {
                store.commit("a", Precondition::Any, put("1")).await.unwrap();
            }
        });
    }
    writers.join_all().await;
    // Until all that has a place in the buffer is there.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let mut told = 1;
    let end = loop {
        match watch.next().await {
            Ok(events) => {
                for event in events {
                    told += 1;
                    assert_eq!(event.revision(), Revision(told));
                }
            }
            Err(end) => break end,
        }
    };
    assert!(matches!(end, Error::Lagged { after } if after == Revision(told)), "{end:?}");
}

#[test]
fn without_a_runtime_there_is_no_connection() {
    assert!(Etcd::new(&["http://127.0.0.1:1"], None).is_err());
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
