//! `CertificateSigning`: who puts a certificate into a request may sign for its signer.

use std::sync::Arc;

use async_trait::async_trait;
use podsec_apimachinery::Status;
use podsec_apimachinery::quote::quoted;
use podsec_kinds::object::{Fields, same};
use serde_json::Value;

use super::access;
use crate::admission::attributes::{Action, Attributes};
use crate::admission::plugin::Plugin;
use crate::authorization::Authorizer;

/// Guards the certificates themselves.
pub(crate) struct CertificateSigning {
    pub(crate) authorizer: Arc<Authorizer>,
}

#[async_trait]
impl Plugin for CertificateSigning {
    /// Refuses a certificate or a condition by somebody else.
    async fn validate(&self, attributes: &Attributes<'_>, object: &Value) -> Result<(), Status> {
        if attributes.action != Action::Update
            || !attributes.is_about("certificates.k8s.io", "certificatesigningrequests", "status")
        {
            return Ok(());
        }
        let old = attributes.old.unwrap_or(&Value::Null);
        let unchanged = ["certificate", "conditions"]
            .iter()
            .all(|field| same(old.at("status").at(field), object.at("status").at(field)));
        let signer = old.at("spec").text("signerName");
        if unchanged || access::may_use_signer(&self.authorizer, attributes.user(), "sign", signer).await {
            return Ok(());
        }
        let why = format!("user not permitted to sign requests with signerName {}", quoted(signer));
        Err(attributes.forbid(object, &why))
    }
}
