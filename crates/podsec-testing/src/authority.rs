//! A certificate authority for tests.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

/// A certificate authority that nobody else knows.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    pem: String,
}

/// A certificate and its key, PEM.
pub struct Pair {
    /// The certificate.
    pub certificate: String,
    /// Its private key.
    pub key: String,
}

impl Authority {
    /// An authority with a key of its own.
    pub fn new() -> Self {
        let mut parameters = CertificateParams::default();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        // Two authorities are not to be taken for one another.
        parameters.distinguished_name.push(DnType::CommonName, format!("{:x?}", key.public_key_raw()));
        let certificate = parameters.self_signed(&key).unwrap();
        let (pem, certificate) = (certificate.pem(), certificate.der().clone());
        Self { issuer: Issuer::new(parameters, key), certificate, pem }
    }

    /// A certificate for `localhost` that expires in the given year.
    pub fn issue(&self, year: i32) -> Pair {
        self.issue_for("localhost", year)
    }

    /// A certificate for a name that expires in the given year.
    pub fn issue_for(&self, name: &str, year: i32) -> Pair {
        self.sign(CertificateParams::new(vec![name.to_owned()]).unwrap(), year)
    }

    /// A certificate for a client.
    pub fn issue_client(&self, year: i32) -> Pair {
        self.issue_client_as("kube-apiserver", None, year)
    }

    /// A certificate for a client that Kubernetes takes for a user, in a group or in none.
    pub fn issue_client_as(&self, user: &str, group: Option<&str>, year: i32) -> Pair {
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name.push(DnType::CommonName, user);
        if let Some(group) = group {
            parameters.distinguished_name.push(DnType::OrganizationName, group);
        }
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(parameters, year)
    }

    fn sign(&self, mut parameters: CertificateParams, year: i32) -> Pair {
        parameters.not_after = rcgen::date_time_ymd(year, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = parameters.signed_by(&key, &self.issuer).unwrap();
        Pair { certificate: certificate.pem(), key: key.serialize_pem() }
    }

    /// The authority's own certificate, PEM.
    pub fn pem(&self) -> String {
        self.pem.clone()
    }

    /// The authority's own certificate.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }
}

/// What trusts this authority alone, and shows a certificate if it has one.
pub fn trusting(
    authority: &CertificateDer<'static>,
    protocol: &[u8],
    shown: Option<&Pair>,
) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(authority.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match shown {
        None => config.with_no_client_auth(),
        Some(pair) => {
            let certificate = CertificateDer::from_pem_slice(pair.certificate.as_bytes()).unwrap();
            let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).unwrap();
            config.with_client_auth_cert(vec![certificate], key).unwrap()
        }
    };
    // Each connection is to meet the certificate of its time.
    config.resumption = rustls::client::Resumption::disabled();
    config.alpn_protocols = vec![protocol.to_vec()];
    Arc::new(config)
}
