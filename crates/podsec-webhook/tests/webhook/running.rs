//! A webhook that runs, with everything around it.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use podsec_webhook::{Options, Server};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use crate::api_server::ApiServer;
use crate::authority::{Authority, Pair};
use crate::client::Client;

pub(crate) struct Running {
    pub(crate) api_server: ApiServer,
    pub(crate) authority: Authority,
    pub(crate) client: Client,
    pub(crate) folder: TempDir,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<()>,
}

impl Running {
    /// A webhook in front of `api_server` that knows its namespaces.
    pub(crate) async fn start(api_server: ApiServer, change: impl FnOnce(&mut Options)) -> Self {
        let running = Self::begin(api_server, change).await;
        running.eventually("ready", async || running.client.get("/readyz").await.0.is_success()).await;
        running
    }

    /// A webhook that listens, and may not know its namespaces yet.
    pub(crate) async fn begin(api_server: ApiServer, change: impl FnOnce(&mut Options)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::new();
        write(&folder, &authority.issue(2100));
        api_server.write_kubeconfig(&folder.path().join("kubeconfig"));
        let mut options = Options {
            bind_address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            secure_port: 0,
            tls_cert_file: folder.path().join("tls.crt"),
            tls_private_key_file: folder.path().join("tls.key"),
            kubeconfig: Some(folder.path().join("kubeconfig")),
            poll_interval: Duration::from_millis(5),
            shutdown_delay: Duration::ZERO,
            ..Options::default()
        };
        change(&mut options);
        let server = Server::start(options).await.unwrap();
        let client = Client::new(server.address(), &authority);
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(server.serve(async { drop(stopped.await) }));
        Self { api_server, authority, client, folder, stop: Some(stop), serving }
    }

    /// Tells the webhook to stop, as SIGTERM does.
    pub(crate) fn stop(&mut self) {
        drop(self.stop.take());
    }

    /// Waits until the webhook has stopped.
    pub(crate) async fn stopped(&mut self) {
        tokio::time::timeout(Duration::from_secs(20), &mut self.serving).await.unwrap().unwrap();
    }

    pub(crate) async fn eventually(&self, what: &str, is_so: impl AsyncFn() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !is_so().await {
            assert!(Instant::now() < deadline, "never {what}");
            sleep(Duration::from_millis(10)).await;
        }
    }
}

/// Puts a certificate where the webhook looks for it.
pub(crate) fn write(folder: &TempDir, pair: &Pair) {
    std::fs::write(folder.path().join("tls.crt"), &pair.certificate).unwrap();
    std::fs::write(folder.path().join("tls.key"), &pair.key).unwrap();
}
