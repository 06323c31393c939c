//! `CertificateSubjectRestriction`: nobody asks the API server's own signer for a certificate of `system:masters`.

use async_trait::async_trait;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use podsec_apimachinery::Status;
use podsec_kinds::object::Fields;
use serde_json::Value;
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::pem::parse_x509_pem;
use x509_parser::prelude::FromDer;

use crate::admission::attributes::{Action, Attributes};
use crate::admission::plugin::Plugin;

/// Guards the group of the administrators.
pub(crate) struct CertificateSubjectRestriction;

#[async_trait]
impl Plugin for CertificateSubjectRestriction {
    /// Refuses such a request.
    async fn validate(&self, attributes: &Attributes<'_>, object: &Value) -> Result<(), Status> {
        if attributes.action != Action::Create
            || !attributes.is_about("certificates.k8s.io", "certificatesigningrequests", "")
            || object.at("spec").text("signerName") != SIGNER
        {
            return Ok(());
        }
        check(object.at("spec").text("request")).map_err(|why| attributes.forbid(object, &why))
    }
}

/// Whether the subject of a request in PEM and base64 may be.
fn check(request: &str) -> Result<(), String> {
    let cannot = |why: String| format!("failed to parse CSR: {why}");
    let text = BASE64_STANDARD.decode(request).map_err(|error| cannot(error.to_string()))?;
    let (_, pem) = parse_x509_pem(&text).map_err(|error| cannot(error.to_string()))?;
    let (_, request) =
        X509CertificationRequest::from_der(&pem.contents).map_err(|error| cannot(error.to_string()))?;
    let subject = &request.certification_request_info.subject;
    for organization in subject.iter_organization() {
        // What is no text is refused: nobody knows how another reader spells it.
        let organization = organization.as_str().map_err(|error| cannot(error.to_string()))?;
        if organization == "system:masters" {
            return Err(format!("use of {SIGNER} signer with system:masters group is not allowed"));
        }
    }
    Ok(())
}

const SIGNER: &str = "kubernetes.io/kube-apiserver-client";

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair};

    use super::*;

    fn request(organization: &str) -> String {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::OrganizationName, organization);
        BASE64_STANDARD.encode(params.serialize_request(&key).unwrap().pem().unwrap())
    }

    #[test]
    fn only_masters_are_refused() {
        assert_eq!(check(&request("devs")), Ok(()));
        assert_eq!(
            check(&request("system:masters")).unwrap_err(),
            "use of kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed"
        );
        assert!(check("bm90aGluZw==").unwrap_err().starts_with("failed to parse CSR: "));
    }
}
