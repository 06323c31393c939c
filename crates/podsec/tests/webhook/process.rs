//! A `podsec webhook` of its own for each test, in front of a `podsec serve`, killed when dropped.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::Value;
use tempfile::TempDir;
use tokio::time::sleep;

use crate::authority::Authority;
use crate::client::Client;
use crate::server::Server;

pub(crate) struct Webhook {
    process: Child,
    log: PathBuf,
    pub(crate) address: SocketAddr,
}

/// Files for a webhook: a certificate for `localhost`, and what it is given beside them.
pub(crate) struct Stage {
    pub(crate) authority: Authority,
    pub(crate) server: Server,
    folder: TempDir,
}

impl Stage {
    pub(crate) fn set() -> Self {
        Self::with(&[])
    }

    /// With an API server that is given these arguments.
    pub(crate) fn with(arguments: &[&str]) -> Self {
        let (authority, folder) = (Authority::new(), tempfile::tempdir().unwrap());
        let pair = authority.issue(2100);
        fs::write(folder.path().join("tls.crt"), &pair.certificate).unwrap();
        fs::write(folder.path().join("tls.key"), &pair.key).unwrap();
        fs::write(folder.path().join("ca.crt"), authority.pem()).unwrap();
        Self { authority, server: Server::start(arguments), folder }
    }

    /// A client of the API server.
    pub(crate) async fn cluster(&self) -> kube::Client {
        let kubeconfig = Kubeconfig::read_from(self.server.kubeconfig()).unwrap();
        let config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
        kube::Client::try_from(config.unwrap()).unwrap()
    }

    /// Starts a webhook.
    pub(crate) fn spawn(&self, arguments: &[&str]) -> Webhook {
        let log = self.folder.path().join(format!("webhook-{:?}.log", Instant::now()));
        let process = Command::new(env!("CARGO_BIN_EXE_podsec"))
            .args(["webhook", "--kubeconfig"])
            .arg(self.server.kubeconfig())
            .args(if arguments.contains(&"--bind-address") {
                &[][..]
            } else {
                &["--bind-address", "127.0.0.1"]
            })
            .args(arguments)
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stderr(fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        Webhook { process, log, address: SocketAddr::from(([0, 0, 0, 0], 0)) }
    }

    /// Starts a webhook and waits until it listens.
    pub(crate) async fn start(&self, arguments: &[&str]) -> Webhook {
        let mut webhook = self.spawn(arguments);
        let deadline = Instant::now() + Duration::from_secs(30);
        webhook.address = loop {
            let listening = webhook.said("listening").and_then(|line| line["address"].as_str()?.parse().ok());
            if let Some(address) = listening {
                break address;
            }
            assert!(
                webhook.process.try_wait().unwrap().is_none() && Instant::now() < deadline,
                "{}",
                webhook.text()
            );
            sleep(Duration::from_millis(10)).await;
        };
        webhook
    }

    /// Starts a webhook with the certificate for `localhost` and waits until it is ready.
    pub(crate) async fn start_ready(&self, arguments: &[&str]) -> (Webhook, Client) {
        let certificate = ["--tls-cert-file", "tls.crt", "--tls-private-key-file", "tls.key"];
        let webhook = self.start(&[&certificate, arguments].concat()).await;
        let client = Client::new(webhook.address, &self.authority);
        ready(&client).await;
        (webhook, client)
    }
}

impl Webhook {
    pub(crate) fn terminate(&self) {
        let killed = Command::new("kill").args(["-TERM", &self.process.id().to_string()]).status();
        assert!(killed.unwrap().success());
    }

    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "it goes on: {}", self.text());
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// The line of the log that says this.
    pub(crate) fn said(&self, message: &str) -> Option<Value> {
        let text = self.text();
        let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.into_iter().find(|line| line["message"] == message)
    }

    pub(crate) fn text(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }
}

impl Drop for Webhook {
    fn drop(&mut self) {
        // Both fail only when it has ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Waits until a webhook knows the namespaces.
pub(crate) async fn ready(client: &Client) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !client.get("/readyz").await.0.is_success() {
        assert!(Instant::now() < deadline, "never ready");
        sleep(Duration::from_millis(10)).await;
    }
}
