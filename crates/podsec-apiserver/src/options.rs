//! What the embedded API server is started with; the names follow kube-apiserver's flags.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use podsec_apimachinery::emulation::Emulation;
use podsec_kinds::allocation::ServiceRange;
use podsec_transport::Limits;

use crate::admission::Plugins;
use crate::authorization::AuthorizationModes;

/// Everything `podsec serve` can be told.
#[derive(Clone, Debug)]
pub struct Options {
    /// `--bind-address`: where to listen.
    pub bind_address: IpAddr,
    /// `--secure-port`: the HTTPS port; 0 takes any free one.
    pub secure_port: u16,
    /// `--advertise-address`: where clients are told to find the server, when it is not where it listens.
    pub advertise_address: Option<IpAddr>,
    /// `--cert-dir`, `--tls-cert-file` and `--tls-private-key-file`.
    pub serving_certificate: ServingOptions,
    /// `--client-ca-file`: who signs certificates of clients, besides the server's own authority.
    pub client_ca_file: Option<PathBuf>,
    /// `--kubeconfig-out`: where the kubeconfig is written once the server is ready, if anywhere.
    pub kubeconfig_out: Option<PathBuf>,
    /// `--data-dir`, `--in-memory` or the `--etcd-…` flags.
    pub storage: Storage,
    /// `--admission-control-config-file`: an `AdmissionConfiguration`.
    pub admission_control_config_file: Option<PathBuf>,
    /// `--enable-admission-plugins` and `--disable-admission-plugins`.
    pub admission_plugins: Plugins,
    /// `--authorization-mode`: who decides whether a request is allowed.
    pub authorization_modes: AuthorizationModes,
    /// The `--authorization-webhook-…` flags.
    pub authorization_webhook: AuthorizationWebhookOptions,
    /// `--anonymous-auth`: whether requests without credentials are those of `system:anonymous`, or refused.
    pub anonymous_auth: bool,
    /// `--token-auth-file`: more users, as lines of `token,user,uid,"group1,group2"`.
    pub token_auth_file: Option<PathBuf>,
    /// `--service-cluster-ip-range`: the addresses of Services.
    pub service_cluster_ip_range: ServiceRange,
    /// The `--oidc-…` flags.
    pub oidc: OidcOptions,
    /// The `--service-account-…` flags and `--api-audiences`.
    pub service_accounts: ServiceAccountOptions,
    /// The `--audit-…` flags.
    pub audit: AuditOptions,
    /// `--etcd-healthcheck-timeout`: how long `/healthz`, `/livez` and `/readyz` wait for the store.
    pub healthcheck_timeout: Duration,
    /// `--quota-backend-bytes`: how many bytes all objects in the database may have together; 0 is no bound.
    pub quota_backend_bytes: usize,
    /// `--max-requests-inflight`: requests at one time that only read; 0 for any number.
    pub max_requests_inflight: usize,
    /// `--max-mutating-requests-inflight`: requests at one time that may write; 0 for any number.
    pub max_mutating_requests_inflight: usize,
    /// What connections may hold.
    pub limits: Limits,
    /// `--emulated-version`: the minor of Kubernetes that clients see.
    pub emulated_version: Emulation,
    /// `--node`: run the tiny node that takes pods to Running.
    pub node: bool,
}

/// Where the certificate comes from that the server shows. Without any of these its own authority signs one.
#[derive(Clone, Debug, Default)]
pub struct ServingOptions {
    /// `--cert-dir`: the folder of `apiserver.crt` and `apiserver.key`, which are made when both are absent.
    pub directory: Option<PathBuf>,
    /// `--tls-cert-file`: the certificate and those that lead from it to its authority, PEM; before any directory.
    pub cert_file: Option<PathBuf>,
    /// `--tls-private-key-file`: its key, PEM.
    pub key_file: Option<PathBuf>,
}

/// Where objects are kept.
#[derive(Clone, Debug)]
pub enum Storage {
    /// In a database in this directory, beside the certificate authority and the token.
    Directory(PathBuf),
    /// In memory; all is forgotten at the end.
    Memory,
    /// In an etcd cluster.
    Etcd(EtcdFlags),
}

