//! `podsec webhook`: the admission webhook, with the flags of upstream's.

mod doctor;
mod manifests;

use std::io::{self, IsTerminal as _};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, Subcommand, ValueEnum};
use podsec_transport::ClientAuthorities;
use podsec_transport::body::Pace;
use podsec_webhook::tls::{SniCertificate, TlsOptions, TlsVersion, cipher_suites};
use podsec_webhook::{AuthenticationOptions, Load, Options, SelfSigned, Server, TlsSecret, Traces};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use super::connections::ConnectionArguments;

/// The flags, named as upstream's webhook has them.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// The PodSecurityConfiguration, read again when it changes. Without one only labels restrict.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// How to reach the API server; the pod's service account is used without it.
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// The requests a second that the API server may be asked.
    #[arg(long, default_value_t = 20.0, value_name = "NUMBER")]
    client_qps_limit: f32,
    /// The requests that the API server may be asked at once.
    #[arg(long, default_value_t = 50, value_name = "NUMBER")]
    client_qps_burst: u32,
    /// The IP address to listen on.
    #[arg(long, default_value = "0.0.0.0", value_name = "ADDRESS")]
    bind_address: IpAddr,
    /// The HTTPS port to listen on; 0 takes any free one.
    #[arg(long, default_value_t = 8443, value_name = "PORT")]
    secure_port: u16,
    /// The folder of webhook.crt and webhook.key, or of tls.crt and tls.key, where --tls-cert-file is not given.
    #[arg(long, default_value = "apiserver.local.config/certificates", value_name = "DIRECTORY")]
    cert_dir: PathBuf,
    /// The serving certificate with its chain, read again when it changes.
    #[arg(long, value_name = "FILE", requires = "tls_private_key_file")]
    tls_cert_file: Option<PathBuf>,
    /// The private key of --tls-cert-file.
    #[arg(long, value_name = "FILE", requires = "tls_cert_file")]
    tls_private_key_file: Option<PathBuf>,
    /// Make the certificate, keep it in a Secret, tell the API server to trust it, and rotate it.
    #[arg(long, conflicts_with = "tls_cert_file")]
    self_signed: bool,
    /// The Secret that holds the serving certificate (tls.crt and tls.key), followed by a watch: it is waited for, and
    /// read again when it changes.
    #[arg(long, value_name = "NAMESPACE/NAME", conflicts_with_all = ["tls_cert_file", "self_signed"])]
    tls_secret: Option<TlsSecret>,
    /// A certificate and key file for clients that ask for certain names: cert.pem,key.pem or
    /// cert.pem,key.pem:*.foo.com,foo.com; those in the certificate without any. May be repeated.
    #[arg(long, value_name = "CERT,KEY[:NAMES]")]
    tls_sni_cert_key: Vec<SniCertificate>,
    /// The namespace of the Service that the API server calls and of the Secret, for --self-signed.
    #[arg(long, default_value_t = SelfSigned::default().namespace, value_name = "NAME")]
    service_namespace: String,
    /// The Service that the API server calls, for --self-signed.
    #[arg(long, default_value_t = SelfSigned::default().service, value_name = "NAME")]
    service_name: String,
    /// The Secret that holds the certificates, for --self-signed.
    #[arg(long, default_value_t = SelfSigned::default().secret, value_name = "NAME")]
    secret_name: String,
    /// The ValidatingWebhookConfiguration that is told of the authorities, for --self-signed.
    #[arg(long, default_value_t = SelfSigned::default().configuration, value_name = "NAME")]
    webhook_configuration_name: String,
    /// The oldest version of TLS that is spoken: VersionTLS12 or VersionTLS13.
    #[arg(long, default_value = "VersionTLS12", value_name = "VERSION")]
    tls_min_version: TlsVersion,
    /// The cipher suites that are spoken, as a comma-separated list of their IANA names.
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    tls_cipher_suites: Vec<String>,
    /// Certificate authorities of API servers: who shows a certificate of theirs is answered. With this flag or
    /// --client-token-file nobody else is, but for health checks.
    #[arg(long, value_name = "FILE")]
    client_ca_file: Option<PathBuf>,
    /// The common names that such a certificate may have; any when empty.
    #[arg(long, value_delimiter = ',', value_name = "NAMES", requires = "client_ca_file")]
    client_allowed_names: Vec<String>,
    /// Bearer tokens of API servers, one a line, read again when they change: who sends one is answered.
    #[arg(long, value_name = "FILE")]
    client_token_file: Option<PathBuf>,
    /// The requests at one time on one HTTP/2 connection; 0 leaves it to the server.
    #[arg(long, default_value_t = 0, value_name = "NUMBER")]
    http2_max_streams_per_connection: u32,
    /// Let other processes listen on the same port.
    #[arg(long)]
    permit_port_sharing: bool,
    /// Accepted for compatibility: the address is always shared with connections that are still closing.
    #[arg(long)]
    permit_address_sharing: bool,
    /// The existing pods that are checked against a new enforce level; 0 for all.
    #[arg(long, default_value_t = Load::default().existing_pods, value_name = "NUMBER")]
    existing_pods_limit: usize,
    /// The milliseconds that checking them may take; 0 for as long as the request has time.
    #[arg(long, default_value_t = 1000, value_name = "MILLISECONDS")]
    existing_pods_timeout: u64,
    /// The reviews at one time, and besides them as many whose bodies are still arriving; one more is answered 429.
    #[arg(long, default_value_t = Load::default().reviews, value_name = "NUMBER")]
    max_requests_inflight: usize,
    /// The megabytes of request bodies in memory at one time; what does not fit is answered 429.
    #[arg(long, default_value_t = Load::default().body_bytes >> 20, value_name = "MEGABYTES")]
    max_body_memory: usize,
    /// The seconds that a review may take, the arrival of its body included. The ?timeout= of a request may shorten it.
    #[arg(long, default_value_t = Load::default().timeout.as_secs(), value_name = "SECONDS")]
    request_timeout: u64,
    /// The seconds that a client may send nothing of a body that it has begun.
    #[arg(long, default_value_t = Load::default().pace.idle.as_secs(), value_name = "SECONDS")]
    body_idle_timeout: u64,
    /// The kilobytes a second at which a body must arrive on the average.
    #[arg(long, default_value_t = Load::default().pace.rate >> 10, value_name = "KILOBYTES")]
    min_body_rate: u32,
    #[command(flatten)]
    connections: ConnectionArguments,
    /// The seconds to serve on after SIGTERM, until nobody is sent here any more.
    #[arg(long, default_value_t = 5, value_name = "SECONDS")]
    shutdown_delay: u64,
    /// How to write the log on standard error. PODSEC_LOG sets what is logged, as in PODSEC_LOG=debug.
    #[arg(long, default_value = "json", value_enum)]
    log_format: LogFormat,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Examine an installed webhook from outside: registered, asked, trusted, reachable, and what if not.
    ///
    /// Tries with the rights of the kubeconfig's user what the API server does, and says what would happen when the webhook
    /// is down.
    #[command(after_long_help = include_str!("../help/webhook-doctor.txt"))]
    Doctor(doctor::Arguments),
    /// Print the manifests that install the webhook.
    ///
    /// A namespace, the webhook's deployment, service, rights and network, and its registration with the API server.
    #[command(after_long_help = include_str!("../help/webhook-manifests.txt"))]
    Manifests(manifests::Arguments),
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LogFormat {
    Json,
    Text,
}

