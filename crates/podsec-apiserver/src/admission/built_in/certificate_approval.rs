//! `CertificateApproval`: who approves a certificate may approve what its signer signs.

use std::sync::Arc;

use async_trait::async_trait;
use podsec_apimachinery::Status;
use podsec_apimachinery::quote::quoted;
use podsec_kinds::object::Fields;
use serde_json::Value;

use super::access;
use crate::admission::attributes::{Action, Attributes};
use crate::admission::plugin::Plugin;
use crate::authorization::Authorizer;

/// Guards the approval of certificates.
pub(crate) struct CertificateApproval {
    pub(crate) authorizer: Arc<Authorizer>,
}

#[async_trait]
impl Plugin for CertificateApproval {
    /// Refuses an approval or denial by somebody else. The stored signer counts: a request may try to change it.
    async fn validate(&self, attributes: &Attributes<'_>, object: &Value) -> Result<(), Status> {
        if attributes.action != Action::Update
            || !attributes.is_about("certificates.k8s.io", "certificatesigningrequests", "approval")
        {
            return Ok(());
        }
        let signer = attributes.old.unwrap_or(object).at("spec").text("signerName");
        if access::may_use_signer(&self.authorizer, attributes.user(), "approve", signer).await {
            return Ok(());
        }
        let why = format!("user not permitted to approve requests with signerName {}", quoted(signer));
        Err(attributes.forbid(object, &why))
    }
}
