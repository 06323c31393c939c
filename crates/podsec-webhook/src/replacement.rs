//! One certificate in place of another.

use crate::cluster::chain;
use crate::tls::ServingCertificate;

/// Serves another certificate and tells when it expires, unless it cannot be served.
pub(crate) fn replace(certificate: &ServingCertificate, chain_pem: &[u8], key: &[u8], served: &impl Fn(u64)) {
    match certificate.replace(chain_pem, key) {
        Ok(()) => {
            let expiry_seconds = certificate.expiry_seconds();
            served(expiry_seconds);
            tracing::info!(expiry_seconds, "serving another certificate");
        }
        Err(error) => {
            tracing::error!(error = chain(&error), "the new certificate is refused; the old one stays");
        }
    }
}
