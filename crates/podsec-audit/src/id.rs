//! The id that ties the stages of a request, and its answer, together.

/// The audit id of a request: what the client sent in `Audit-ID`, verbatim and unchecked, else a random UUID.
///
/// Kubernetes returns it in the `Audit-Id` header of every answer, also when nothing is audited.
pub fn audit_id(header: Option<&[u8]>) -> String {
    match header {
        Some(sent) if !sent.is_empty() => String::from_utf8_lossy(sent).into_owned(),
        _ => uuid::Uuid::new_v4().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_chooses_its_id_and_else_gets_a_random_one() {
        assert_eq!(audit_id(Some("a \"<é>".as_bytes())), "a \"<é>");
        let (first, second) = (audit_id(None), audit_id(Some(b"")));
        assert_ne!(first, second);
        assert_eq!(uuid::Uuid::parse_str(&first).unwrap().get_version_num(), 4);
    }
}
