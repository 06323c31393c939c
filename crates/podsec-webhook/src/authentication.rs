//! Who may ask: everybody, or, once told whom to know, clients with a certificate or a bearer token.
//!
//! An API server shows the certificate or token that the kubeconfig of its AdmissionConfiguration has for the webhook.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;
use podsec_transport::{ClientAuthorities, Peer};
use tokio::task::JoinSet;
use tokio::time::sleep;
use x509_parser::parse_x509_certificate;

use crate::files::{FileError, Files, Repeated};

/// Whom the webhook knows.
#[derive(Clone, Debug, Default)]
pub struct AuthenticationOptions {
    /// The authorities that sign certificates of clients (`--client-ca-file`).
    pub authorities: Option<ClientAuthorities>,
    /// The common names that such a certificate may have (`--client-allowed-names`); any when empty.
    pub allowed_names: Vec<String>,
    /// A file of bearer tokens, one a line (`--client-token-file`), read again when it changes.
    pub token_file: Option<PathBuf>,
}

/// Why the tokens cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokensError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// There is no token in it.
    #[error("{} holds no bearer token", .0.display())]
    Empty(PathBuf),
}

/// Tells who asks.
#[derive(Debug, Default)]
pub struct Authentication {
    authorities: Option<ClientAuthorities>,
    allowed_names: Vec<String>,
    tokens: Option<Arc<ArcSwap<Tokens>>>,
}

/// What clients may show.
type Tokens = HashSet<Vec<u8>>;

impl Authentication {
    /// Reads the tokens, and has them read again when they change.
    ///
    /// # Errors
    /// When there are none.
    pub(crate) fn open(
        options: &AuthenticationOptions,
        tasks: &mut JoinSet<()>,
        poll_interval: Duration,
    ) -> Result<Self, TokensError> {
        let tokens = match &options.token_file {
            None => None,
            Some(path) => {
                let file = Files::read(vec![path.clone()])?;
                let tokens = Arc::new(ArcSwap::from_pointee(read(&file)?));
                tasks.spawn(reload(file, Arc::clone(&tokens), poll_interval));
                Some(tokens)
            }
        };
        let AuthenticationOptions { authorities, allowed_names, .. } = options.clone();
        Ok(Self { authorities, allowed_names, tokens })
    }

    /// Whether this client may ask. One that had to show who it is counts as authenticated from now on.
    pub(crate) fn admits(&self, peer: &Peer, headers: &HeaderMap) -> bool {
        if self.authorities.is_none() && self.tokens.is_none() {
            return true;
        }
        let is_known = self.knows_certificate(peer) || self.knows_token(headers);
        if is_known {
            peer.set_authenticated();
        }
        is_known
    }

    fn knows_certificate(&self, peer: &Peer) -> bool {
        let (Some(authorities), Some(certificate)) = (&self.authorities, peer.certificates.first()) else {
            return false;
        };
        peer.is_certified_by(authorities)
            && (self.allowed_names.is_empty()
                || common_name(certificate).is_some_and(|name| self.allowed_names.contains(&name)))
    }

    fn knows_token(&self, headers: &HeaderMap) -> bool {
        let (Some(tokens), Some(token)) = (&self.tokens, bearer_token(headers)) else { return false };
        // By its hash, whose key nobody knows: how long that takes says nothing of the tokens.
        tokens.load().contains(token)
    }
}

fn common_name(certificate: &[u8]) -> Option<String> {
    let (_, certificate) = parse_x509_certificate(certificate).ok()?;
    let name = certificate.subject().iter_common_name().last()?;
    Some(name.as_str().ok()?.to_owned())
}

fn bearer_token(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(AUTHORIZATION)?.as_bytes().trim_ascii();
    let (scheme, token) = value.split_at_checked("bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"bearer ").then_some(token.trim_ascii())
}

fn read(file: &Files) -> Result<Tokens, TokensError> {
    let lines = file.content(0).split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let tokens: Tokens = lines.filter(|line| !line.is_empty()).map(<[u8]>::to_vec).collect();
    if tokens.is_empty() { Err(TokensError::Empty(file.paths().iter().collect())) } else { Ok(tokens) }
}

/// Knows other tokens whenever the file holds any.
async fn reload(mut file: Files, tokens: Arc<ArcSwap<Tokens>>, interval: Duration) {
    let mut unread = Repeated::default();
    loop {
        sleep(interval).await;
        match file.changed() {
            Ok(false) => unread.clear(),
            Ok(true) => match read(&file) {
                Ok(others) => {
                    tracing::info!(tokens = others.len(), "knowing other bearer tokens");
                    tokens.store(Arc::new(others));
                }
                Err(error) => tracing::error!(%error, "the new bearer tokens are refused; the old ones stay"),
            },
            Err(error) => unread.log(&error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bearer_token_is_found_whatever_its_scheme_is_spelt_like() {
        let token = |value: &str| {
            let headers = HeaderMap::from_iter([(AUTHORIZATION, value.parse().unwrap())]);
            bearer_token(&headers).map(<[u8]>::to_vec)
        };
        assert_eq!(token("Bearer secret"), Some(b"secret".to_vec()));
        assert_eq!(token("bEARER  secret "), Some(b"secret".to_vec()));
        assert_eq!(token("Basic secret"), None);
        assert_eq!(token("Bearer"), None);
    }

    #[test]
    fn a_file_without_tokens_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens");
        std::fs::write(&path, "one\r\n\n two \n").unwrap();
        let tokens = read(&Files::read(vec![path.clone()]).unwrap()).unwrap();
        assert_eq!(tokens, HashSet::from([b"one".to_vec(), b"two".to_vec()]));
        std::fs::write(&path, "\n").unwrap();
        assert!(matches!(read(&Files::read(vec![path]).unwrap()), Err(TokensError::Empty(_))));
    }
}
