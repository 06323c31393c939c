//! The server's certificate authority, the certificates it signs, and the TLS configuration made of them.

use std::fs;
use std::io::{self, Write};
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use podsec_transport::ClientAuthorities;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, SanType,
};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::ServerConfig;

/// A certificate authority that lives as long as its data directory.
pub(crate) struct Authority {
    certificate_pem: String,
    certificate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its key, both PEM.
pub(crate) struct Identity {
    /// The certificate.
    pub certificate_pem: String,
    /// The PKCS #8 key.
    pub key_pem: String,
}

/// Why the certificates could not be made or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file of the authority could not be read or written.
    #[error("cannot use the certificate authority file {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
    /// A file of the authority holds something else.
    #[error("certificate authority file {} does not hold a certificate and its key", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
    },
    /// A certificate could not be made.
    #[error("could not make a certificate")]
    Generate(#[from] rcgen::Error),
    /// The certificates do not make a TLS configuration.
    #[error("could not configure TLS")]
    Configure(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Authority {
    /// Reads `ca.crt` and `ca.key` from `directory`, or makes and writes them when both are absent.
    ///
    /// # Errors
    /// When a file cannot be read or written, or only one of the two is there, or they do not fit together.
    pub(crate) fn load_or_create(directory: &Path) -> Result<Self, Error> {
        let (certificate_path, key_path) = (directory.join("ca.crt"), directory.join("ca.key"));
        if certificate_path.exists() || key_path.exists() {
            let read = |path: &Path| {
                fs::read_to_string(path).map_err(|source| Error::File { path: path.to_owned(), source })
            };
            return Self::parse(read(&certificate_path)?, &read(&key_path)?)
                .ok_or(Error::Corrupt { path: certificate_path });
        }
        let (authority, key_pem) = Self::create()?;
        for (path, text) in [(&key_path, &key_pem), (&certificate_path, &authority.certificate_pem)] {
            write_private(path, text.as_bytes())
                .map_err(|source| Error::File { path: path.clone(), source })?;
        }
        Ok(authority)
    }

    /// An authority that is forgotten with the process.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub(crate) fn ephemeral() -> Result<Self, Error> {
        Ok(Self::create()?.0)
    }

    /// The authority's certificate, PEM: what a kubeconfig's `certificate-authority-data` holds.
    pub(crate) fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// A client certificate that Kubernetes reads as user `user` in `group`.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub(crate) fn client_identity(&self, user: &str, group: &str) -> Result<Identity, Error> {
        let mut params = params_for(user)?;
        params.distinguished_name.push(DnType::OrganizationName, group);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(&params)
    }

    /// This authority and those of `more` as the ones that sign certificates of clients.
    ///
    /// # Errors
    /// When they cannot.
    pub(crate) fn clients(
        &self,
        more: impl IntoIterator<Item = CertificateDer<'static>>,
    ) -> Result<ClientAuthorities, Error> {
        let own = self.certificate.clone();
        ClientAuthorities::new([own].into_iter().chain(more))
            .map_err(|error| Error::Configure(Box::new(error)))
    }

    /// The certificate of a server that is reached at these addresses, and over loopback.
    ///
    /// # Errors
    /// When a certificate cannot be made.
    pub(crate) fn server_identity(&self, at: &[IpAddr]) -> Result<Identity, Error> {
        let mut params = params_for("podsec")?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        for name in SERVER_NAMES {
            let name = (*name).try_into().map_err(Error::Generate)?;
            params.subject_alt_names.push(SanType::DnsName(name));
        }
        let mut addresses = vec![IpAddr::from([127, 0, 0, 1]), IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1])];
        for address in at {
            if !address.is_unspecified() && !addresses.contains(address) {
                addresses.push(*address);
            }
        }
        params.subject_alt_names.extend(addresses.into_iter().map(SanType::IpAddress));
        self.sign(&params)
    }

    /// A new authority, and its key, PEM.
    pub(crate) fn create() -> Result<(Self, String), Error> {
        let mut params = params_for("podsec-ca")?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages =
            vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::generate()?;
        let key_pem = key.serialize_pem();
        let certificate = params.self_signed(&key)?;
        let authority = Self {
            certificate_pem: certificate.pem(),
            certificate: certificate.der().clone(),
            issuer: Issuer::new(params, key),
        };
        Ok((authority, key_pem))
    }

    /// The authority of a certificate and its key, both PEM; none when they do not fit together.
    pub(crate) fn parse(certificate_pem: String, key_pem: &str) -> Option<Self> {
        let certificate = CertificateDer::from_pem_slice(certificate_pem.as_bytes()).ok()?;
        let key = KeyPair::from_pem(key_pem).ok()?;
        let (_, parsed) = x509_parser::parse_x509_certificate(&certificate).ok()?;
        if parsed.public_key().subject_public_key.data.as_ref() != key.public_key_raw() {
            return None;
        }
        let issuer = Issuer::from_ca_cert_der(&certificate, key).ok()?;
        Some(Self { certificate_pem, certificate, issuer })
    }

    fn sign(&self, params: &CertificateParams) -> Result<Identity, Error> {
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Identity { certificate_pem: certificate.pem(), key_pem: key.serialize_pem() })
    }
}

