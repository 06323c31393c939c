//! Tokens of service accounts: JWTs that this server signs, and that hold as long as the account and the object they are
//! bound to.
//!
//! ```text
//! TokenRequest ─► issue ─► claims ─► keys.sign ─► token
//! token ─► keys.verify ─► issuer, audiences ─► claims: time, account, bound object ─► user
//! ```

pub(super) mod claims;
mod keys;
mod legacy;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::options::ServiceAccountOptions;
use crate::registry::Resources;
use crate::request::User;
use claims::Claims;
pub(crate) use claims::{Bound, Reference};
pub(crate) use keys::Error;
pub(crate) use keys::generate;
use keys::{Keys, PublishedKeys};
use legacy::LegacyClaims;

/// What signs and verifies the tokens of service accounts.
pub(crate) struct ServiceAccountTokens {
    /// Made at their first use when nobody keeps them: making an RSA key takes longer than starting a server.
    keys: OnceLock<Keys>,
    options: ServiceAccountOptions,
}

/// What a token turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// A token of somebody else, or none at all.
    Foreign,
    /// A token of this server that does not hold; the words say why.
    Refused(String),
    /// A token that holds, and for which of the audiences asked for.
    Holds(User, Vec<String>),
}

/// An issued token.
pub(crate) struct Issued {
    /// The JWT.
    pub(crate) token: String,
    /// Its identifier, as user info and audit log show it: `JTI=…`.
    pub(crate) credential_id: String,
}

impl Default for ServiceAccountTokens {
    fn default() -> Self {
        Self { keys: OnceLock::new(), options: ServiceAccountOptions::default() }
    }
}

impl ServiceAccountTokens {
    /// Tokens whose keys are forgotten with the process, unless the options name files.
    ///
    /// # Errors
    /// When a key file cannot be used.
    pub(crate) fn ephemeral(options: ServiceAccountOptions) -> Result<Self, Error> {
        let tokens = Self { keys: OnceLock::new(), options };
        if tokens.options.signing_key_file.is_some() {
            let keys = Keys::read(tokens.options.signing_key_file.as_deref(), &tokens.options.key_files)?;
            return Ok(Self { keys: OnceLock::from(keys), ..tokens });
        }
        Ok(tokens)
    }

    /// Tokens whose key is kept in `directory`, unless the options name another. It is made when it is absent.
    ///
    /// # Errors
    /// When a key file cannot be read, written or used.
    pub(crate) fn kept_in(directory: &Path, options: ServiceAccountOptions) -> Result<Self, Error> {
        let path = match &options.signing_key_file {
            Some(path) => path.clone(),
            None => directory.join(KEY_FILE),
        };
        if options.signing_key_file.is_none() && !path.exists() {
            Keys::create(&path)?;
        }
        let keys = Keys::read(Some(&path), &options.key_files)?;
        Ok(Self { keys: OnceLock::from(keys), options })
    }

    /// Tokens signed with this private key, PEM, or the one of `--service-account-signing-key-file`.
    ///
    /// # Errors
    /// When the key, or a file of keys, cannot be used.
    pub(crate) fn signed_with(pem: &str, options: ServiceAccountOptions) -> Result<Self, Error> {
        let keys = match &options.signing_key_file {
            Some(path) => Keys::read(Some(path), &options.key_files)?,
            None => Keys::parse(pem, &options.key_files)?,
        };
        Ok(Self { keys: OnceLock::from(keys), options })
    }

    fn keys(&self) -> &Keys {
        self.keys.get_or_init(Keys::ephemeral)
    }

    /// The audiences of the API server itself.
    pub(crate) fn api_audiences(&self) -> &[String] {
        let audiences = &self.options.api_audiences;
        if audiences.is_empty() { self.options.issuers.get(..1).unwrap_or_default() } else { audiences }
    }

    /// The longest lifetime, in seconds, when there is a limit.
    pub(crate) fn max_expiration(&self) -> Option<i64> {
        self.options.max_token_expiration
    }

    /// Whether a pod's token of the usual lifetime holds for a year, as long as its use is noted.
    pub(crate) fn extends_expiration(&self) -> bool {
        self.options.extend_token_expiration
    }

    /// The issuer of new tokens.
    pub(crate) fn issuer(&self) -> &str {
        self.options.issuers.first().map_or("", String::as_str)
    }

    /// Where the public keys are published, when it is not this server's address.
    pub(crate) fn jwks_uri(&self) -> Option<&str> {
        self.options.jwks_uri.as_deref()
    }

