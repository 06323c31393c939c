//! Whether the API server believes the certificate of the webhook, and for how long.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use podsec_transport::Authorities;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, SignatureScheme};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::registration::{Hook, Registration, Target};
use crate::tls::not_after;

use super::examination::Examination;
use super::finding::{Finding, Topic};
use super::question::asked;

/// A certificate chain, and where it was seen.
struct Shown {
    chain: Vec<CertificateDer<'static>>,
    place: String,
    /// Whether the API server vouches for it being the webhook's.
    is_vouched_for: bool,
}

pub(super) async fn examine(
    examination: &Examination,
    client: &kube::Client,
    registration: &Registration,
    proven: bool,
    now: Timestamp,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for hook in registration.targets() {
        let authorities = match authorities(hook, now) {
            Ok((authorities, mut about)) => {
                findings.append(&mut about);
                authorities
            }
            Err(finding) => {
                findings.push(finding);
                continue;
            }
        };
        let (shown, mut unseen) = shown(examination, client, &hook.target).await;
        findings.append(&mut unseen);
        if shown.is_empty() {
            findings.push(unproven(hook, proven));
        }
        for shown in shown {
            findings.push(judge(hook, &authorities, &shown, now));
        }
    }
    findings
}

/// The authorities of the caBundle, and what there is to say of them.
fn authorities(hook: &Hook, now: Timestamp) -> Result<(Vec<CertificateDer<'static>>, Vec<Finding>), Finding> {
    let name = &hook.name;
    let problem = |message, advice: &str| Err(Finding::problem(Topic::Trusted, message, advice));
    if hook.bundle.is_empty() {
        return match hook.target {
            Target::Service { .. } => problem(
                format!("{name} has no caBundle, and no public authority signs for a Service"),
                "with --self-signed the webhook fills it in as soon as it runs: look into its log; else put the \
                 authority of its certificate there",
            ),
            Target::Url(_) => Ok((Vec::new(), Vec::new())),
        };
    }
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&hook.bundle).collect();
    let Some(found) = found.ok().filter(|found| !found.is_empty()) else {
        return problem(
            format!("the caBundle of {name} holds no PEM certificate"),
            "put the authority of the webhook's certificate there, PEM and then base64",
        );
    };
    let expired = |authority: &CertificateDer<'_>| not_after(authority).is_some_and(|end| end <= now);
    let findings = match found.iter().filter(|authority| expired(authority)).count() {
        0 => Vec::new(),
        count if count == found.len() => {
            return problem(
                format!("every authority in the caBundle of {name} has expired"),
                "put one there that has not, and serve a certificate of it",
            );
        }
        count => vec![Finding::warning(
            Topic::Trusted,
            format!("{count} of {} authorities in the caBundle of {name} have expired", found.len()),
            "take them out",
        )],
    };
    Ok((found, findings))
}

/// The certificates that can be seen from here: in the Secret, or where the user says that the webhook is.
async fn shown(
    examination: &Examination,
    client: &kube::Client,
    target: &Target,
) -> (Vec<Shown>, Vec<Finding>) {
    let (mut shown, mut findings) = (Vec::new(), Vec::new());
    // Where a Service or a URL leads to from here may not be where it leads to from the API server: nobody is called but
    // whom the user has named.
    if let Some(address) = &examination.address {
        match handshake(address, &target.server_name()).await {
            Ok(chain) => {
                shown.push(Shown { chain, place: format!("shown at {address}"), is_vouched_for: false });
            }
            Err(reason) => findings.push(Finding::problem(
                Topic::Reachable,
                format!("{address} shows no certificate: {reason}"),
                "nobody speaks TLS there, or not to this machine",
            )),
        }
    }
    if let (true, Target::Service { namespace, .. }) = (shown.is_empty(), target) {
        let secrets = Api::<Secret>::namespaced(client.clone(), namespace);
        let secret = asked(secrets.get_opt(&examination.secret)).await.ok().flatten();
        let chain = secret.and_then(|secret| {
            let text = secret.data?.remove("tls.crt")?;
            CertificateDer::pem_slice_iter(&text.0).collect::<Result<Vec<_>, _>>().ok()
        });
        if let Some(chain) = chain.filter(|chain| !chain.is_empty()) {
            let place = format!("in the Secret {}", examination.secret);
            shown.push(Shown { chain, place, is_vouched_for: true });
        }
    }
    (shown, findings)
}

/// What can be said when no certificate can be seen.
fn unproven(hook: &Hook, proven: bool) -> Finding {
    let name = hook.target.server_name();
    if proven {
        return Finding::ok(
            Topic::Trusted,
            format!("the API server believes the certificate of {name}: it got an answer"),
        );
    }
    Finding::warning(
        Topic::Trusted,
        format!("the certificate of {name} cannot be seen from here"),
        "open a way (kubectl port-forward) and name it with --webhook-address, or try as somebody who may read the \
         Secret",
    )
}

