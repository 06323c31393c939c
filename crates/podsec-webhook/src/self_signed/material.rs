//! The certificates that the webhook makes for itself, and how they follow one another. Pure: the time is given.
//!
//! ```text
//! first ─► serving 1 by CA 1 ─► CA 2 is made, and trusted beside CA 1 ─► serving 2 by CA 2 ─► CA 1 is forgotten
//!                    └─ serving expires: another by the same CA           an overlap later      an overlap later
//! ```
//!
//! At no time is a certificate served that the API server was not told to trust an overlap before.

use jiff::{SignedDuration, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use serde::{Deserialize, Serialize};

/// Everything about the certificates: what the Secret holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Material {
    /// The authority that signs, or is about to.
    pub(crate) authority: Pair,
    /// The authority that signed before, as long as certificates of it may be met.
    pub(crate) former: Option<String>,
    /// Signed by the authority, or by the former one until the overlap is over.
    pub(crate) serving: Pair,
    /// When the authorities changed last.
    pub(crate) changed: Timestamp,
    /// Whether the serving certificate is still the former authority's.
    pub(crate) awaited: bool,
}

/// A certificate and its key, PEM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pair {
    pub(crate) certificate: String,
    pub(crate) key: String,
    pub(crate) expires: Timestamp,
}

/// How long certificates last.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lifetimes {
    pub(crate) authority: SignedDuration,
    pub(crate) serving: SignedDuration,
    /// How long the API server is told of an authority before it is relied on, and after.
    pub(crate) overlap: SignedDuration,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self {
            authority: SignedDuration::from_hours(24 * 365),
            serving: SignedDuration::from_hours(24 * 90),
            overlap: SignedDuration::from_mins(10),
        }
    }
}

impl Material {
    /// The first certificates of a service.
    pub(crate) fn first(name: &str, now: Timestamp, lifetimes: Lifetimes) -> Result<Self, rcgen::Error> {
        let authority = Pair::authority(now, lifetimes)?;
        let serving = authority.issue(name, now, lifetimes)?;
        Ok(Self { authority, former: None, serving, changed: now, awaited: false })
    }

    /// What follows at this time; none while everything is as it should be. The API server must have been told of
    /// the [bundle](Material::bundle) before this is asked.
    pub(crate) fn next(
        &self,
        name: &str,
        now: Timestamp,
        lifetimes: Lifetimes,
    ) -> Result<Option<Self>, rcgen::Error> {
        let overlapped = now.duration_since(self.changed) >= lifetimes.overlap;
        let worn = |pair: &Pair, lifetime: SignedDuration| pair.expires.duration_since(now) < lifetime / 3;
        let next = if self.awaited {
            if !overlapped {
                return Ok(None);
            }
            let serving = self.authority.issue(name, now, lifetimes)?;
            Self { serving, changed: now, awaited: false, ..self.clone() }
        } else if self.former.is_some() {
            if !overlapped {
                return Ok(None);
            }
            Self { former: None, changed: now, ..self.clone() }
        } else if worn(&self.authority, lifetimes.authority) {
            let authority = Pair::authority(now, lifetimes)?;
            let former = Some(self.authority.certificate.clone());
            Self { authority, former, changed: now, awaited: true, ..self.clone() }
        } else if worn(&self.serving, lifetimes.serving) {
            Self { serving: self.authority.issue(name, now, lifetimes)?, ..self.clone() }
        } else {
            return Ok(None);
        };
        Ok(Some(next))
    }

    /// Every authority that the API server has to trust, PEM.
    pub(crate) fn bundle(&self) -> String {
        [Some(&self.authority.certificate), self.former.as_ref()].into_iter().flatten().cloned().collect()
    }
}

impl Pair {
    fn authority(now: Timestamp, lifetimes: Lifetimes) -> Result<Self, rcgen::Error> {
        let key = KeyPair::generate()?;
        let expires = now + lifetimes.authority;
        // A name of its own, so that nobody takes one authority for another.
        let mut parameters =
            parameters(&format!("podsec-webhook authority {now}"), Vec::new(), now, expires)?;
        parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let certificate = parameters.self_signed(&key)?.pem();
        Ok(Self { certificate, key: key.serialize_pem(), expires })
    }

