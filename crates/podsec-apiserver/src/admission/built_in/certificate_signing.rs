//! `CertificateSigning`: who puts a certificate into a request may sign for its signer.

use podsec_apimachinery::Status;
use podsec_apimachinery::quote::quoted;
use podsec_kinds::object::{Fields, same};
use serde_json::Value;

use super::access;
use super::target::{forbid, is_about};
use crate::admission::{Action, Write};
use crate::verbs::Operation;

/// Refuses a certificate or a condition by somebody else.
pub(super) async fn validate(
    operation: &Operation<'_>,
    write: &Write<'_>,
    object: &Value,
) -> Result<(), Status> {
    if write.action != Action::Update
        || !is_about(operation, "certificates.k8s.io", "certificatesigningrequests", "status")
    {
        return Ok(());
    }
    let old = write.old.unwrap_or(&Value::Null);
    let unchanged = ["certificate", "conditions"]
        .iter()
        .all(|field| same(old.at("status").at(field), object.at("status").at(field)));
    let signer = old.at("spec").text("signerName");
    if unchanged || access::may_use_signer(operation, "sign", signer).await {
        return Ok(());
    }
    let why = format!("user not permitted to sign requests with signerName {}", quoted(signer));
    Err(forbid(operation, object, &why))
}
