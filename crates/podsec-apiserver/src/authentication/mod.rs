//! Who sends a request: a client certificate, a bearer token, or nobody (`system:anonymous`).

mod certificate;
mod token;

use std::collections::BTreeMap;

use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;

pub(crate) use certificate::user_of_certificate;
pub(crate) use token::Error;
pub use token::Tokens;

/// A user as Kubernetes sees one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    /// The name.
    pub name: String,
    /// The uid, often empty.
    pub uid: String,
    /// The groups, `system:authenticated` or `system:unauthenticated` last.
    pub groups: Vec<String>,
    /// What else the authenticator knows.
    pub extra: BTreeMap<String, Vec<String>>,
}

/// The credentials were wrong: 401. The words name what was tried, for the audit log.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("Authentication failed, attempted: {0}")]
pub(crate) struct Unauthenticated(&'static str);

impl User {
    /// A user with a name and groups.
    pub fn new(name: &str, groups: &[&str]) -> Self {
        let groups = groups.iter().map(|group| (*group).to_owned()).collect();
        Self { name: name.to_owned(), groups, ..Self::default() }
    }

    /// Whether the user belongs to `group`.
    pub fn is_in(&self, group: &str) -> bool {
        self.groups.iter().any(|candidate| candidate == group)
    }

    /// Adds `system:authenticated`, unless the user is anonymous or has it.
    #[must_use]
    pub fn authenticated(mut self) -> Self {
        if self.name == ANONYMOUS {
            if !self.is_in(ALL_UNAUTHENTICATED) {
                self.groups.push(ALL_UNAUTHENTICATED.to_owned());
            }
        } else if !self.is_in(ALL_AUTHENTICATED) && !self.is_in(ALL_UNAUTHENTICATED) {
            self.groups.push(ALL_AUTHENTICATED.to_owned());
        }
        self
    }
}

/// Decides who sends a request. `certified` is the user of a client certificate that TLS has verified; it wins
/// over a token, as in kube-apiserver. A wrong token is refused; other authorization schemes count as none.
///
/// # Errors
/// When there is a bearer token that nobody knows.
pub(crate) fn authenticate(
    tokens: &Tokens,
    certified: Option<&User>,
    headers: &HeaderMap,
) -> Result<User, Unauthenticated> {
    if let Some(user) = certified {
        return Ok(user.clone().authenticated());
    }
    match bearer_token(headers) {
        Some(token) => {
            let user = tokens.user(token).ok_or(Unauthenticated("bearer"))?;
            Ok(user.authenticated())
        }
        None => Ok(User::new(ANONYMOUS, &[]).authenticated()),
    }
}

fn bearer_token(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(AUTHORIZATION)?.as_bytes().trim_ascii();
    let mut words = value.split(|byte| *byte == b' ');
    let scheme = words.next()?;
    let token = words.next()?;
    (scheme.eq_ignore_ascii_case(b"bearer") && !token.is_empty()).then_some(token)
}

/// The user of a request without credentials.
pub(crate) const ANONYMOUS: &str = "system:anonymous";
/// The group of everyone with credentials.
pub(crate) const ALL_AUTHENTICATED: &str = "system:authenticated";
/// The group of everyone without.
pub(crate) const ALL_UNAUTHENTICATED: &str = "system:unauthenticated";
/// The group that may do everything.
pub(crate) const MASTERS: &str = "system:masters";

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(authorization: &str) -> HeaderMap {
        HeaderMap::from_iter([(AUTHORIZATION, authorization.parse().unwrap())])
    }

    fn tokens() -> Tokens {
        let mut tokens = Tokens::default();
        tokens.insert("secret", User::new("admin", &[MASTERS]));
        tokens
    }

    #[test]
    fn a_known_token_names_its_user() {
        let user = authenticate(&tokens(), None, &headers("bearer secret")).unwrap();
        assert_eq!(user, User::new("admin", &[MASTERS, ALL_AUTHENTICATED]));
    }

    #[test]
    fn an_unknown_token_is_refused_but_basic_counts_as_nobody() {
        assert!(authenticate(&tokens(), None, &headers("Bearer wrong")).is_err());
        let nobody = User::new(ANONYMOUS, &[ALL_UNAUTHENTICATED]);
        assert_eq!(authenticate(&tokens(), None, &headers("Basic YTpi")).unwrap(), nobody);
        assert_eq!(authenticate(&tokens(), None, &HeaderMap::new()).unwrap(), nobody);
    }

    #[test]
    fn a_certificate_wins_over_a_token() {
        let node = User::new("system:node:a", &["system:nodes"]);
        let user = authenticate(&tokens(), Some(&node), &headers("Bearer wrong")).unwrap();
        assert_eq!(user.name, "system:node:a");
    }
}