    fn issue(&self, name: &str, now: Timestamp, lifetimes: Lifetimes) -> Result<Self, rcgen::Error> {
        let issuer = Issuer::from_ca_cert_pem(&self.certificate, KeyPair::from_pem(&self.key)?)?;
        let key = KeyPair::generate()?;
        let expires = (now + lifetimes.serving).min(self.expires);
        let mut parameters = parameters(name, vec![name.to_owned()], now, expires)?;
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let certificate = parameters.signed_by(&key, &issuer)?.pem();
        Ok(Self { certificate, key: key.serialize_pem(), expires })
    }
}

fn parameters(
    common_name: &str,
    names: Vec<String>,
    now: Timestamp,
    expires: Timestamp,
) -> Result<CertificateParams, rcgen::Error> {
    let mut parameters = CertificateParams::new(names)?;
    parameters.distinguished_name.push(DnType::CommonName, common_name);
    let time = |time: Timestamp| {
        let seconds = u64::try_from(time.as_second()).unwrap_or_default();
        rcgen::date_time_ymd(1970, 1, 1) + std::time::Duration::from_secs(seconds)
    };
    // From an hour ago, for clocks that are late.
    parameters.not_before = time(now - SignedDuration::from_hours(1));
    parameters.not_after = time(expires);
    Ok(parameters)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustls::RootCertStore;
    use rustls::client::WebPkiServerVerifier;
    use rustls::client::danger::ServerCertVerifier as _;
    use rustls::pki_types::pem::PemObject as _;
    use rustls::pki_types::{CertificateDer, ServerName, UnixTime};

    use super::*;

    const NAME: &str = "podsec-webhook.podsec-system.svc";

    fn trusts(bundle: &str, serving: &Pair, now: Timestamp) -> bool {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(bundle.as_bytes()) {
            roots.add(certificate.unwrap()).unwrap();
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = WebPkiServerVerifier::builder_with_provider(roots.into(), provider).build().unwrap();
        let leaf = CertificateDer::from_pem_slice(serving.certificate.as_bytes()).unwrap();
        let name = ServerName::try_from(NAME).unwrap();
        let seconds = std::time::Duration::from_secs(now.as_second().try_into().unwrap());
        verifier.verify_server_cert(&leaf, &[], &name, &[], UnixTime::since_unix_epoch(seconds)).is_ok()
    }

    /// One replica acts and another sees everything late, as does the API server: for three years nobody meets a
    /// certificate that is not trusted.
    #[test]
    fn whoever_is_late_by_less_than_an_overlap_meets_no_certificate_that_is_not_trusted() {
        let lifetimes = Lifetimes::default();
        let mut now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let end = now + SignedDuration::from_hours(24 * 365 * 3);
        let mut material = Material::first(NAME, now, lifetimes).unwrap();
        let mut late = material.clone();
        let mut rotations = (0, 0);
        while now < end {
            // Often while something happens, and rarely while nothing does.
            let busy = material.awaited || material.former.is_some();
            now += if busy { lifetimes.overlap / 2 } else { SignedDuration::from_hours(24) };
            for bundle in [material.bundle(), late.bundle()] {
                for serving in [&material.serving, &late.serving] {
                    assert!(trusts(&bundle, serving, now), "at {now}");
                }
            }
            late = material.clone();
            if let Some(next) = material.next(NAME, now, lifetimes).unwrap() {
                rotations.0 += usize::from(next.authority != material.authority);
                rotations.1 += usize::from(next.serving != material.serving);
                material = next;
            }
        }
        assert!(rotations.0 >= 3 && rotations.1 >= 12, "{rotations:?}");
    }

    #[test]
    fn nothing_changes_while_nothing_expires() {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let material = Material::first(NAME, now, Lifetimes::default()).unwrap();
        assert_eq!(material.next(NAME, now, Lifetimes::default()).unwrap(), None);
        let json = serde_json::to_string(&material).unwrap();
        assert_eq!(serde_json::from_str::<Material>(&json).unwrap(), material);
    }
}
