//! Who sends a request: a client certificate, a bearer token, or nobody (`system:anonymous`).

mod certificate;
pub(crate) mod oidc;
pub(crate) mod service_account;
mod token;

use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;

pub(crate) use certificate::user_of_certificate;
pub(crate) use token::Error;
pub use token::Tokens;

use crate::registry::Resources;
use crate::request::User;
use crate::request::user::ANONYMOUS;
use oidc::OpenId;
use service_account::{ServiceAccountTokens, Verdict};

/// What a client shows of itself by its certificate.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Certificate<'a> {
    /// None.
    Absent,
    /// One that no authority of this server has signed.
    Stranger,
    /// One that names this user.
    User(&'a User),
}

/// Among the extensions of a request: the client has shown the certificate of a stranger.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StrangersCertificate;

/// Why nobody is named: 401. The words are for the audit log.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unauthenticated {
    /// The credentials were wrong; these were tried.
    #[error("Authentication failed, attempted: {}", .0.join(", "))]
    Wrong(Vec<&'static str>),
    /// There are none, and nobody may be anonymous.
    #[error("Authentication failed, no credentials provided")]
    Absent,
}

/// Who a token names, and for which of the audiences asked for it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) user: User,
    pub(crate) audiences: Vec<String>,
}

/// Finds out who sends a request or shows a token.
#[derive(Clone, Copy)]
pub(crate) struct Authenticator<'a> {
    /// The tokens of a file.
    pub(crate) tokens: &'a Tokens,
    /// Those of service accounts.
    pub(crate) service_accounts: &'a ServiceAccountTokens,
    /// Those of an OpenID provider.
    pub(crate) openid: Option<&'a OpenId>,
    /// Where the accounts are, and what their tokens are bound to.
    pub(crate) resources: &'a Resources,
    /// Whether somebody without credentials may ask anything at all.
    pub(crate) allows_anonymous: bool,
}

impl Authenticator<'_> {
    /// Finds out who a token names. `audiences` are those of whoever is shown the token.
    ///
    /// # Errors
    /// Why nobody is named, in the words of a TokenReview.
    pub(crate) async fn identify(self, token: &[u8], audiences: &[String]) -> Result<Identity, String> {
        // Tokens of a file are for the API server, and whoever else calls itself so.
        let own: Vec<String> = audiences
            .iter()
            .filter(|audience| self.service_accounts.api_audiences().contains(audience))
            .cloned()
            .collect();
        if let Some(user) = self.tokens.user(token).filter(|_| !own.is_empty()) {
            return Ok(Identity { user: user.authenticated(), audiences: own });
        }
        let Ok(text) = std::str::from_utf8(token) else { return Err(INVALID_TOKEN.to_owned()) };
        match self.service_accounts.verify(self.resources, text, audiences).await {
            Verdict::Holds(user, audiences) => Ok(Identity { user: user.authenticated(), audiences }),
            Verdict::Refused(why) => Err(format!("[{INVALID_TOKEN}, {why}]")),
            Verdict::Foreign => {
                // Whom the provider names is known to the API server alone.
                let openid = self.openid.filter(|_| !own.is_empty());
                let Some(openid) = openid else { return Err(INVALID_TOKEN.to_owned()) };
                match openid.verify(text).await {
                    Ok(Some(user)) => Ok(Identity { user: user.authenticated(), audiences: own }),
                    Ok(None) => Err(INVALID_TOKEN.to_owned()),
                    Err(why) => Err(format!("[{INVALID_TOKEN}, {why}]")),
                }
            }
        }
    }

    /// Decides who sends a request: the user of a certificate, or else that of a bearer token, as in kube-apiserver.
    /// Wrong credentials beside right ones do no harm; without right ones they are refused. Other authorization schemes
    /// count as none.
    ///
    /// # Errors
    /// When there are credentials, and nobody knows any of them; when there are none, and nobody may be anonymous.
    pub(crate) async fn authenticate(
        self,
        certificate: Certificate<'_>,
        headers: &HeaderMap,
    ) -> Result<User, Unauthenticated> {
        let mut attempted = Vec::new();
        if let Certificate::User(user) = certificate {
            return Ok(user.clone().authenticated());
        }
        if let Some(token) = bearer_token(headers) {
            if let Ok(identity) = self.identify(token, self.service_accounts.api_audiences()).await {
                return Ok(identity.user);
            }
            attempted.push("bearer");
        }
        if let Certificate::Stranger = certificate {
            attempted.push("x509");
        }
        match (attempted.is_empty(), self.allows_anonymous) {
            (false, _) => Err(Unauthenticated::Wrong(attempted)),
            (true, false) => Err(Unauthenticated::Absent),
            (true, true) => Ok(User::new(ANONYMOUS, &[]).authenticated()),
        }
    }
}

