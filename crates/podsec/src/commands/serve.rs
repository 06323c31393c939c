//! `podsec serve`: a Kubernetes API server with Pod Security and auditing.

use std::io::{self, IsTerminal as _};
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, Subcommand, ValueEnum};
use podsec_apiserver::{
    ApiServer, AuditLogFormat, AuditLogMode, AuditOptions, AuthorizationModes, AuthorizationWebhookOptions,
    Emulation, Options, Plugins, Server, ServiceAccountOptions, ServiceRange, ServingOptions, User,
};
use podsec_controllers::{Clients, Clock, Controllers, LeaderElection, Selection};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;
use tracing_subscriber::EnvFilter;
use uuid::Uuid;

use super::connections::ConnectionArguments;
use super::etcd::EtcdArguments;
use super::snapshot;

/// The flags, named as kube-apiserver's where it has them.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// The IP address to listen on.
    #[arg(long, default_value = "127.0.0.1")]
    bind_address: IpAddr,
    /// The HTTPS port to listen on; 0 takes any free one.
    #[arg(long, default_value_t = 6443)]
    secure_port: u16,
    /// The IP address that clients are told to find the server at, when it is not the one it listens on.
    #[arg(long, value_name = "ADDRESS")]
    advertise_address: Option<IpAddr>,
    /// The folder of apiserver.crt and apiserver.key, which the server shows; they are made when both are absent.
    /// Without this flag the server's own authority signs a certificate at every start.
    #[arg(long, value_name = "DIRECTORY")]
    cert_dir: Option<PathBuf>,
    /// The certificate to show, with those that lead to its authority, PEM; before what --cert-dir has.
    #[arg(long, value_name = "FILE", requires = "tls_private_key_file")]
    tls_cert_file: Option<PathBuf>,
    /// The key of --tls-cert-file, PEM.
    #[arg(long, value_name = "FILE", requires = "tls_cert_file")]
    tls_private_key_file: Option<PathBuf>,
    /// Authorities whose certificates name clients, PEM: the common name is the user, organizations are groups.
    #[arg(long, value_name = "FILE")]
    client_ca_file: Option<PathBuf>,
    /// The addresses of Services: one block of IPv4, from a /12 to a /29.
    #[arg(long, default_value_t = ServiceRange::default(), value_name = "CIDR")]
    service_cluster_ip_range: ServiceRange,
    /// Where to write the kubeconfig once the server is ready.
    #[arg(long, default_value = "./podsec.kubeconfig", value_name = "FILE")]
    kubeconfig_out: PathBuf,
    /// Where the database, the certificate authority, the signing key and the token are kept [default: ./podsec-data].
    #[arg(long, value_name = "DIRECTORY")]
    data_dir: Option<PathBuf>,
    /// Keep everything in memory and forget it at the end.
    #[arg(long, conflicts_with = "data_dir")]
    in_memory: bool,
    /// An AdmissionConfiguration that holds or points to a PodSecurityConfiguration.
    #[arg(long, value_name = "FILE")]
    admission_control_config_file: Option<PathBuf>,
    /// Admission plugins to run besides those that run by default, by kube-apiserver's names.
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    enable_admission_plugins: Vec<String>,
    /// Admission plugins not to run, as in PodSecurity or ValidatingAdmissionWebhook.
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    disable_admission_plugins: Vec<String>,
    /// Who decides whether a request is allowed, in order: Node, RBAC, Webhook, AlwaysAllow, AlwaysDeny.
    #[arg(long, value_delimiter = ',', default_value = "Node,RBAC", value_name = "MODES")]
    authorization_mode: Vec<String>,
    /// The kubeconfig of the service that decides with the mode Webhook.
    #[arg(long, value_name = "FILE")]
    authorization_webhook_config_file: Option<PathBuf>,
    /// The version of the SubjectAccessReviews that it is sent.
    #[arg(long, default_value = "v1beta1", value_parser = ["v1", "v1beta1"], value_name = "VERSION")]
    authorization_webhook_version: String,
    /// How long its yes holds.
    #[arg(long, default_value = "5m", value_parser = duration, value_name = "DURATION")]
    authorization_webhook_cache_authorized_ttl: Duration,
    /// How long its no holds.
    #[arg(long, default_value = "30s", value_parser = duration, value_name = "DURATION")]
    authorization_webhook_cache_unauthorized_ttl: Duration,
    /// Answer requests without credentials as those of system:anonymous, instead of refusing them.
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set, value_name = "BOOL")]
    anonymous_auth: bool,
    /// More users, one a line: token,user name,user uid,"group1,group2".
    #[arg(long, value_name = "FILE")]
    token_auth_file: Option<PathBuf>,
    /// The private RSA or ECDSA key that signs service account tokens; made and kept in the data directory when absent.
    #[arg(long, value_name = "FILE")]
    service_account_signing_key_file: Option<PathBuf>,
    /// More keys to verify service account tokens with, public or private; may be given more than once.
    #[arg(long, value_name = "FILE")]
    service_account_key_file: Vec<PathBuf>,
    /// The issuer of service account tokens; tokens of further ones are accepted.
    #[arg(long, default_value = "https://kubernetes.default.svc.cluster.local", value_name = "URL")]
    service_account_issuer: Vec<String>,
    /// Where OpenID discovery says that the public keys are; this server's address when absent.
    #[arg(long, value_name = "URL")]
    service_account_jwks_uri: Option<String>,
    /// The longest lifetime of a service account token, as in 24h.
    #[arg(long, value_parser = duration_seconds, value_name = "DURATION")]
    service_account_max_token_expiration: Option<i64>,
    /// Let the tokens that a kubelet mounts hold for a year, as long as their pod is there.
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set, value_name = "BOOL")]
    service_account_extend_token_expiration: bool,
    /// The audiences of the API server, for tokens of other issuers' making; the issuer when absent.
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    api_audiences: Vec<String>,
    /// The audit policy (audit.k8s.io/v1); without one nothing is audited.
    #[arg(long, value_name = "FILE")]
    audit_policy_file: Option<PathBuf>,
    /// Where audit events are written as JSON lines; '-' is standard output.
    #[arg(long, value_name = "FILE")]
    audit_log_path: Option<PathBuf>,
    /// The form of an audit event in the log.
    #[arg(long, value_enum, default_value_t = AuditFormat::Json, value_name = "FORMAT")]
    audit_log_format: AuditFormat,
    /// What happens when an audit event cannot be written: the request goes on, or does not run.
    #[arg(long, value_enum, default_value_t = AuditMode::Blocking, value_name = "MODE")]
    audit_log_mode: AuditMode,
    /// Compress rotated audit logs.
    #[arg(long)]
    audit_log_compress: bool,
    /// The days to keep rotated audit logs; 0 keeps them for ever.
    #[arg(long, default_value_t = 0, value_name = "DAYS")]
    audit_log_maxage: u32,
    /// The number of rotated audit logs to keep; 0 keeps all.
    #[arg(long, default_value_t = 0, value_name = "COUNT")]
    audit_log_maxbackup: u32,
    /// The size in megabytes at which the audit log is rotated; 0 means 100.
    #[arg(long, default_value_t = 0, value_name = "MEGABYTES")]
    audit_log_maxsize: u32,
    #[command(flatten)]
    etcd: EtcdArguments,
    /// Run the controllers only as long as this server holds the Lease kube-system/kube-controller-manager; the default
    /// with --etcd-servers, since several servers may use one etcd.
    #[arg(long, num_args = 0..=1, default_missing_value = "true", require_equals = true, value_name = "BOOL")]
    leader_elect: Option<bool>,
    /// The minor of Kubernetes that clients see, from 1.30 on: without the kinds and fields that came later.
    #[arg(long, value_name = "VERSION", default_value_t)]
    emulated_version: Emulation,
    /// How many bytes all objects in the database may have together; 0 is no bound. At the bound nothing can be
    /// created or changed until something is deleted.
    #[arg(long, default_value_t = 0, value_name = "BYTES", conflicts_with_all = ["in_memory", "etcd_servers"])]
    quota_backend_bytes: usize,
    /// The requests at one time that only read; one more is answered 429. 0 for any number.
    #[arg(long, default_value_t = Options::default().max_requests_inflight, value_name = "NUMBER")]
    max_requests_inflight: usize,
    /// The requests at one time that may write; one more is answered 429. 0 for any number.
    #[arg(long, default_value_t = Options::default().max_mutating_requests_inflight, value_name = "NUMBER")]
    max_mutating_requests_inflight: usize,
    #[command(flatten)]
    oidc: super::oidc::OidcArguments,
    #[command(flatten)]
    connections: ConnectionArguments,
    /// The controllers to run, as kube-controller-manager takes them: * for all, a name for that one, -name for all but
    /// that one.
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "*",
        value_name = "NAMES",
        allow_hyphen_values = true
    )]
    controllers: Vec<String>,
    /// Run a tiny node that takes pods to Running, as a kubelet would.
    #[arg(long)]
    node: bool,
}

