//! From options to a running server: storage, certificates, bootstrap objects, listener, kubeconfig.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use hyper::{Request, Response, StatusCode};
use podsec_admission::Admission;
use podsec_apimachinery::Status;
use podsec_audit::sink::{Format, Log, LogOptions};
use podsec_audit::{Auditor, Policy};
use podsec_transport::{ClientAuthorities, Handler, IncomingBody, Listener, Refusal};
use tokio::net::TcpListener;

use crate::admission::configuration;
use crate::apiserver::ApiServer;
use crate::authentication::oidc;
use crate::authentication::{self, StrangersCertificate, Tokens, user_of_certificate};
use crate::authorization::{AuthorizationMode, webhook};
use crate::body::{ResponseBody, request_body};
use crate::credentials::Credentials;
use crate::kubeconfig::Kubeconfig;
use crate::options::{AuditLogFormat, AuditLogMode, AuditOptions, Options};
use crate::request::Peer;
use crate::request::user::{MASTERS, User};
use crate::serving;
use crate::storage;
use crate::tls;

/// A server that listens.
pub struct Server {
    api: Arc<ApiServer>,
    listener: Listener,
    address: SocketAddr,
    clients: ClientAuthorities,
    is_read_only: bool,
}

/// Why the server cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// What keeps the objects cannot be opened.
    #[error(transparent)]
    Storage(#[from] storage::Error),
    /// The configuration of an admission plugin cannot be used.
    #[error(transparent)]
    Admission(#[from] configuration::Error),
    /// The audit policy cannot be used.
    #[error("loading audit policy file: {0}")]
    AuditPolicy(podsec_audit::policy::Error),
    /// The audit log cannot be written.
    #[error("{0}")]
    AuditLog(podsec_audit::sink::OpenError),
    /// The audit log has no thread that writes it.
    #[error("cannot start a thread for the audit log")]
    AuditThread(#[source] io::Error),
    /// A file of tokens cannot be used.
    #[error(transparent)]
    Tokens(#[from] authentication::Error),
    /// The flags of the Webhook authorizer do not go together.
    #[error("{0}")]
    AuthorizationModes(&'static str),
    /// The service that decides cannot be asked.
    #[error(transparent)]
    AuthorizationWebhook(#[from] webhook::Error),
    /// The tokens of an OpenID provider cannot be verified.
    #[error(transparent)]
    Oidc(#[from] oidc::Error),
    /// The certificates cannot be made or read.
    #[error(transparent)]
    Certificates(#[from] tls::Error),
    /// The certificate to show, or the authorities of clients, cannot be used.
    #[error(transparent)]
    Serving(#[from] serving::Error),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The operating system's answer.
        source: io::Error,
    },
    /// The objects that every cluster has cannot be made.
    #[error("cannot create the system namespaces: {}", .0.message)]
    Bootstrap(Status),
    /// The kubeconfig cannot be written.
    #[error("cannot write the kubeconfig {}", path.display())]
    Kubeconfig {
        /// The file.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
}

impl Server {
    /// Opens the storage, listens, and writes the kubeconfig: when this returns, kubectl works.
    ///
    /// # Errors
    /// Whatever keeps the server from being of use.
    pub async fn start(options: &Options) -> Result<Self, StartError> {
        let opened = storage::open(options).await?;
        let Credentials { authority, service_accounts, token } = opened.credentials;
        let mut tokens = Tokens::default();
        if let Some(path) = &options.token_auth_file {
            tokens.load(path)?;
        }
        tokens.insert(&token, User::new(ADMINISTRATOR, &[MASTERS]));
        let wanted = SocketAddr::new(options.bind_address, options.secure_port);
        let listen = |source| StartError::Listen { address: wanted, source };
        let socket = TcpListener::bind(wanted).await.map_err(listen)?;
        let address = socket.local_addr().map_err(listen)?;
        let advertised = options.advertise_address.unwrap_or(options.bind_address);
        let serving = serving::certificate(
            &options.serving_certificate,
            &authority,
            &[options.bind_address, advertised],
        )?;
        let (clients, client_authorities) = match &options.client_ca_file {
            None => (Vec::new(), authority.certificate_pem().to_owned()),
            Some(path) => serving::client_authorities(path)?,
        };
        let clients = authority.clients(clients)?;
        let admission = Admission::new(configuration::load(options)?);
        let auditor = auditor(&options.audit)?;
        let api = ApiServer::new(opened.store, tokens, admission, auditor);
        let api = api
            .with_plugins(options.admission_plugins.clone())
            .with_emulated_version(options.emulated_version.clone())
            .with_flags(options.flags())
            .with_authorization_modes(options.authorization_modes.clone())
            .with_anonymous_auth(options.anonymous_auth)
            .with_oidc(&options.oidc)?
            .with_max_in_flight(options.max_requests_inflight, options.max_mutating_requests_inflight)
            .with_service_range(options.service_cluster_ip_range)
            .with_service_accounts(service_accounts)
            .with_healthcheck_timeout(options.healthcheck_timeout);
        let asks = options.authorization_modes.contains(AuthorizationMode::Webhook);
        let api = match (&options.authorization_webhook.config_file, asks) {
            (Some(path), true) => api.with_authorization_webhook(path, &options.authorization_webhook)?,
            (None, false) => api,
            (None, true) => return Err(StartError::AuthorizationModes(NO_CONFIG_FILE)),
            (Some(_), false) => return Err(StartError::AuthorizationModes(NO_WEBHOOK)),
        };
        let advertised = SocketAddr::new(advertised, address.port());
        let api = Arc::new(api.at(advertised, &serving.authority_pem, client_authorities));
        if opened.is_read_only {
            api.bootstrap_read_only().await.map_err(StartError::Bootstrap)?;
        } else {
            api.bootstrap().await.map_err(StartError::Bootstrap)?;
        }
        if options.node && opened.is_read_only {
            tracing::warn!("--node does nothing: the objects of a cluster are served as they are");
        } else if options.node {
            if !options.authorization_modes.contains(AuthorizationMode::Node) && !api.authorizer.allows_all()
            {
                tracing::warn!(
                    "--authorization-mode has no Node: the node of --node may do what roles are bound to it"
                );
            }
            api.start_node();
        }
        let listener = Listener {
            socket,
            tls: Arc::new(serving.identity.server_config(&clients)?),
            limits: options.limits,
            metrics: api.metrics.connections.clone(),
        };
        let server = Self { api, listener, address, clients, is_read_only: opened.is_read_only };
        let kubeconfig = Kubeconfig {
            address,
            authority_pem: &serving.authority_pem,
            identity: &authority.client_identity(ADMINISTRATOR, MASTERS)?,
            token: &token,
        };
        if let Some(path) = &options.kubeconfig_out {
            kubeconfig.write(path).map_err(|source| StartError::Kubeconfig { path: path.clone(), source })?;
        }
        Ok(server)
    }

    /// Whether nothing can be written, so that controllers have nothing to do.
    pub fn is_read_only(&self) -> bool {
        self.is_read_only
    }

    /// Where the server listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it serves, for programs inside of this process.
    pub fn api(&self) -> &Arc<ApiServer> {
        &self.api
    }

    /// Serves until `stop` resolves, then ends the watches, lets requests end and flushes the audit log.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let api = Arc::clone(&self.api);
        let stop = async move {
            stop.await;
            api.stop();
        };
        let handler = Arc::new(Service { api: Arc::clone(&self.api), clients: self.clients });
        self.listener.serve(handler, stop).await;
        if let Some(auditor) = &self.api.auditor
            && let Err(error) = auditor.flush()
        {
            tracing::error!(%error, "the audit log could not be flushed");
        }
    }
}

struct Service {
    api: Arc<ApiServer>,
    /// Who signs the certificates of clients.
    clients: ClientAuthorities,
}

impl Handler for Service {
    type Body = ResponseBody;

    const URI_TOO_LONG: Refusal = Refusal {
        content_type: "application/json",
        body: concat!(
            r#"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","#,
            r#""message":"the target of the request is longer than 65534 bytes","reason":"RequestURITooLong","code":414}"#,
            "\n"
        ),
    };

    async fn answer(
        &self,
        mut request: Request<IncomingBody>,
        peer: Arc<podsec_transport::Peer>,
    ) -> Response<ResponseBody> {
        let mut certified = None;
        if let Some(certificate) = peer.certificates.first() {
            if peer.is_certified_by(&self.clients) {
                certified = user_of_certificate(certificate);
            } else {
                request.extensions_mut().insert(StrangersCertificate);
            }
        }
        let address = peer.address;
        request.extensions_mut().insert(peer);
        let peer = Peer { address, certified };
        let api = Arc::clone(&self.api);
        // On a task of its own, so that a client that leaves does not break off what it has asked for.
        let answer = tokio::spawn(async move { api.serve(peer, request.map(request_body)).await });
        answer.await.unwrap_or_else(|_| {
            // The pipeline catches panics, so this is the runtime ending.
            let mut response = Response::new(ResponseBody::Full(None));
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            response
        })
    }
}

/// Auditing takes a policy and a log; without either there is none. The log is opened all the same, as
/// kube-apiserver does.
fn auditor(options: &AuditOptions) -> Result<Option<Auditor>, StartError> {
    let log = match &options.log_path {
        None => None,
        Some(path) => Some(
            Log::open(&LogOptions {
                path: path.clone(),
                max_age: options.log_maxage,
                max_backups: options.log_maxbackup,
                max_size: options.log_maxsize,
                compress: options.log_compress,
                format: match options.log_format {
                    AuditLogFormat::Json => Format::Json,
                    AuditLogFormat::Legacy => Format::Legacy,
                },
            })
            .map_err(StartError::AuditLog)?,
        ),
    };
    let policy = match &options.policy_file {
        None => None,
        Some(path) => Some(Policy::load(path).map_err(StartError::AuditPolicy)?),
    };
    let (log, loaded) = match (log, policy) {
        (Some(log), Some(loaded)) => (log, loaded),
        (None, Some(_)) => {
            tracing::warn!("there is an audit policy but no --audit-log-path: nothing is recorded");
            return Ok(None);
        }
        (Some(_), None) => {
            tracing::warn!("there is an audit log but no --audit-policy-file: nothing is recorded");
            return Ok(None);
        }
        (None, None) => return Ok(None),
    };
    if let Some(warning) = loaded.warning {
        tracing::warn!("{warning}");
    }
    let auditor = Auditor::beside(loaded.policy, log).map_err(StartError::AuditThread)?;
    Ok(Some(match options.log_mode {
        AuditLogMode::Blocking => auditor,
        AuditLogMode::BlockingStrict => auditor.strict(),
    }))
}

const NO_CONFIG_FILE: &str = "authorization-mode Webhook's authorization config file not passed: use \
    --authorization-webhook-config-file";
const NO_WEBHOOK: &str = "cannot specify --authorization-webhook-config-file without mode Webhook";
/// The user of the kubeconfig.
const ADMINISTRATOR: &str = "kubernetes-admin";