fn judge(hook: &Hook, authorities: &[CertificateDer<'static>], shown: &Shown, now: Timestamp) -> Finding {
    let (name, place) = (hook.target.server_name(), &shown.place);
    let Some((leaf, intermediates)) = shown.chain.split_first() else { return unproven(hook, false) };
    if authorities.is_empty() {
        return Finding::warning(
            Topic::Trusted,
            format!(
                "the certificate of {name} ({place}) is verified against the API server's own authorities"
            ),
            "which these are cannot be seen from here; a caBundle would say it",
        );
    }
    let until = not_after(leaf).map_or_else(|| "an unknown time".to_owned(), |end| end.to_string());
    match verify(authorities, leaf, intermediates, &name, now) {
        Ok(()) => match not_after(leaf) {
            Some(end) if end.duration_since(now) < SOON => Finding::warning(
                Topic::Trusted,
                format!("the certificate of {name} ({place}) expires soon, at {until}"),
                "renew it; with --self-signed the webhook does so a month before: look into its log",
            ),
            _ => Finding::ok(
                Topic::Trusted,
                format!(
                    "the caBundle of {} signs the certificate of {name} ({place}) until {until}",
                    hook.name
                ),
            ),
        },
        Err(rustls::Error::InvalidCertificate(error)) => {
            let (message, advice) = match error {
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => (
                    format!("the certificate of {name} ({place}) has expired at {until}"),
                    "renew it; files and Secrets are read again without a restart",
                ),
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => (
                    format!("the certificate {place} is not for {name}, which the API server demands"),
                    "put this name among its subject alternative names; a common name does not count",
                ),
                CertificateError::UnknownIssuer | CertificateError::BadSignature => (
                    format!(
                        "the caBundle of {} has not signed the certificate of {name} ({place})",
                        hook.name
                    ),
                    if shown.is_vouched_for {
                        "put the authority that signs this Secret's certificates into caBundle; with --self-signed the \
                         webhook does so itself, with cert-manager its ca-injector"
                    } else {
                        "whoever answers there may be somebody else: trust nothing that it shows before the Secret of \
                         the webhook (kubectl get secret) holds the same certificate; with --self-signed the webhook \
                         fills in caBundle itself, with cert-manager its ca-injector"
                    },
                ),
                error => (
                    format!("the certificate of {name} ({place}) is not valid: {error}"),
                    "serve one that is",
                ),
            };
            Finding::problem(Topic::Trusted, message, advice)
        }
        Err(error) => Finding::problem(
            Topic::Trusted,
            format!("the certificate of {name} ({place}) cannot be verified: {error}"),
            "serve one that can be",
        ),
    }
}

fn verify(
    authorities: &[CertificateDer<'static>],
    leaf: &CertificateDer<'static>,
    intermediates: &[CertificateDer<'static>],
    name: &str,
    now: Timestamp,
) -> Result<(), rustls::Error> {
    let general = |error: &dyn std::fmt::Display| rustls::Error::General(error.to_string());
    let name = ServerName::try_from(name).map_err(|error| general(&error))?;
    let authorities = Authorities::new(authorities.to_vec()).map_err(|error| general(&error))?;
    let seconds = u64::try_from(now.as_second()).unwrap_or_default();
    let now = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    authorities.verify_server_cert(leaf, intermediates, &name, &[], now).map(drop)
}

/// The certificates that a server shows to whoever calls it by this name.
async fn handshake(address: &str, name: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let name = ServerName::try_from(name.to_owned()).map_err(|error| error.to_string())?;
    let witness = Arc::new(Witness::default());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(&witness) as Arc<dyn ServerCertVerifier>)
        .with_no_client_auth();
    let connect = async {
        let stream = TcpStream::connect(address).await?;
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    };
    // The witness breaks every handshake off: what matters is what it saw before.
    let ended = timeout(CONNECT, connect).await.map_err(|_| "no answer in time".to_owned())?;
    let seen = std::mem::take(&mut *witness.seen.lock().unwrap_or_else(PoisonError::into_inner));
    match ended {
        Err(error) if seen.is_empty() => Err(error.to_string()),
        _ => Ok(seen),
    }
}

/// Notes which certificates are shown, and believes none of them: nothing is ever said over such a connection.
#[derive(Debug, Default)]
struct Witness {
    seen: Mutex<Vec<CertificateDer<'static>>>,
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let chain = std::iter::once(leaf).chain(intermediates).map(|one| one.clone().into_owned()).collect();
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = chain;
        Err(CertificateError::ApplicationVerificationFailure.into())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(CertificateError::ApplicationVerificationFailure.into())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(CertificateError::ApplicationVerificationFailure.into())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(3);
/// When an expiry is near: nobody renews later than that on purpose.
const SOON: SignedDuration = SignedDuration::from_hours(24 * 7);