impl Identity {
    /// The TLS configuration of a server that shows this certificate: certificates asked of clients but not demanded,
    /// HTTP/2 preferred.
    ///
    /// # Errors
    /// When the certificate and its key are none, or do not fit together.
    pub(crate) fn server_config(&self, clients: &ClientAuthorities) -> Result<ServerConfig, Error> {
        let configure = |error: rustls::Error| Error::Configure(Box::new(error));
        let no_pem = |error: pem::Error| Error::Configure(Box::new(error));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let chain: Result<Vec<_>, _> =
            CertificateDer::pem_slice_iter(self.certificate_pem.as_bytes()).collect();
        let key = PrivateKeyDer::from_pem_slice(self.key_pem.as_bytes()).map_err(no_pem)?;
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(configure)?
            .with_client_cert_verifier(clients.requested())
            .with_single_cert(chain.map_err(no_pem)?, key)
            .map_err(configure)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }
}

/// Writes a file that only its owner may read, whole or not at all.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".{}.tmp", std::process::id()));
    let temporary = PathBuf::from(temporary);
    let written = (|| {
        let _ = fs::remove_file(&temporary);
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    })();
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written
}

fn params_for(common_name: &str) -> Result<CertificateParams, Error> {
    let mut params = CertificateParams::new(Vec::<String>::new())?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let month = u8::try_from(today.month()).unwrap_or(1);
    // From the first of the month, so that clocks a little behind accept it and ten years later the day exists.
    params.not_before = rcgen::date_time_ymd(i32::from(today.year()), month, 1);
    params.not_after = rcgen::date_time_ymd(i32::from(today.year()) + 10, month, 1);
    Ok(params)
}

const SERVER_NAMES: &[&str] = &[
    "localhost",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_outlives_a_restart() {
        let directory = tempfile::tempdir().unwrap();
        let first = Authority::load_or_create(directory.path()).unwrap();
        let second = Authority::load_or_create(directory.path()).unwrap();
        assert_eq!(first.certificate_pem(), second.certificate_pem());
        let identity = second.server_identity(&[IpAddr::from([10, 0, 0, 1])]).unwrap();
        identity.server_config(&second.clients([]).unwrap()).unwrap();
    }

    #[test]
    fn the_key_of_another_authority_is_refused() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        Authority::load_or_create(one.path()).unwrap();
        Authority::load_or_create(other.path()).unwrap();
        fs::copy(other.path().join("ca.key"), one.path().join("ca.key")).unwrap();
        assert!(matches!(Authority::load_or_create(one.path()), Err(Error::Corrupt { .. })));
    }

    #[test]
    fn only_the_owner_reads_the_key() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        Authority::load_or_create(directory.path()).unwrap();
        let mode = fs::metadata(directory.path().join("ca.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