    /// The public keys as a JSON Web Key Set, and their algorithms.
    pub(crate) fn published(&self) -> (PublishedKeys, Vec<&'static str>) {
        self.keys().published()
    }

    /// Signs a token of an account for `lifetime` seconds. `warn_after` is when its use is noted.
    ///
    /// # Errors
    /// When the key does not sign.
    pub(crate) fn issue(
        &self,
        account: &Value,
        bound: &Bound,
        audiences: &[String],
        now: Timestamp,
        lifetime: i64,
        warn_after: Option<i64>,
    ) -> Result<Issued, jsonwebtoken::errors::Error> {
        let claims = Claims::new(self.issuer(), account, bound, audiences, now, lifetime, warn_after);
        Ok(Issued { token: self.keys().sign(&claims)?, credential_id: claims.credential_id() })
    }

    /// Signs the token of a secret of an account; it has no end.
    ///
    /// # Errors
    /// When the key does not sign.
    pub(crate) fn issue_for_secret(
        &self,
        account: &Value,
        secret: &Value,
    ) -> Result<String, jsonwebtoken::errors::Error> {
        self.keys().sign(&LegacyClaims::new(account, secret))
    }

    /// Decides about a token. `audiences` are those asked for; the API server's own, when nobody asks. `resources` has the
    /// accounts, and what tokens are bound to.
    pub(crate) async fn verify(&self, resources: &Resources, token: &str, audiences: &[String]) -> Verdict {
        match self.user(resources, token, audiences).await {
            Ok((user, audiences)) => Verdict::Holds(user, audiences),
            Err(verdict) => verdict,
        }
    }

    async fn user(
        &self,
        resources: &Resources,
        token: &str,
        audiences: &[String],
    ) -> Result<(User, Vec<String>), Verdict> {
        let issuer = claims::unverified_issuer(token).ok_or(Verdict::Foreign)?;
        let now = Timestamp::now();
        if issuer == legacy::ISSUER {
            let claims: LegacyClaims = self.verified(token)?;
            let common = self.common(&[], audiences).map_err(Verdict::Refused)?;
            claims.validate(resources, token, now).await.map_err(Verdict::Refused)?;
            return Ok((claims.user(), common));
        }
        if !self.options.issuers.contains(&issuer) {
            return Err(Verdict::Foreign);
        }
        let claims: Claims = self.verified(token)?;
        let common = self.common(claims.audiences(), audiences).map_err(Verdict::Refused)?;
        claims.validate(resources, now).await.map_err(Verdict::Refused)?;
        Ok((claims.user(), common))
    }

    /// What a token claims that one of the keys has signed.
    fn verified<T: DeserializeOwned>(&self, token: &str) -> Result<T, Verdict> {
        self.keys().verify(token).map_err(|error| match error {
            keys::Unverified::NoToken => Verdict::Foreign,
            keys::Unverified::Refused(why) => Verdict::Refused(why.to_owned()),
        })
    }

    /// The audiences that a token is for among those asked for; one that names none is for the API server.
    fn common(&self, given: &[String], asked: &[String]) -> Result<Vec<String>, String> {
        let given = if given.is_empty() { self.api_audiences() } else { given };
        let common: Vec<String> = given.iter().filter(|audience| asked.contains(audience)).cloned().collect();
        if common.is_empty() {
            let (given, asked) = (go_list(given), go_list(asked));
            return Err(format!("token audiences {given} is invalid for the target audiences {asked}"));
        }
        Ok(common)
    }
}

/// A list as Go's `%q` prints it: `["a" "b"]`.
fn go_list(texts: &[String]) -> String {
    let texts: Vec<String> = texts.iter().map(|text| podsec_apimachinery::quote::quoted(text)).collect();
    format!("[{}]", texts.join(" "))
}

impl Default for ServiceAccountOptions {
    fn default() -> Self {
        Self {
            signing_key_file: None,
            key_files: Vec::<PathBuf>::new(),
            issuers: vec![DEFAULT_ISSUER.to_owned()],
            api_audiences: Vec::new(),
            jwks_uri: None,
            max_token_expiration: None,
            extend_token_expiration: true,
        }
    }
}

/// The issuer that kubeadm configures.
const DEFAULT_ISSUER: &str = "https://kubernetes.default.svc.cluster.local";
/// The file of the signing key in the data directory, named as kubeadm names it.
const KEY_FILE: &str = "sa.key";