/// What is done with a server that does not run.
#[derive(Debug, Subcommand)]
enum Command {
    /// Copies of the database: take, put back, verify, count.
    ///
    /// For a server that keeps its objects in a file and is stopped. What is in etcd is saved and restored with etcd's own
    /// tools.
    #[command(after_long_help = include_str!("help/serve-snapshot.txt"))]
    Snapshot(snapshot::Arguments),
}

/// Seconds of a duration in Go's form: `90m`, `1h30m`.
fn duration_seconds(text: &str) -> Result<i64, String> {
    let wrong = || format!("want a duration of at least an hour, as in 24h or 1h30m, not {text:?}");
    let span = podsec_go::duration::parse_positive(text).map_err(|_| wrong())?;
    i64::try_from(span.as_secs()).ok().filter(|seconds| *seconds >= 3600).ok_or_else(wrong)
}

/// A duration in Go's form: `30s`, `5m`.
fn duration(text: &str) -> Result<Duration, String> {
    podsec_go::duration::parse_positive(text)
        .map_err(|_| format!("want a duration, as in 30s or 5m, not {text:?}"))
}

/// The values of `--audit-log-format`.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum AuditFormat {
    /// One JSON object a line.
    Json,
    /// Kubernetes' older line of text.
    Legacy,
}

