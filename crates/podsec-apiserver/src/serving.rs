//! The certificate that the server shows, and whose certificates of clients it believes.

use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::options::ServingOptions;
use crate::tls::{self, Authority, Identity, write_private};

/// What the server shows.
pub(crate) struct Serving {
    /// The certificate and its key.
    pub(crate) identity: Identity,
    /// What a client needs to trust it, PEM.
    pub(crate) authority_pem: String,
}

/// Why there is no certificate to show, or none to believe.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file cannot be read or written.
    #[error("open {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
    /// One of the two files is there without the other.
    #[error(
        "{} is there without {}: bring the other, or remove it to have both made",
        there.display(), absent.display()
    )]
    Alone {
        /// The file that is there.
        there: PathBuf,
        /// The other one.
        absent: PathBuf,
    },
    /// `--tls-cert-file` or `--tls-private-key-file` is named without the other.
    #[error("--tls-cert-file and --tls-private-key-file belong together: name both")]
    Half,
    /// The file of authorities holds something else.
    #[error("--client-ca-file {} holds no certificate as PEM", .0.display())]
    NoAuthority(PathBuf),
    /// A certificate cannot be made.
    #[error(transparent)]
    Certificate(#[from] tls::Error),
}

/// Finds the certificate of a server that is reached `at` some addresses, as kube-apiserver does: the files that are
/// named, those in the certificate directory, or one that `authority` signs, which is kept in that directory.
///
/// # Errors
/// When a file cannot be read or written, or stands alone.
pub(crate) fn certificate(
    options: &ServingOptions,
    authority: &Authority,
    at: &[IpAddr],
) -> Result<Serving, Error> {
    match (&options.cert_file, &options.key_file) {
        (Some(certificate), Some(key)) => return read(certificate, key),
        (None, None) => {}
        _ => return Err(Error::Half),
    }
    let Some(directory) = &options.directory else { return signed(authority, at) };
    let (certificate, key) = (directory.join("apiserver.crt"), directory.join("apiserver.key"));
    match (certificate.exists(), key.exists()) {
        (true, true) => read(&certificate, &key),
        (true, false) => Err(Error::Alone { there: certificate, absent: key }),
        (false, true) => Err(Error::Alone { there: key, absent: certificate }),
        (false, false) => {
            let mut serving = signed(authority, at)?;
            // Whoever trusts this file trusts the server: the authority is in it.
            serving.identity.certificate_pem.push_str(authority.certificate_pem());
            fs::create_dir_all(directory).map_err(of(directory))?;
            write_private(&key, serving.identity.key_pem.as_bytes()).map_err(of(&key))?;
            fs::write(&certificate, &serving.identity.certificate_pem).map_err(of(&certificate))?;
            Ok(serving)
        }
    }
}

/// The certificates of a file of authorities, and its text.
///
/// # Errors
/// When it cannot be read, or holds no certificate.
pub(crate) fn client_authorities(path: &Path) -> Result<(Vec<CertificateDer<'static>>, String), Error> {
    let text = fs::read_to_string(path).map_err(of(path))?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok((certificates, text)),
        _ => Err(Error::NoAuthority(path.to_owned())),
    }
}

fn signed(authority: &Authority, at: &[IpAddr]) -> Result<Serving, Error> {
    let identity = authority.server_identity(at)?;
    Ok(Serving { identity, authority_pem: authority.certificate_pem().to_owned() })
}

fn read(certificate: &Path, key: &Path) -> Result<Serving, Error> {
    let text = |path: &Path| fs::read_to_string(path).map_err(of(path));
    let identity = Identity { certificate_pem: text(certificate)?, key_pem: text(key)? };
    Ok(Serving { authority_pem: identity.certificate_pem.clone(), identity })
}

fn of(path: &Path) -> impl FnOnce(io::Error) -> Error + '_ {
    |source| Error::File { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_that_was_made_is_the_one_of_the_next_start() {
        let folder = tempfile::tempdir().unwrap();
        let options =
            ServingOptions { directory: Some(folder.path().join("certs")), ..ServingOptions::default() };
        let authority = Authority::ephemeral().unwrap();
        let made = certificate(&options, &authority, &[]).unwrap();
        let kept = certificate(&options, &Authority::ephemeral().unwrap(), &[]).unwrap();
        assert_eq!(made.identity.certificate_pem, kept.identity.certificate_pem);
        kept.identity.server_config(&authority.clients([]).unwrap()).unwrap();
    }

    #[test]
    fn half_a_certificate_is_refused_with_what_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("apiserver.crt"), "x").unwrap();
        let directory = Some(folder.path().to_owned());
        let authority = Authority::ephemeral().unwrap();
        let said = |options: &ServingOptions| {
            certificate(options, &authority, &[]).err().map(|error| error.to_string()).unwrap_or_default()
        };
        let alone = said(&ServingOptions { directory, ..ServingOptions::default() });
        assert!(alone.contains("is there without") && alone.contains("apiserver.key"), "{alone}");
        let cert_file = Some(folder.path().join("apiserver.crt"));
        let half = said(&ServingOptions { cert_file, ..ServingOptions::default() });
        assert_eq!(half, "--tls-cert-file and --tls-private-key-file belong together: name both");
    }

    #[test]
    fn a_file_without_certificates_names_no_client() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.crt");
        fs::write(&path, "no PEM").unwrap();
        assert!(matches!(client_authorities(&path), Err(Error::NoAuthority(_))));
        assert!(matches!(client_authorities(&folder.path().join("missing")), Err(Error::File { .. })));
    }
}
