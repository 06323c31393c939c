//! TLS: the certificate that is served, which may change at any time, and who may connect.

mod certificate;
mod ciphers;
mod sni;
mod x509;

use std::str::FromStr;
use std::sync::Arc;

use podsec_transport::ClientAuthorities;
use rustls::ServerConfig;
use rustls::server::ResolvesServerCert;

pub use certificate::{CertificateError, ServingCertificate};
pub use ciphers::{CipherError, cipher_suites};
pub(crate) use sni::Named;
pub use sni::{SniCertificate, SniError};
use x509::dns_names;
pub(crate) use x509::not_after;

/// What the listener demands of a connection.
#[derive(Clone, Debug, Default)]
pub struct TlsOptions {
    /// The oldest version spoken (`--tls-min-version`).
    pub min_version: TlsVersion,
    /// The cipher suites in order of preference (`--tls-cipher-suites`); the library's own choice when empty.
    pub cipher_suites: Vec<rustls::SupportedCipherSuite>,
}

/// A version of TLS, as Kubernetes' flags spell them. Older ones are not spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsVersion {
    /// `VersionTLS12`.
    #[default]
    Tls12,
    /// `VersionTLS13`.
    Tls13,
}

/// A version that is none, or too old to be spoken.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("TLS version {0:?} is not supported; supported are VersionTLS12, VersionTLS13")]
pub struct VersionError(String);

impl FromStr for TlsVersion {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        match text {
            "" | "VersionTLS12" => Ok(Self::Tls12),
            "VersionTLS13" => Ok(Self::Tls13),
            other => Err(VersionError(other.to_owned())),
        }
    }
}

/// Why TLS could not be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// No such combination of version and cipher suites.
    #[error("no TLS connection is possible with these cipher suites and this minimum version")]
    Versions(#[source] rustls::Error),
}

/// The configuration of a listener that presents the certificate that `certificates` chooses at each handshake, and asks
/// clients for one of `clients`.
///
/// # Errors
/// When the options leave no way to connect.
pub fn server_config(
    certificates: Arc<dyn ResolvesServerCert>,
    options: &TlsOptions,
    clients: Option<&ClientAuthorities>,
) -> Result<ServerConfig, TlsError> {
    let mut provider = rustls::crypto::aws_lc_rs::default_provider();
    if !options.cipher_suites.is_empty() {
        provider.cipher_suites.clone_from(&options.cipher_suites);
    }
    let provider = Arc::new(provider);
    let versions: &[_] = match options.min_version {
        TlsVersion::Tls12 => &[&rustls::version::TLS13, &rustls::version::TLS12],
        TlsVersion::Tls13 => &[&rustls::version::TLS13],
    };
    let builder = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .map_err(TlsError::Versions)?;
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(clients) => builder.with_client_cert_verifier(clients.requested()),
    };
    let mut config = builder.with_cert_resolver(certificates);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