/// The values of `--audit-log-mode`.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum AuditMode {
    /// A lost event does not stop the request.
    Blocking,
    /// A request whose arrival cannot be recorded is refused.
    BlockingStrict,
}

/// Serves until SIGTERM or SIGINT.
pub(crate) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    if let Some(Command::Snapshot(arguments)) = &arguments.command {
        return snapshot::run(arguments);
    }
    let controllers = RunControllers {
        selection: arguments.controllers()?,
        leader_elect: arguments.leader_elect.unwrap_or_else(|| arguments.etcd.is_used()),
    };
    run_with(&arguments.options()?, controllers, "info")
}

/// Which controllers run, and whether only while this server is the leader of those that share its store.
pub(super) struct RunControllers {
    pub(super) selection: Selection,
    pub(super) leader_elect: bool,
}

/// Serves until SIGTERM or SIGINT, and logs from `level` on unless the environment says otherwise.
pub(super) fn run_with(
    options: &Options,
    controllers: RunControllers,
    level: &str,
) -> anyhow::Result<ExitCode> {
    let filter = EnvFilter::try_from_env("PODSEC_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    let ansi = io::stderr().is_terminal();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(ansi)
        .with_target(false)
        .init();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .thread_stack_size(podsec_apiserver::STACK_BYTES)
        .enable_all()
        .build();
    runtime.context("cannot start threads")?.block_on(serve(options, controllers))?;
    Ok(ExitCode::SUCCESS)
}

async fn serve(options: &Options, controllers: RunControllers) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot wait for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot wait for SIGINT")?;
    let server = Server::start(options).await?;
    let address = server.address();
    if let Some(path) = &options.kubeconfig_out {
        let path = path.display();
        tracing::info!("serving on https://{address}; try: kubectl --kubeconfig {path} get namespaces");
    } else {
        tracing::info!("serving on https://{address}");
    }
    let clients: Arc<dyn Clients> = Arc::new(InsideClients(Arc::clone(server.api())));
    let is_elected = controllers.leader_elect;
    let start = {
        let clients = Arc::clone(&clients);
        move || Controllers::start(Arc::clone(&clients), Clock::system(), &controllers.selection)
    };
    let running = (!server.is_read_only() && !is_elected).then(&start);
    let election = (!server.is_read_only() && is_elected).then(|| {
        let identity = format!("podsec_{}", Uuid::new_v4());
        tokio::spawn(LeaderElection::new(&clients, Clock::system(), identity).run(start))
    });
    let stop = async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
        // Before the server ends their watches.
        drop(running);
        election.as_ref().map(JoinHandle::abort);
    };
    server.run(stop).await;
    Ok(())
}

