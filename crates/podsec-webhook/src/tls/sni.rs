//! `--tls-sni-cert-key`: other certificates for clients that ask for certain names.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::ServingCertificate;

/// The files of a certificate, and the names that it is for: `webhook.crt,webhook.key:*.example.com,example.com`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SniCertificate {
    /// The certificate with its chain, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
    /// Names, and patterns whose first label is `*`; those in the certificate when there are none.
    pub names: Vec<String>,
}

/// A text that is no [`SniCertificate`].
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SniError {
    /// There are not two files.
    #[error("expected comma separated certificate and key file paths")]
    Files,
    /// There is a colon, and nothing after it.
    #[error("empty names list is not allowed")]
    Names,
}

impl FromStr for SniCertificate {
    type Err = SniError;

    fn from_str(text: &str) -> Result<Self, SniError> {
        let (files, names) = match text.split_once(':') {
            Some((_, names)) if names.trim().is_empty() => return Err(SniError::Names),
            Some((files, names)) => {
                (files, names.split(',').map(|name| name.trim().to_lowercase()).collect())
            }
            None => (text, Vec::new()),
        };
        let (certificate, key) = files.split_once(',').ok_or(SniError::Files)?;
        if key.contains(',') {
            return Err(SniError::Files);
        }
        Ok(Self { certificate: certificate.trim().into(), key: key.trim().into(), names })
    }
}

/// Certificates for certain names, and one for all others.
#[derive(Debug)]
pub(crate) struct Named {
    default: Arc<ServingCertificate>,
    named: Vec<(Vec<String>, Arc<ServingCertificate>)>,
}

impl Named {
    /// Earlier certificates come before later ones; those without names are for the names that they hold.
    pub(crate) fn new(
        default: Arc<ServingCertificate>,
        named: Vec<(Vec<String>, Arc<ServingCertificate>)>,
    ) -> Self {
        Self { default, named }
    }

    /// As kube-apiserver: names come before patterns, and of either those that were given before those that are in a
    /// certificate.
    fn find(&self, name: &str) -> &ServingCertificate {
        let name = name.to_lowercase();
        let pattern = name.split_once('.').map_or_else(|| "*".to_owned(), |(_, rest)| format!("*.{rest}"));
        [name, pattern].iter().find_map(|name| self.exactly(name)).unwrap_or(&self.default)
    }

    fn exactly(&self, name: &String) -> Option<&ServingCertificate> {
        let given = self.named.iter().find(|(names, _)| names.contains(name));
        let held =
            || self.named.iter().find(|(names, certificate)| names.is_empty() && certificate.is_for(name));
        given.or_else(held).map(|(_, certificate)| &**certificate)
    }
}

impl ResolvesServerCert for Named {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(hello.server_name().map_or(&*self.default, |name| self.find(name)).current())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_names_are_read_as_upstream_reads_them() {
        let parsed = |text: &str| {
            text.parse::<SniCertificate>()
                .map(|pair| format!("{} {} {:?}", pair.certificate.display(), pair.key.display(), pair.names))
        };
        assert_eq!(parsed("a.crt,a.key").unwrap(), "a.crt a.key []");
        assert_eq!(
            parsed("a.crt, a.key: *.Foo.com,foo.com").unwrap(),
            r#"a.crt a.key ["*.foo.com", "foo.com"]"#
        );
        assert_eq!(parsed("a.crt"), Err(SniError::Files));
        assert_eq!(parsed("a.crt,a.key,b"), Err(SniError::Files));
        assert_eq!(parsed("a.crt,a.key:"), Err(SniError::Names));
    }

    #[test]
    fn names_come_before_patterns_and_given_ones_before_those_of_a_certificate() {
        let made = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            let made = rcgen::generate_simple_self_signed(names).unwrap();
            let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
            Arc::new(ServingCertificate::from_pem(chain.as_bytes(), key.as_bytes()).unwrap())
        };
        let certificates = [made(&["any"]), made(&["a.example.com", "*.held.com"]), made(&["b.example.com"])];
        let [default, held, given] = certificates.clone();
        let patterns = vec!["*.example.com".to_owned(), "a.held.com".to_owned(), "*.held.com".to_owned()];
        let named = Named::new(default, vec![(Vec::new(), held), (patterns, given)]);
        for (name, expected) in [
            ("a.example.com", 1),
            ("A.EXAMPLE.com", 1),
            ("b.example.com", 2),
            ("c.example.com", 2),
            ("x.c.example.com", 0),
            ("a.held.com", 2),
            ("b.held.com", 2),
            ("podsec-webhook.podsec-system.svc", 0),
            ("localhost", 0),
        ] {
            let found = certificates.iter().position(|one| one.leaf() == named.find(name).leaf());
            assert_eq!(found, Some(expected), "{name}");
        }
    }
}
