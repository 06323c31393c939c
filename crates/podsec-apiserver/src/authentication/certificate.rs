//! The user in a client certificate: common name and organizations.

use x509_parser::prelude::{FromDer, X509Certificate};

use crate::request::User;

/// Reads user and groups from a certificate that TLS has verified; `None` when it names nobody.
pub(crate) fn user_of_certificate(der: &[u8]) -> Option<User> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let subject = certificate.subject();
    let name = subject.iter_common_name().last()?.as_str().ok()?;
    if name.is_empty() {
        return None;
    }
    let groups: Vec<&str> = subject.iter_organization().filter_map(|group| group.as_str().ok()).collect();
    Some(User::new(name, &groups))
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;

    use super::*;
    use crate::tls::Authority;

    #[test]
    fn common_name_is_the_user_and_organization_is_a_group() {
        let authority = Authority::ephemeral().unwrap();
        let identity = authority.client_identity("jane", "devs").unwrap();
        let der = CertificateDer::from_pem_slice(identity.certificate_pem.as_bytes()).unwrap();
        assert_eq!(user_of_certificate(&der), Some(User::new("jane", &["devs"])));
    }

    #[test]
    fn what_is_no_certificate_names_nobody() {
        assert_eq!(user_of_certificate(b"\x30\x03junk"), None);
    }
}
