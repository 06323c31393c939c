//! `CertificateApproval`: who approves a certificate may approve what its signer signs.

use podsec_apimachinery::Status;
use podsec_apimachinery::quote::quoted;
use podsec_kinds::object::Fields;
use serde_json::Value;

use super::access;
use super::target::{forbid, is_about};
use crate::admission::{Action, Write};
use crate::verbs::Operation;

/// Refuses an approval or denial by somebody else. The stored signer counts: a request may try to change it.
pub(super) async fn validate(
    operation: &Operation<'_>,
    write: &Write<'_>,
    object: &Value,
) -> Result<(), Status> {
    if write.action != Action::Update
        || !is_about(operation, "certificates.k8s.io", "certificatesigningrequests", "approval")
    {
        return Ok(());
    }
    let signer = write.old.unwrap_or(object).at("spec").text("signerName");
    if access::may_use_signer(operation, "approve", signer).await {
        return Ok(());
    }
    let why = format!("user not permitted to approve requests with signerName {}", quoted(signer));
    Err(forbid(operation, object, &why))
}
