//! One list of all pods from `podsec serve`, in three sizes: how long the server takes until it is ready, the list until
//! its first byte and whole, and the memory before, at the peak and after it.
//!
//! `cargo bench -p podsec --bench lists`

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints its figures or breaks off")]

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use podsec_storage::{Change, Precondition, Redb, Retention, Store};
use podsec_testing::client::Client;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const SIZES: [usize; 3] = [3_000, 12_000, 48_000];

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    println!(
        "{:>8}{:>12}{:>10}{:>14}{:>11}{:>9}{:>12}{:>9}{:>10}{:>8}",
        "pods",
        "answer MB",
        "ready ms",
        "first byte ms",
        "whole ms",
        "MB/s",
        "before MB",
        "peak MB",
        "after MB",
        "ratio"
    );
    for size in SIZES {
        let folder = tempfile::tempdir().unwrap();
        runtime.block_on(fill(folder.path(), size));
        let row = runtime.block_on(measure(folder.path()));
        let more = (row.peak - row.before) / row.megabytes;
        println!(
            "{size:>8}{:>12.1}{:>10.0}{:>14.1}{:>11.0}{:>9.0}{:>12.1}{:>9.1}{:>10.1}{more:>8.2}",
            row.megabytes,
            row.ready * 1e3,
            row.first * 1e3,
            row.whole * 1e3,
            row.megabytes / row.whole,
            row.before,
            row.peak,
            row.after,
        );
    }
    println!("ratio: what the list needs at the peak beside the answer");
}

struct Row {
    megabytes: f64,
    ready: f64,
    first: f64,
    whole: f64,
    before: f64,
    peak: f64,
    after: f64,
}

/// Writes the pods into the database of a data directory.
async fn fill(folder: &Path, size: usize) {
    let store = Redb::open(&folder.join("podsec.redb"), Retention::default()).unwrap();
    for first in (0..size).step_by(1000) {
        let puts = (first..size.min(first + 1000)).map(|index| {
            let name = format!("web-{index:06}");
            let value = serde_json::to_vec(&pod(&name)).unwrap();
            let store = &store;
            async move {
                let key = format!("/registry/pods/default/{name}");
                store.commit(&key, Precondition::Absent, Change::Put(value.into())).await.unwrap();
            }
        });
        futures::future::join_all(puts).await;
    }
}

async fn measure(folder: &Path) -> Row {
    let kubeconfig = folder.join("kubeconfig");
    let started = Instant::now();
    let mut server = Server(
        Command::new(env!("CARGO_BIN_EXE_podsec"))
            .args(["serve", "--secure-port", "0", "--data-dir"])
            .arg(folder)
            .arg("--kubeconfig-out")
            .arg(&kubeconfig)
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    while !kubeconfig.exists() {
        assert!(server.0.try_wait().unwrap().is_none(), "the server has ended");
        sleep(Duration::from_millis(2));
    }
    let ready = started.elapsed().as_secs_f64();
    sleep(Duration::from_millis(500));
    let before = server.megabytes("VmRSS:");
    let text = fs::read_to_string(&kubeconfig).unwrap();
    let config = podsec_yaml::to_json(&text).unwrap();
    let cluster = &config["clusters"][0]["cluster"];
    let pem = STANDARD.decode(cluster["certificate-authority-data"].as_str().unwrap()).unwrap();
    let authority = CertificateDer::from_pem_slice(&pem).unwrap();
    let address = cluster["server"].as_str().unwrap().trim_start_matches("https://").parse().unwrap();
    let token = config["users"].as_array().unwrap().iter().find_map(|user| user["user"]["token"].as_str());
    let mut socket = Client::trusting(address, &authority).socket().await.unwrap();
    let request = format!(
        "GET /api/v1/pods HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nauthorization: Bearer {}\r\n\r\n",
        token.unwrap()
    );
    let asked = Instant::now();
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut buffer = vec![0; 1 << 16];
    let (mut first, mut bytes) = (None, 0);
    // A connection that is closed without TLS's own goodbye has ended all the same.
    while let Ok(length @ 1..) = socket.read(&mut buffer).await {
        first.get_or_insert_with(|| asked.elapsed().as_secs_f64());
        bytes += length;
    }
    let whole = asked.elapsed().as_secs_f64();
    let peak = server.megabytes("VmHWM:");
    sleep(Duration::from_secs(1));
    let after = server.megabytes("VmRSS:");
    #[expect(clippy::cast_precision_loss, reason = "a figure to look at")]
    let megabytes = bytes as f64 / 1e6;
    Row { megabytes, ready, first: first.unwrap_or(whole), whole, before, peak, after }
}

struct Server(Child);

impl Server {
    fn megabytes(&self, name: &str) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that has ended already is as good.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A pod of four kilobytes, as they are with their managed fields.
fn pod(name: &str) -> Value {
    let owner = |name: &str| json!({"manager": name, "fieldsV1": {"f:spec": "x".repeat(700)}});
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": name, "namespace": "default", "uid": format!("00000000-0000-0000-0000-{name:0>12}"),
            "labels": {"app": "web"}, "managedFields": [owner("kubectl"), owner("kubelet")],
            "creationTimestamp": "2026-01-01T00:00:00Z",
        },
        "spec": {
            "nodeName": "podsec", "schedulerName": "default-scheduler",
            "containers": [{
                "name": "web", "image": "nginx", "env": [{"name": "TEXT", "value": "y".repeat(1200)}],
            }],
        },
        "status": {"phase": "Running", "message": "z".repeat(900)},
    })
}
