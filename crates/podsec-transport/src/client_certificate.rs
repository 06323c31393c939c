//! Certificates of clients, asked for and not demanded: who shows a stranger's is answered, not cut off.
//!
//! As in kube-apiserver, the handshake proves that the client has the key of the certificate it shows; whether anybody
//! trusted has signed it is for whoever authenticates the request, who may find other credentials in it.

use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme};

/// Authorities whose certificates name clients.
#[derive(Clone, Debug)]
pub struct ClientAuthorities(Arc<dyn ClientCertVerifier>);

impl ClientAuthorities {
    /// Trusts the certificates.
    ///
    /// # Errors
    /// When there are none, or one of them cannot be read.
    pub fn new(certificates: impl IntoIterator<Item = CertificateDer<'static>>) -> Result<Self, Unusable> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates {
            roots.add(certificate)?;
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        Ok(Self(WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build()?))
    }

    /// Trusts the certificates of a PEM file.
    ///
    /// # Errors
    /// When there are none, or one of them cannot be read.
    pub fn from_pem(pem: &[u8]) -> Result<Self, Unusable> {
        Self::new(CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>()?)
    }

    /// What a [`rustls::ServerConfig`] needs to ask clients for certificates of these authorities and to take any, or
    /// none.
    pub fn requested(&self) -> Arc<dyn ClientCertVerifier> {
        Arc::new(Requested(Arc::clone(&self.0)))
    }

    /// Whether one of the authorities has signed the first certificate, by way of the others, for a client, and it is
    /// valid now.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn verify(&self, certificates: &[CertificateDer<'_>]) -> Result<(), Error> {
        let (first, others) = certificates.split_first().ok_or(Error::NoCertificatesPresented)?;
        self.0.verify_client_cert(first, others, UnixTime::now()).map(drop)
    }
}

/// Why authorities cannot be trusted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unusable {
    /// One cannot be read.
    #[error("a certificate authority cannot be read")]
    Certificate(#[from] Error),
    /// The text is no PEM.
    #[error("the certificate authorities are no valid PEM")]
    Pem(#[from] pem::Error),
    /// There is none.
    #[error("there is no certificate authority")]
    None(#[from] VerifierBuilderError),
}

/// Takes every certificate whose key the client has.
#[derive(Debug)]
struct Requested(Arc<dyn ClientCertVerifier>);

impl ClientCertVerifier for Requested {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.0.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}