/// Serves until SIGTERM or SIGINT, or prints what was asked for instead.
pub(crate) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    match arguments.command {
        Some(Command::Doctor(arguments)) => return doctor::run(arguments),
        Some(Command::Manifests(arguments)) => return manifests::run(arguments),
        None => {}
    }
    log(arguments.log_format);
    let options = arguments.options()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.context("cannot start threads")?.block_on(serve(options))?;
    Ok(ExitCode::SUCCESS)
}

async fn serve(options: Options) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot wait for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot wait for SIGINT")?;
    let options = Options { traces: Traces::from_environment()?, ..options };
    let mut stop = pin!(async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    });
    let server = tokio::select! {
        server = Server::start(options) => server?,
        // It may wait for its certificate, and nobody relies on it yet.
        () = &mut stop => return Ok(()),
    };
    server.serve(stop).await;
    Ok(())
}

fn log(format: LogFormat) {
    let filter = EnvFilter::try_from_env("PODSEC_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_target(false);
    match format {
        LogFormat::Json => lines.json().flatten_event(true).init(),
        LogFormat::Text => lines.with_ansi(io::stderr().is_terminal()).init(),
    }
}

impl Arguments {
    fn options(self) -> anyhow::Result<Options> {
        let (tls_cert_file, tls_private_key_file) = match (self.tls_cert_file, self.tls_private_key_file) {
            (Some(certificate), Some(key)) => (certificate, key),
            _ => pair_in(&self.cert_dir),
        };
        let authorities = self.client_ca_file.map(|path| {
            let pem = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            ClientAuthorities::from_pem(&pem).with_context(|| format!("cannot use {}", path.display()))
        });
        let authentication = AuthenticationOptions {
            authorities: authorities.transpose()?,
            allowed_names: self.client_allowed_names,
            token_file: self.client_token_file,
        };
        let tls = TlsOptions {
            min_version: self.tls_min_version,
            cipher_suites: match self.tls_cipher_suites.as_slice() {
                [] => Vec::new(),
                names => cipher_suites(&names.join(","))?,
            },
        };
        let load = Load {
            reviews: self.max_requests_inflight,
            body_bytes: self.max_body_memory << 20,
            pace: Pace {
                idle: Duration::from_secs(self.body_idle_timeout),
                rate: self.min_body_rate.saturating_mul(1 << 10),
                ..Pace::default()
            },
            timeout: Duration::from_secs(self.request_timeout),
            existing_pods: unless_zero(self.existing_pods_limit).unwrap_or(usize::MAX),
            existing_pods_timeout: unless_zero(self.existing_pods_timeout)
                .map_or(Duration::MAX, Duration::from_millis),
        };
        let mut options = Options {
            bind_address: self.bind_address,
            secure_port: self.secure_port,
            permit_port_sharing: self.permit_port_sharing,
            tls_cert_file,
            tls_private_key_file,
            self_signed: self.self_signed.then_some(SelfSigned {
                namespace: self.service_namespace,
                secret: self.secret_name,
                service: self.service_name,
                configuration: self.webhook_configuration_name,
            }),
            tls_secret: self.tls_secret,
            sni_certificates: self.tls_sni_cert_key,
            tls,
            authentication,
            limits: self.connections.limits(),
            configuration: self.config,
            kubeconfig: self.kubeconfig,
            client_qps_limit: self.client_qps_limit,
            client_qps_burst: self.client_qps_burst,
            load,
            shutdown_delay: Duration::from_secs(self.shutdown_delay),
            ..Options::default()
        };
        if let Some(streams) = unless_zero(self.http2_max_streams_per_connection) {
            options.limits.streams = streams;
        }
        Ok(options)
    }
}

/// The certificate and key in a folder, named as upstream names them or as a mounted Secret does.
fn pair_in(folder: &Path) -> (PathBuf, PathBuf) {
    let pair = |name: &str| (folder.join(format!("{name}.crt")), folder.join(format!("{name}.key")));
    let (secret, upstream) = (pair("tls"), pair("webhook"));
    if secret.0.exists() && !upstream.0.exists() { secret } else { upstream }
}

fn unless_zero<T: PartialEq + From<u8>>(number: T) -> Option<T> {
    (number != T::from(0)).then_some(number)
}