/// Clients of the controllers, which reach the API server without a socket.
struct InsideClients(Arc<ApiServer>);

impl Clients for InsideClients {
    fn client(&self, user: &str, groups: &[&str]) -> kube::Client {
        kube::Client::new(self.0.in_process(User::new(user, groups), AGENT), "default")
    }
}

/// What kube-controller-manager says of itself, since that is what field managers show.
const AGENT: &str = "kube-controller-manager/v1.36.2 (podsec) kubernetes";

impl Arguments {
    /// The controllers that run, beside those of the API server itself.
    pub(super) fn controllers(&self) -> anyhow::Result<Selection> {
        Ok(Selection::parse(&self.controllers)?)
    }

    /// What the server is started with.
    pub(super) fn options(self) -> anyhow::Result<Options> {
        let healthcheck_timeout = self.etcd.healthcheck_timeout();
        let admission_plugins =
            Plugins::select(&self.enable_admission_plugins, &self.disable_admission_plugins)?;
        Ok(Options {
            bind_address: self.bind_address,
            secure_port: self.secure_port,
            advertise_address: self.advertise_address,
            serving_certificate: ServingOptions {
                directory: self.cert_dir,
                cert_file: self.tls_cert_file,
                key_file: self.tls_private_key_file,
            },
            client_ca_file: self.client_ca_file,
            kubeconfig_out: Some(self.kubeconfig_out),
            storage: self.etcd.storage(self.data_dir, self.in_memory),
            healthcheck_timeout,
            admission_control_config_file: self.admission_control_config_file,
            admission_plugins,
            emulated_version: self.emulated_version,
            authorization_modes: AuthorizationModes::select(&self.authorization_mode)?,
            authorization_webhook: AuthorizationWebhookOptions {
                config_file: self.authorization_webhook_config_file,
                version: self.authorization_webhook_version,
                authorized_ttl: self.authorization_webhook_cache_authorized_ttl,
                unauthorized_ttl: self.authorization_webhook_cache_unauthorized_ttl,
            },
            anonymous_auth: self.anonymous_auth,
            token_auth_file: self.token_auth_file,
            service_cluster_ip_range: self.service_cluster_ip_range,
            oidc: self.oidc.options(),
            service_accounts: ServiceAccountOptions {
                signing_key_file: self.service_account_signing_key_file,
                key_files: self.service_account_key_file,
                issuers: self.service_account_issuer,
                api_audiences: self.api_audiences,
                jwks_uri: self.service_account_jwks_uri,
                max_token_expiration: self.service_account_max_token_expiration,
                extend_token_expiration: self.service_account_extend_token_expiration,
            },
            audit: AuditOptions {
                policy_file: self.audit_policy_file,
                log_path: self.audit_log_path,
                log_format: match self.audit_log_format {
                    AuditFormat::Json => AuditLogFormat::Json,
                    AuditFormat::Legacy => AuditLogFormat::Legacy,
                },
                log_mode: match self.audit_log_mode {
                    AuditMode::Blocking => AuditLogMode::Blocking,
                    AuditMode::BlockingStrict => AuditLogMode::BlockingStrict,
                },
                log_compress: self.audit_log_compress,
                log_maxage: self.audit_log_maxage,
                log_maxbackup: self.audit_log_maxbackup,
                log_maxsize: self.audit_log_maxsize,
            },
            quota_backend_bytes: self.quota_backend_bytes,
            max_requests_inflight: self.max_requests_inflight,
            max_mutating_requests_inflight: self.max_mutating_requests_inflight,
            limits: self.connections.limits(),
            node: self.node,
        })
    }
}
