//! The webhook as a process: what it is told, what it needs, and how long it lives.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use podsec_admission::Admission;
use podsec_transport::Listener;
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::authentication::{Authentication, TokensError};
use crate::certificates::{Certificates, OpenError};
use crate::cluster::{self, Kubernetes, KubernetesError, Namespaces, chain};
use crate::configuration::{ConfigurationFile, ReadError};
use crate::files::Repeated;
use crate::handler::Webhook;
use crate::metrics::Metrics;
use crate::options::Options;
use crate::tls::{self, TlsError};
use crate::traces::Traces;

/// Why the webhook does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// There is no certificate to serve.
    #[error(transparent)]
    Certificate(#[from] OpenError),
    /// The configuration cannot be used.
    #[error(transparent)]
    Configuration(#[from] ReadError),
    /// There is no way to the API server.
    #[error(transparent)]
    Kubernetes(#[from] KubernetesError),
    /// The address is taken, or none of this machine.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The operating system's answer.
        source: io::Error,
    },
    /// TLS cannot be set up.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The bearer tokens of clients cannot be used.
    #[error(transparent)]
    Tokens(#[from] TokensError),
}

/// A webhook that listens.
pub struct Server {
    listener: Listener,
    address: SocketAddr,
    webhook: Arc<Webhook>,
    shutdown_delay: Duration,
    traces: Traces,
    /// What goes on beside answering; ends with the server.
    _tasks: JoinSet<()>,
}

impl Server {
    /// Reads all files, listens, and begins to watch the cluster and the files. Fails on what is wrong from the
    /// start; the API server may be away. Waits for a Secret that is to hold the certificate and does not yet.
    ///
    /// # Errors
    /// When a file or an address cannot be used.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let configuration = options.configuration.clone().map(ConfigurationFile::read).transpose()?;
        let client = cluster::client(options.kubeconfig.as_deref()).await?;
        let certificates = Certificates::open(&options, &client).await?;
        let clients = options.authentication.authorities.as_ref();
        let tls = Arc::new(tls::server_config(certificates.resolver(), &options.tls, clients)?);
        let mut tasks = JoinSet::new();
        let authentication =
            Authentication::open(&options.authentication, &mut tasks, options.poll_interval)?;
        let socket = listen(&options)?;
        let address = socket.local_addr().map_err(|source| listening(&options, source))?;

        let metrics = Arc::new(Metrics::default());
        metrics.count_configuration();
        let namespaces = Arc::new(Namespaces::default());
        let live = Kubernetes::new(client.clone(), options.client_qps_limit, options.client_qps_burst);
        let admission = configuration.as_ref().map_or_else(Admission::default, ConfigurationFile::admission);
        let webhook = Webhook::new(
            admission,
            Arc::clone(&namespaces),
            Arc::new(live),
            Arc::clone(&metrics),
            options.load,
        );
        let webhook = webhook.with_traces(options.traces.clone()).with_authentication(authentication);
        let webhook = Arc::new(webhook);

        let listed = {
            let webhook = Arc::clone(&webhook);
            move || webhook.set_ready()
        };
        tasks.spawn(cluster::watch(client, Arc::clone(&namespaces), listed));
        certificates.keep(&mut tasks, &metrics, options.poll_interval);
        let listener =
            Listener { socket, tls, limits: options.limits, metrics: metrics.connections().clone() };
        if let Some(file) = configuration {
            let webhook = Arc::clone(&webhook);
            tasks.spawn(reload_configuration(file, webhook, namespaces, metrics, options.poll_interval));
        }
        tracing::info!(%address, "listening");
        let Options { shutdown_delay, traces, .. } = options;
        Ok(Self { listener, address, webhook, shutdown_delay, traces, _tasks: tasks })
    }

    /// Where the webhook listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `stop` resolves. Then it says that it is about to leave, answers on for the shutdown delay, and
    /// ends when all that was begun is answered.
    pub async fn serve(self, stop: impl Future<Output = ()>) {
        let webhook = Arc::clone(&self.webhook);
        let leave = async {
            stop.await;
            tracing::info!(seconds = self.shutdown_delay.as_secs_f64(), "told to stop");
            webhook.leave();
            sleep(self.shutdown_delay).await;
        };
        self.listener.serve(self.webhook, leave).await;
        self.traces.finish().await;
        tracing::info!("stopped");
    }
}

fn listen(options: &Options) -> Result<TcpListener, StartError> {
    let address = SocketAddr::new(options.bind_address, options.secure_port);
    let bound = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        // A restarted webhook must not wait for the connections of the one before.
        socket.set_reuseaddr(true)?;
        socket.set_reuseport(options.permit_port_sharing)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    bound().map_err(|source| listening(options, source))
}

fn listening(options: &Options, source: io::Error) -> StartError {
    StartError::Listen { address: SocketAddr::new(options.bind_address, options.secure_port), source }
}

/// Decides by another configuration whenever the file holds one.
async fn reload_configuration(
    mut file: ConfigurationFile,
    webhook: Arc<Webhook>,
    namespaces: Arc<Namespaces>,
    metrics: Arc<Metrics>,
    interval: Duration,
) {
    let mut unread = Repeated::default();
    loop {
        sleep(interval).await;
        match file.changed(&namespaces) {
            Ok(None) => unread.clear(),
            Ok(Some(admission)) => {
                webhook.reconfigure(admission);
                metrics.count_configuration();
            }
            Err(ReadError::File(error)) => unread.log(&error),
            Err(error) => {
                metrics.count_refused_configuration();
                tracing::error!(error = chain(&error), "the new configuration is refused; the old one stays");
            }
        }
    }
}

/// Connections that wait to be accepted.
const BACKLOG: u32 = 1024;