/// The `--etcd-…` flags.
#[derive(Clone, Debug)]
pub struct EtcdFlags {
    /// `--etcd-servers`: where the members listen.
    pub servers: Vec<String>,
    /// `--etcd-cafile`: the authorities of their certificates, PEM.
    pub ca_file: Option<PathBuf>,
    /// `--etcd-certfile`: the certificate to show to them, PEM.
    pub cert_file: Option<PathBuf>,
    /// `--etcd-keyfile`: its key, PEM.
    pub key_file: Option<PathBuf>,
    /// `--etcd-prefix`: what all keys start with.
    pub prefix: String,
    /// `--etcd-compaction-interval`; zero leaves compaction to others.
    pub compaction_interval: Duration,
    /// `--etcd-read-only`: whether nothing is written; when absent, whether kube-apiserver has written there.
    pub read_only: Option<bool>,
    /// `--data-dir`: where the certificate authority, the signing key and the token are; in etcd when absent.
    pub credentials: Option<PathBuf>,
}

/// The service that decides with `--authorization-mode=Webhook`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizationWebhookOptions {
    /// `--authorization-webhook-config-file`: a kubeconfig.
    pub config_file: Option<PathBuf>,
    /// `--authorization-webhook-version` of the reviews: `v1` or `v1beta1`.
    pub version: String,
    /// `--authorization-webhook-cache-authorized-ttl`: how long a yes holds.
    pub authorized_ttl: Duration,
    /// `--authorization-webhook-cache-unauthorized-ttl`: how long anything else holds.
    pub unauthorized_ttl: Duration,
}

impl Default for AuthorizationWebhookOptions {
    fn default() -> Self {
        Self {
            config_file: None,
            version: "v1beta1".to_owned(),
            authorized_ttl: Duration::from_mins(5),
            unauthorized_ttl: Duration::from_secs(30),
        }
    }
}

/// Who signs ID tokens, and how their claims name users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OidcOptions {
    /// `--oidc-issuer-url`: the provider, by HTTPS.
    pub issuer_url: Option<String>,
    /// `--oidc-client-id`: for whom tokens must be.
    pub client_id: Option<String>,
    /// `--oidc-ca-file`: whose certificates the provider may have; the system's authorities when absent.
    pub ca_file: Option<PathBuf>,
    /// `--oidc-username-claim`.
    pub username_claim: String,
    /// `--oidc-username-prefix`: `-` for none; when empty, the issuer and `#`, unless the claim is `email`.
    pub username_prefix: String,
    /// `--oidc-groups-claim`: a text or a list of them.
    pub groups_claim: Option<String>,
    /// `--oidc-groups-prefix`.
    pub groups_prefix: String,
    /// `--oidc-required-claim`: `key=value` pairs.
    pub required_claims: Vec<String>,
    /// `--oidc-signing-algs`.
    pub signing_algs: Vec<String>,
}

impl Default for OidcOptions {
    fn default() -> Self {
        Self {
            issuer_url: None,
            client_id: None,
            ca_file: None,
            username_claim: "sub".to_owned(),
            username_prefix: String::new(),
            groups_claim: None,
            groups_prefix: String::new(),
            required_claims: Vec::new(),
            signing_algs: vec!["RS256".to_owned()],
        }
    }
}

/// How tokens of service accounts are signed and verified.
#[derive(Clone, Debug)]
pub struct ServiceAccountOptions {
    /// `--service-account-signing-key-file`: a private RSA or ECDSA key; made and kept in the data directory when absent.
    pub signing_key_file: Option<PathBuf>,
    /// `--service-account-key-file`: more keys to verify tokens with, public or private.
    pub key_files: Vec<PathBuf>,
    /// `--service-account-issuer`: the first is the issuer of new tokens, tokens of all of them are accepted.
    pub issuers: Vec<String>,
    /// `--api-audiences`: the audiences of the API server; its issuer when empty.
    pub api_audiences: Vec<String>,
    /// `--service-account-jwks-uri`: where the public keys are said to be.
    pub jwks_uri: Option<String>,
    /// `--service-account-max-token-expiration`, in seconds.
    pub max_token_expiration: Option<i64>,
    /// `--service-account-extend-token-expiration`.
    pub extend_token_expiration: bool,
}

