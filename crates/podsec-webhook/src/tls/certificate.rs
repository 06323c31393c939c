//! The certificate that the server presents, replaced while it serves.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use jiff::Timestamp;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::{dns_names, not_after};

/// The serving certificate. Connections that are open keep the one they began with.
pub struct ServingCertificate {
    current: ArcSwap<Current>,
}

struct Current {
    key: Arc<CertifiedKey>,
    /// The DNS names that it is for, as they stand in it.
    names: Vec<String>,
}

/// Why a certificate cannot be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// The text holds no PEM certificate.
    #[error("no valid PEM certificate")]
    Certificate(#[source] rustls::pki_types::pem::Error),
    /// The text holds no PEM private key.
    #[error("no valid PEM private key")]
    Key(#[source] rustls::pki_types::pem::Error),
    /// The key is of no kind that can sign, or belongs to another certificate.
    #[error("the private key does not fit the certificate")]
    Mismatch(#[source] rustls::Error),
}

impl ServingCertificate {
    /// A certificate chain and its key, both PEM.
    ///
    /// # Errors
    /// When they are no PEM, or do not belong together.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, CertificateError> {
        Ok(Self { current: ArcSwap::from_pointee(Current::read(chain, key)?) })
    }

    /// Replaces the certificate for every handshake that begins from now on.
    ///
    /// # Errors
    /// As [`ServingCertificate::from_pem`]; the old certificate then stays.
    pub fn replace(&self, chain: &[u8], key: &[u8]) -> Result<(), CertificateError> {
        self.current.store(Arc::new(Current::read(chain, key)?));
        Ok(())
    }

    /// The certificate that is presented now, without its chain.
    pub fn leaf(&self) -> Option<CertificateDer<'static>> {
        self.current.load().key.cert.first().cloned()
    }

    /// When the certificate expires that is presented now.
    pub fn expiry(&self) -> Option<Timestamp> {
        self.current.load().key.cert.first().and_then(|leaf| not_after(leaf))
    }

    /// The same in seconds since 1970; zero while unknown.
    pub(crate) fn expiry_seconds(&self) -> u64 {
        self.expiry().and_then(|expiry| u64::try_from(expiry.as_second()).ok()).unwrap_or_default()
    }

    /// Whether this name, or this pattern, stands in the certificate.
    pub(super) fn is_for(&self, name: &str) -> bool {
        self.current.load().names.iter().any(|known| known.eq_ignore_ascii_case(name))
    }

    pub(super) fn current(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.current.load().key)
    }
}

impl ResolvesServerCert for ServingCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current())
    }
}

impl fmt::Debug for ServingCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServingCertificate").finish_non_exhaustive()
    }
}

impl Current {
    fn read(chain: &[u8], key: &[u8]) -> Result<Self, CertificateError> {
        let key = certified_key(chain, key)?;
        let names = key.cert.first().map(|leaf| dns_names(leaf)).unwrap_or_default();
        Ok(Self { key: Arc::new(key), names })
    }
}

fn certified_key(chain: &[u8], key: &[u8]) -> Result<CertifiedKey, CertificateError> {
    let chain = CertificateDer::pem_slice_iter(chain).collect::<Result<Vec<_>, _>>();
    let chain = chain.map_err(CertificateError::Certificate)?;
    if chain.is_empty() {
        return Err(CertificateError::Certificate(rustls::pki_types::pem::Error::NoItemsFound));
    }
    let key = PrivateKeyDer::from_pem_slice(key).map_err(CertificateError::Key)?;
    // `from_der` also compares the key with the certificate.
    CertifiedKey::from_der(chain, key, &rustls::crypto::aws_lc_rs::default_provider())
        .map_err(CertificateError::Mismatch)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> (String, String) {
        let made = rcgen::generate_simple_self_signed(vec!["webhook".to_owned()]).unwrap();
        (made.cert.pem(), made.signing_key.serialize_pem())
    }

    #[test]
    fn a_key_of_another_certificate_is_refused_and_the_old_pair_stays() {
        let ((chain, key), (other, other_key)) = (pair(), pair());
        let serving = ServingCertificate::from_pem(chain.as_bytes(), key.as_bytes()).unwrap();
        let before = serving.leaf();
        let refused = serving.replace(other.as_bytes(), key.as_bytes());
        assert!(matches!(refused, Err(CertificateError::Mismatch(_))), "{refused:?}");
        assert_eq!(serving.leaf(), before);
        serving.replace(other.as_bytes(), other_key.as_bytes()).unwrap();
        assert_ne!(serving.leaf(), before);
    }

    #[test]
    fn a_certificate_says_when_it_expires() {
        let key = rcgen::KeyPair::generate().unwrap();
        for year in [2049, 2050] {
            let mut parameters = rcgen::CertificateParams::new(vec!["webhook".to_owned()]).unwrap();
            parameters.not_after = rcgen::date_time_ymd(year, 2, 3);
            let made = parameters.self_signed(&key).unwrap();
            let serving =
                ServingCertificate::from_pem(made.pem().as_bytes(), key.serialize_pem().as_bytes()).unwrap();
            assert_eq!(serving.expiry().unwrap().to_string(), format!("{year}-02-03T00:00:00Z"));
        }
    }

    #[test]
    fn an_empty_file_is_no_certificate() {
        let (_, key) = pair();
        let refused = ServingCertificate::from_pem(b"", key.as_bytes());
        assert!(matches!(refused, Err(CertificateError::Certificate(_))), "{refused:?}");
    }
}