fn bearer_token(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(AUTHORIZATION)?.as_bytes().trim_ascii();
    let mut words = value.split(|byte| *byte == b' ');
    let scheme = words.next()?;
    let token = words.next()?;
    (scheme.eq_ignore_ascii_case(b"bearer") && !token.is_empty()).then_some(token)
}

/// What is said of a token that nobody knows.
const INVALID_TOKEN: &str = "invalid bearer token";

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use podsec_storage::Memory;

    use super::*;
    use crate::request::user::{ALL_AUTHENTICATED, ALL_UNAUTHENTICATED, MASTERS};

    fn headers(authorization: &str) -> HeaderMap {
        HeaderMap::from_iter([(AUTHORIZATION, authorization.parse().unwrap())])
    }

    async fn authenticate(
        certificate: Certificate<'_>,
        headers: &HeaderMap,
    ) -> Result<User, Unauthenticated> {
        authenticate_where(true, certificate, headers).await
    }

    async fn authenticate_where(
        allows_anonymous: bool,
        certificate: Certificate<'_>,
        headers: &HeaderMap,
    ) -> Result<User, Unauthenticated> {
        let mut tokens = Tokens::default();
        tokens.insert("secret", User::new("admin", &[MASTERS]));
        let service_accounts = ServiceAccountTokens::default();
        let resources = Resources::new(Arc::new(Memory::default()));
        let authenticator = Authenticator {
            tokens: &tokens,
            service_accounts: &service_accounts,
            openid: None,
            resources: &resources,
            allows_anonymous,
        };
        authenticator.authenticate(certificate, headers).await
    }

    #[tokio::test]
    async fn a_known_token_names_its_user() {
        let user = authenticate(Certificate::Absent, &headers("bearer secret")).await.unwrap();
        assert_eq!(user, User::new("admin", &[MASTERS, ALL_AUTHENTICATED]));
    }

    #[tokio::test]
    async fn an_unknown_token_is_refused_but_basic_counts_as_nobody() {
        assert!(authenticate(Certificate::Absent, &headers("Bearer wrong")).await.is_err());
        let nobody = User::new(ANONYMOUS, &[ALL_UNAUTHENTICATED]);
        assert_eq!(authenticate(Certificate::Absent, &headers("Basic YTpi")).await.unwrap(), nobody);
        assert_eq!(authenticate(Certificate::Absent, &HeaderMap::new()).await.unwrap(), nobody);
    }

    #[tokio::test]
    async fn nobody_is_anonymous_where_that_is_switched_off() {
        let refused = authenticate_where(false, Certificate::Absent, &HeaderMap::new()).await.unwrap_err();
        assert_eq!(refused.to_string(), "Authentication failed, no credentials provided");
        assert!(authenticate_where(false, Certificate::Absent, &headers("Bearer secret")).await.is_ok());
    }

    #[tokio::test]
    async fn a_certificate_wins_over_a_token() {
        let node = User::new("system:node:a", &["system:nodes"]);
        let user = authenticate(Certificate::User(&node), &headers("Bearer wrong")).await.unwrap();
        assert_eq!(user.name, "system:node:a");
    }

    #[tokio::test]
    async fn the_certificate_of_a_stranger_does_no_harm_beside_a_known_token_and_is_refused_without_one() {
        let with = async |value: &str| authenticate(Certificate::Stranger, &headers(value)).await;
        assert_eq!(with("Bearer secret").await.unwrap().name, "admin");
        let refusal = async |value: &str| with(value).await.unwrap_err().to_string();
        assert_eq!(refusal("Bearer wrong").await, "Authentication failed, attempted: bearer, x509");
        assert_eq!(refusal("Basic YTpi").await, "Authentication failed, attempted: x509");
    }
}