/// The `--audit-…` flags.
#[derive(Clone, Debug, Default)]
pub struct AuditOptions {
    /// `--audit-policy-file`; without one nothing is audited.
    pub policy_file: Option<PathBuf>,
    /// `--audit-log-path`; `-` is standard output.
    pub log_path: Option<PathBuf>,
    /// `--audit-log-format`.
    pub log_format: AuditLogFormat,
    /// `--audit-log-mode`.
    pub log_mode: AuditLogMode,
    /// `--audit-log-compress`: whether rotated files are gzipped.
    pub log_compress: bool,
    /// `--audit-log-maxage` in days; 0 keeps rotated files for ever.
    pub log_maxage: u32,
    /// `--audit-log-maxbackup`: how many rotated files to keep; 0 keeps all.
    pub log_maxbackup: u32,
    /// `--audit-log-maxsize` in megabytes; 0 means 100.
    pub log_maxsize: u32,
}

/// How an audit event becomes a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AuditLogFormat {
    /// The event as JSON.
    #[default]
    Json,
    /// Kubernetes' older line of text.
    Legacy,
}

/// What happens when an audit event cannot be written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AuditLogMode {
    /// The request goes on.
    #[default]
    Blocking,
    /// A request whose arrival cannot be recorded does not run.
    BlockingStrict,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            bind_address: IpAddr::V4(std::net::Ipv4Addr::LOCALHOST),
            secure_port: 6443,
            advertise_address: None,
            serving_certificate: ServingOptions::default(),
            client_ca_file: None,
            kubeconfig_out: Some(PathBuf::from("podsec.kubeconfig")),
            storage: Storage::Directory(PathBuf::from("podsec-data")),
            admission_control_config_file: None,
            admission_plugins: Plugins::standard(),
            authorization_modes: AuthorizationModes::default(),
            authorization_webhook: AuthorizationWebhookOptions::default(),
            anonymous_auth: true,
            token_auth_file: None,
            service_cluster_ip_range: ServiceRange::default(),
            oidc: OidcOptions::default(),
            service_accounts: ServiceAccountOptions::default(),
            audit: AuditOptions::default(),
            healthcheck_timeout: Duration::from_secs(2),
            quota_backend_bytes: 0,
            max_requests_inflight: 400,
            max_mutating_requests_inflight: 200,
            limits: Limits::default(),
            emulated_version: Emulation::default(),
            node: false,
        }
    }
}

impl Options {
    /// The flags that say what the server does, with their values, as `/flagz` shows them. Files are named and not read.
    pub(crate) fn flags(&self) -> Vec<(&'static str, String)> {
        let path =
            |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
        let data = match &self.storage {
            Storage::Directory(path) => ("data-dir", path.display().to_string()),
            Storage::Memory => ("in-memory", true.to_string()),
            Storage::Etcd(etcd) => ("etcd-servers", etcd.servers.join(",")),
        };
        vec![
            ("admission-control-config-file", path(&self.admission_control_config_file)),
            ("audit-log-path", path(&self.audit.log_path)),
            ("audit-policy-file", path(&self.audit.policy_file)),
            ("bind-address", self.bind_address.to_string()),
            data,
            ("emulated-version", self.emulated_version.to_string()),
            ("kubeconfig-out", path(&self.kubeconfig_out)),
            ("max-mutating-requests-inflight", self.max_mutating_requests_inflight.to_string()),
            ("max-requests-inflight", self.max_requests_inflight.to_string()),
            ("node", self.node.to_string()),
            ("quota-backend-bytes", self.quota_backend_bytes.to_string()),
            ("secure-port", self.secure_port.to_string()),
            ("service-account-issuer", self.service_accounts.issuers.join(",")),
            ("token-auth-file", path(&self.token_auth_file)),
        ]
    }
}
