//! What plugins ask the authorizers about the user of a request.

use crate::authorization::{Authorizer, Decision, refusal};
use crate::request::{RequestInfo, User};

/// Whether a user may do `verb` to what signs certificates under this name, or under all names of its domain.
pub(super) async fn may_use_signer(
    authorizer: &Authorizer,
    user: &User,
    verb: &'static str,
    signer: &str,
) -> bool {
    let domain = signer.split_once('/').map_or(signer, |(domain, _)| domain);
    for name in [signer.to_owned(), format!("{domain}/*")] {
        let info = RequestInfo {
            verb: verb.into(),
            is_resource: true,
            group: "certificates.k8s.io".to_owned(),
            version: "*".to_owned(),
            resource: "signers".to_owned(),
            name,
            ..RequestInfo::default()
        };
        if may(authorizer, user, &info).await.is_ok() {
            return true;
        }
    }
    false
}

/// Whether a user may also do something else.
///
/// # Errors
/// Why not.
pub(super) async fn may(authorizer: &Authorizer, user: &User, info: &RequestInfo) -> Result<(), String> {
    match authorizer.authorize(user, info).await {
        Decision::Allow(_) => Ok(()),
        Decision::Forbid(reason) | Decision::Fail(reason) => Err(refusal(user, info, &reason)),
    }
}
