//! TLS of a client: whose certificates it trusts, and Go's words for those that it does not.

use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::{CertificateError, ClientConfig, Error, InvalidMessage};

use super::authorities::Authorities;

/// The client's side of TLS, trusting the authorities of `ca_bundle`, and those of the system when it is empty. `identity`
/// is the client's own certificate and its key, both PEM.
///
/// # Errors
/// In kube-apiserver's words, when there is no authority in the bundle; when certificate and key are none.
pub(super) fn client_config(
    ca_bundle: &[u8],
    identity: Option<(&[u8], &[u8])>,
) -> Result<ClientConfig, String> {
    let certificates: Vec<CertificateDer<'static>> = if ca_bundle.is_empty() {
        rustls_native_certs::load_native_certs().certs
    } else {
        CertificateDer::pem_slice_iter(ca_bundle).filter_map(Result::ok).collect()
    };
    let authorities = Authorities::new(certificates).map_err(|_| NO_ROOTS.to_owned())?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(authorities));
    let mut config = match identity {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificate).collect();
            let chain = chain.map_err(|error| format!("the client's certificate is no PEM: {error}"))?;
            let key = PrivateKeyDer::from_pem_slice(key)
                .map_err(|error| format!("the key of the client's certificate is no PEM: {error}"))?;
            builder
                .with_client_auth_cert(chain, key)
                .map_err(|error| format!("the client's certificate cannot be used: {error}"))?
        }
    };
    // As kube-apiserver: many requests on one HTTP/2 connection would all meet one replica.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// A failed handshake as Go tells it.
pub(super) fn words(error: &Error) -> String {
    let why = match error {
        Error::InvalidCertificate(why) => why,
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            return "http: server gave HTTP response to HTTPS client".to_owned();
        }
        Error::AlertReceived(alert) => return format!("remote error: tls: {alert:?}"),
        other => return format!("tls: {other}"),
    };
    let why = match why {
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "certificate signed by unknown authority".to_owned()
        }
        CertificateError::Expired | CertificateError::NotValidYet => {
            "certificate has expired or is not yet valid".to_owned()
        }
        CertificateError::ExpiredContext { time, not_after } => format!(
            "certificate has expired or is not yet valid: current time {} is after {}",
            moment(*time),
            moment(*not_after)
        ),
        CertificateError::NotValidYetContext { time, not_before } => format!(
            "certificate has expired or is not yet valid: current time {} is before {}",
            moment(*time),
            moment(*not_before)
        ),
        CertificateError::NotValidForNameContext { expected, presented } => {
            let expected = expected.to_str();
            let names: Vec<&str> = presented.iter().map(|name| bare(name)).collect();
            if names.is_empty() {
                format!("certificate is not valid for any names, but wanted to match {expected}")
            } else {
                format!("certificate is valid for {}, not {expected}", names.join(", "))
            }
        }
        other => other.to_string(),
    };
    format!("tls: failed to verify certificate: x509: {why}")
}

fn moment(time: UnixTime) -> String {
    let time = i64::try_from(time.as_secs()).ok().and_then(|time| jiff::Timestamp::from_second(time).ok());
    time.map(|time| time.to_string()).unwrap_or_default()
}

/// `x.example` of `DnsName("x.example")`.
fn bare(name: &str) -> &str {
    let inside = name.split_once('(').map_or(name, |(_, inside)| inside.trim_end_matches(')'));
    inside.trim_matches('"')
}

const NO_ROOTS: &str = "unable to load root certificates: unable to parse bytes as PEM block";
