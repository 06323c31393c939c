//! What a server is known by, and knows others by: its certificate authority, its signing key for service accounts, the
//! administrator's token. Servers over one store have them in common.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use podsec_storage::{Change, Precondition, Store};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::authentication::service_account::{self, ServiceAccountTokens};
use crate::data_directory;
use crate::options::ServiceAccountOptions;
use crate::tls::{self, Authority, write_private};

/// The credentials of a server.
pub(crate) struct Credentials {
    pub(crate) authority: Authority,
    pub(crate) service_accounts: ServiceAccountTokens,
    /// The administrator's bearer token.
    pub(crate) token: String,
}

/// Why there are no credentials.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The data directory cannot be made or written.
    #[error("cannot use the data directory {}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
    /// Others may read or write the data directory.
    #[error(transparent)]
    Permissions(#[from] data_directory::Error),
    /// The keys of service account tokens cannot be used.
    #[error(transparent)]
    ServiceAccountKeys(#[from] service_account::Error),
    /// The certificates cannot be made or read.
    #[error(transparent)]
    Certificates(#[from] tls::Error),
    /// The store cannot be read or written.
    #[error("cannot keep the certificate authority and the signing key in the store")]
    Store(#[from] podsec_storage::Error),
    /// The store holds something else under their key.
    #[error("{KEY} in the store does not hold a certificate authority, a signing key and a token")]
    Corrupt,
}

/// As they are kept in a store: PEM, but for the token.
#[derive(Serialize, Deserialize)]
struct Kept {
    #[serde(rename = "ca.crt")]
    authority_certificate: String,
    #[serde(rename = "ca.key")]
    authority_key: String,
    #[serde(rename = "service-account.key")]
    signing_key: String,
    token: String,
}

impl Credentials {
    /// Credentials that are forgotten with the process.
    ///
    /// # Errors
    /// When the system gives no randomness, or a key file cannot be used.
    pub(crate) fn ephemeral(options: ServiceAccountOptions) -> Result<Self, Error> {
        Ok(Self {
            authority: Authority::ephemeral()?,
            service_accounts: ServiceAccountTokens::ephemeral(options)?,
            token: random_token(),
        })
    }

    /// Those in the files of a directory; what is not there is made.
    ///
    /// # Errors
    /// When a file cannot be read, written or used, or others may read what is secret.
    pub(crate) fn in_directory(path: &Path, options: ServiceAccountOptions) -> Result<Self, Error> {
        let unusable = |source| Error::Directory { path: path.to_owned(), source };
        // For its owner alone: Secrets are in there.
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(unusable)?;
        data_directory::expect_closed(path)?;
        let authority = Authority::load_or_create(path)?;
        let token_path = path.join("token");
        let token = match fs::read_to_string(&token_path) {
            Ok(token) if !token.trim().is_empty() => token.trim().to_owned(),
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(unusable(error)),
            _ => {
                let token = random_token();
                write_private(&token_path, token.as_bytes()).map_err(unusable)?;
                token
            }
        };
        let service_accounts = ServiceAccountTokens::kept_in(path, options)?;
        Ok(Self { authority, service_accounts, token })
    }

    /// Those in the store. The first of its servers makes them; of several that start at once, one.
    ///
    /// # Errors
    /// When the store does not answer, or holds something else, or a key file cannot be used.
    pub(crate) async fn in_store(store: &dyn Store, options: ServiceAccountOptions) -> Result<Self, Error> {
        let kept = if let Some(entry) = store.get(KEY).await? {
            entry.value
        } else {
            let made = Bytes::from(serde_json::to_vec(&Kept::new()?).map_err(|_| Error::Corrupt)?);
            match store.commit(KEY, Precondition::Absent, Change::Put(made.clone())).await {
                Ok(_) => made,
                Err(podsec_storage::Error::Conflict { current: Some(first) }) => first.value,
                Err(error) => return Err(error.into()),
            }
        };
        let kept: Kept = serde_json::from_slice(&kept).map_err(|_| Error::Corrupt)?;
        let authority = Authority::parse(kept.authority_certificate, &kept.authority_key);
        Ok(Self {
            authority: authority.ok_or(Error::Corrupt)?,
            service_accounts: ServiceAccountTokens::signed_with(&kept.signing_key, options)?,
            token: kept.token,
        })
    }
}

impl Kept {
    fn new() -> Result<Self, Error> {
        let (authority, authority_key) = Authority::create()?;
        Ok(Self {
            authority_certificate: authority.certificate_pem().to_owned(),
            authority_key,
            signing_key: service_account::generate().map_err(service_account::Error::from)?,
            token: random_token(),
        })
    }
}

fn random_token() -> String {
    format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}

/// Where a store keeps them. No resource has objects there: custom resources of this name would have theirs below.
const KEY: &str = "/registry/podsec.dev/credentials";

#[cfg(test)]
mod tests {
    use super::*;
    use podsec_storage::Memory;

    #[tokio::test]
    async fn servers_over_one_store_have_the_same_credentials() {
        let store = Memory::default();
        let one = Credentials::in_store(&store, ServiceAccountOptions::default()).await.unwrap();
        let other = Credentials::in_store(&store, ServiceAccountOptions::default()).await.unwrap();
        assert_eq!(one.token, other.token);
        assert_eq!(one.authority.certificate_pem(), other.authority.certificate_pem());
        assert_eq!(one.service_accounts.published(), other.service_accounts.published());
    }

    #[tokio::test]
    async fn what_was_changed_by_hand_is_refused() {
        let store = Memory::default();
        store.commit(KEY, Precondition::Absent, Change::Put("{}".into())).await.unwrap();
        let error = Credentials::in_store(&store, ServiceAccountOptions::default()).await.err();
        assert!(matches!(error, Some(Error::Corrupt)), "{error:?}");
    }
}
