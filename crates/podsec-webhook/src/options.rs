//! What flags decide.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;

use podsec_transport::Limits;

use crate::authentication::AuthenticationOptions;
use crate::files::POLL_INTERVAL;
use crate::handler::Load;
use crate::self_signed::SelfSigned;
use crate::tls::{SniCertificate, TlsOptions};
use crate::tls_secret::TlsSecret;
use crate::traces::Traces;

/// Everything that flags decide.
#[derive(Clone, Debug)]
pub struct Options {
    /// The address to listen on (`--bind-address`).
    pub bind_address: IpAddr,
    /// The port to listen on (`--secure-port`); zero for any that is free.
    pub secure_port: u16,
    /// Whether other processes may listen on the same port (`--permit-port-sharing`).
    pub permit_port_sharing: bool,
    /// The serving certificate with its chain, PEM (`--tls-cert-file`).
    pub tls_cert_file: PathBuf,
    /// Its private key, PEM (`--tls-private-key-file`).
    pub tls_private_key_file: PathBuf,
    /// Makes the certificate itself, and needs no files then (`--self-signed`).
    pub self_signed: Option<SelfSigned>,
    /// The Secret that holds the certificate, which needs no files then (`--tls-secret`).
    pub tls_secret: Option<TlsSecret>,
    /// Other certificates for certain names (`--tls-sni-cert-key`).
    pub sni_certificates: Vec<SniCertificate>,
    /// What TLS demands.
    pub tls: TlsOptions,
    /// Whom the webhook answers; everybody by default.
    pub authentication: AuthenticationOptions,
    /// The PodSecurityConfiguration (`--config`); without one nothing is restricted that no label restricts.
    pub configuration: Option<PathBuf>,
    /// How to reach the API server (`--kubeconfig`); the pod's service account without one.
    pub kubeconfig: Option<PathBuf>,
    /// How often a second the API server may be asked (`--client-qps-limit`).
    pub client_qps_limit: f32,
    /// How often it may be asked at once (`--client-qps-burst`).
    pub client_qps_burst: u32,
    /// Where spans of reviews go.
    pub traces: Traces,
    /// How much is taken on at one time.
    pub load: Load,
    /// What connections may hold.
    pub limits: Limits,
    /// How often files are looked at for changes.
    pub poll_interval: Duration,
    /// How long the webhook serves on after it was told to stop, so that nobody is sent to it any more when it does.
    pub shutdown_delay: Duration,
}

impl Default for Options {
    /// Upstream's defaults, and files named as upstream names them in its working directory.
    fn default() -> Self {
        Self {
            bind_address: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            secure_port: 8443,
            permit_port_sharing: false,
            tls_cert_file: PathBuf::from("apiserver.local.config/certificates/webhook.crt"),
            tls_private_key_file: PathBuf::from("apiserver.local.config/certificates/webhook.key"),
            self_signed: None,
            tls_secret: None,
            sni_certificates: Vec::new(),
            tls: TlsOptions::default(),
            authentication: AuthenticationOptions::default(),
            configuration: None,
            kubeconfig: None,
            client_qps_limit: 20.0,
            client_qps_burst: 50,
            traces: Traces::default(),
            load: Load::default(),
            limits: Limits::default(),
            poll_interval: POLL_INTERVAL,
            shutdown_delay: Duration::from_secs(5),
        }
    }
}
