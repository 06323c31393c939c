//! Tokens of an OpenID provider: ID tokens that somebody else signs, whose claims name a user.
//!
//! ```text
//! token ─► issuer ─► keys (discovered, kept) ─► signature ─► audience, times, required claims ─► user
//! ```

mod claims;
mod keys;

use std::fs;
use std::io;
use std::path::PathBuf;

use jiff::Timestamp;
use jsonwebtoken::Algorithm;
use podsec_transport::HttpsClient;

use super::service_account::claims::unverified_issuer;
use crate::options::OidcOptions;
use crate::request::User;
use keys::ProviderKeys;

/// What verifies the tokens of a provider.
pub(crate) struct OpenId {
    issuer: String,
    mapping: claims::Mapping,
    algorithms: Vec<Algorithm>,
    keys: ProviderKeys,
}

/// Why tokens of a provider cannot be verified.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The flags do not go together.
    #[error(
        "oidc-issuer-url and oidc-client-id must be specified together when any oidc-* flags are specified"
    )]
    Incomplete,
    /// The issuer is not reached by HTTPS.
    #[error("oidc-issuer-url {url:?} must be a URL with scheme https and without a query or fragment")]
    Issuer {
        /// What the flag says.
        url: String,
    },
    /// Nobody here verifies such a signature.
    #[error(
        "oidc: unsupported signing alg: {algorithm:?}: choose among RS256, RS384, RS512, ES256, ES384, PS256, PS384, PS512"
    )]
    Algorithm {
        /// What the flag says.
        algorithm: String,
    },
    /// A required claim has no value.
    #[error("oidc-required-claim {claim:?}: want key=value")]
    RequiredClaim {
        /// What the flag says.
        claim: String,
    },
    /// The file of authorities cannot be read.
    #[error("failed to read the CA contents: {}", path.display())]
    Authorities {
        /// The file.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
    /// The file holds no authority.
    #[error("oidc-ca-file: {why}")]
    Unusable {
        /// Why not.
        why: String,
    },
}

impl OpenId {
    /// What the flags say; `None` when there are none.
    ///
    /// # Errors
    /// When they do not go together, or name what cannot be used.
    pub(crate) fn of(options: &OidcOptions) -> Result<Option<Self>, Error> {
        if *options == OidcOptions::default() {
            return Ok(None);
        }
        let (Some(issuer), Some(client)) = (&options.issuer_url, &options.client_id) else {
            return Err(Error::Incomplete);
        };
        let is_plain = issuer.starts_with("https://") && !issuer.contains(['?', '#', '@']);
        if !is_plain || issuer.parse::<hyper::Uri>().is_err() {
            return Err(Error::Issuer { url: issuer.clone() });
        }
        let algorithms = options.signing_algs.iter().map(|name| {
            let known = name.parse().ok().filter(|algorithm| ASYMMETRIC.contains(algorithm));
            known.ok_or_else(|| Error::Algorithm { algorithm: name.clone() })
        });
        let required = options.required_claims.iter().map(|claim| {
            let pair = claim.split_once('=').filter(|(key, _)| !key.is_empty());
            let (key, value) = pair.ok_or_else(|| Error::RequiredClaim { claim: claim.clone() })?;
            Ok((key.to_owned(), value.to_owned()))
        });
        let authorities = match &options.ca_file {
            None => Vec::new(),
            Some(path) => {
                fs::read(path).map_err(|source| Error::Authorities { path: path.clone(), source })?
            }
        };
        let client_https = HttpsClient::new(&authorities, None)
            .map_err(|error| Error::Unusable { why: error.to_string() })?;
        let username_prefix = match options.username_prefix.as_str() {
            "" if options.username_claim != "email" => format!("{issuer}#"),
            "-" => String::new(),
            prefix => prefix.to_owned(),
        };
        Ok(Some(Self {
            issuer: issuer.clone(),
            mapping: claims::Mapping {
                client: client.clone(),
                username_claim: options.username_claim.clone(),
                username_prefix,
                groups_claim: options.groups_claim.clone(),
                groups_prefix: options.groups_prefix.clone(),
                required: required.collect::<Result<_, Error>>()?,
            },
            algorithms: algorithms.collect::<Result<_, _>>()?,
            keys: ProviderKeys::new(client_https, issuer),
        }))
    }

    /// The user of a token; `None` for a token of another issuer.
    ///
    /// # Errors
    /// Why the token names nobody, in Kubernetes' words.
    pub(crate) async fn verify(&self, token: &str) -> Result<Option<User>, String> {
        if unverified_issuer(token).as_deref() != Some(&*self.issuer) {
            return Ok(None);
        }
        let found = self.keys.verify(token, &self.algorithms).await;
        let found = found.map_err(|why| format!("oidc: verify token: {why}"))?;
        let user = self.mapping.user(&found, Timestamp::now()).map_err(|why| format!("oidc: {why}"))?;
        Ok(Some(user))
    }
}

/// The algorithms whose public key may be known.
const ASYMMETRIC: &[Algorithm] = &[
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
];

#[cfg(test)]
mod tests {
    use super::*;

    fn options(change: impl FnOnce(&mut OidcOptions)) -> Result<bool, String> {
        let mut options = OidcOptions {
            issuer_url: Some("https://issuer.example.com".to_owned()),
            client_id: Some("podsec".to_owned()),
            ..OidcOptions::default()
        };
        change(&mut options);
        OpenId::of(&options).map(|openid| openid.is_some()).map_err(|error| error.to_string())
    }

    #[test]
    fn flags_that_do_not_go_together_are_refused() {
        assert!(matches!(OpenId::of(&OidcOptions::default()), Ok(None)));
        assert_eq!(options(|_| {}), Ok(true));
        let together = "oidc-issuer-url and oidc-client-id must be specified together when any oidc-* flags are specified";
        assert_eq!(options(|options| options.client_id = None), Err(together.to_owned()));
        assert!(options(|options| options.issuer_url = Some("http://issuer".to_owned())).is_err());
        for name in ["HS256", "none", "ES512"] {
            let refused = options(|options| options.signing_algs = vec![name.to_owned()]).unwrap_err();
            assert!(refused.starts_with(&format!("oidc: unsupported signing alg: {name:?}")), "{refused}");
        }
        assert!(options(|options| options.required_claims = vec!["novalue".to_owned()]).is_err());
    }
}
