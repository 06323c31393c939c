//! What plugins ask the authorizer about the user of a request.

use crate::authorization::{self, Decision};
use crate::request_info::RequestInfo;
use crate::verbs::Operation;

/// Whether the user of a request may do `verb` to what signs certificates under this name, or under all names of its
/// domain.
pub(super) fn may_use_signer(operation: &Operation<'_>, verb: &'static str, signer: &str) -> bool {
    let domain = signer.split_once('/').map_or(signer, |(domain, _)| domain);
    [signer.to_owned(), format!("{domain}/*")].into_iter().any(|name| {
        let info = RequestInfo {
            verb: verb.into(),
            is_resource: true,
            group: "certificates.k8s.io".to_owned(),
            version: "*".to_owned(),
            resource: "signers".to_owned(),
            name,
            ..RequestInfo::default()
        };
        may(operation, &info)
    })
}

/// Whether the user of a request may also do something else.
pub(super) fn may(operation: &Operation<'_>, info: &RequestInfo) -> bool {
    authorization::authorize(&operation.context.user, info) != Decision::Forbid
}
