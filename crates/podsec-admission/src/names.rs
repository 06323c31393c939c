//! The names that Kubernetes allows, and its words for those that it does not (`k8s.io/apimachinery`
//! `util/validation`).

/// What is wrong with the name of a namespace, which must be an RFC 1123 label; none if nothing is.
pub(crate) fn label_error(name: &str) -> Option<String> {
    let why = if is_label(name) {
        None
    } else if is_subdomain(name) {
        Some("must not contain dots")
    } else {
        Some(
            "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must \
             start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for \
             validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
        )
    };
    error(name, 63, why)
}

/// What is wrong with the name of a runtime class, which must be an RFC 1123 subdomain; none if nothing is.
pub(crate) fn subdomain_error(name: &str) -> Option<String> {
    let why = (!is_subdomain(name)).then_some(
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and \
         must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
         '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
    );
    error(name, 253, why)
}

fn error(name: &str, longest: usize, why: Option<&str>) -> Option<String> {
    let too_long = (name.len() > longest).then(|| format!("must be no more than {longest} bytes"));
    let errors: Vec<String> = too_long.into_iter().chain(why.map(str::to_owned)).collect();
    (!errors.is_empty()).then(|| errors.join(", "))
}

/// One label of a name, of whatever length.
fn is_label(name: &str) -> bool {
    let outer = |byte: Option<&u8>| byte.is_some_and(|byte| alphanumeric(*byte));
    let bytes = name.as_bytes();
    outer(bytes.first())
        && outer(bytes.last())
        && bytes.iter().all(|byte| alphanumeric(*byte) || *byte == b'-')
}

fn is_subdomain(name: &str) -> bool {
    name.split('.').all(is_label)
}

fn alphanumeric(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

#[cfg(test)]
mod tests {
    use super::{label_error, subdomain_error};

    #[test]
    fn a_long_name_is_told_so_first() {
        let name = "A".repeat(64);
        assert!(
            label_error(&name).unwrap().starts_with("must be no more than 63 bytes, a lowercase RFC 1123")
        );
        assert_eq!(label_error(&"a".repeat(64)).unwrap(), "must be no more than 63 bytes");
        assert_eq!(subdomain_error(&"a".repeat(64)), None);
        assert_eq!(subdomain_error(&"a".repeat(254)).unwrap(), "must be no more than 253 bytes");
    }

    #[test]
    fn a_label_is_a_subdomain_without_dots() {
        for name in ["a", "0", "kube-system", "a--b"] {
            assert_eq!((label_error(name), subdomain_error(name)), (None, None), "{name}");
        }
        for name in ["a.b", "1.2.3"] {
            assert_eq!(
                (label_error(name).as_deref(), subdomain_error(name)),
                (Some("must not contain dots"), None)
            );
        }
        for name in ["", "-", "a-", "-a", "A", "a_b", "a..b", ".a", "a.", "ä", "a.-b"] {
            assert!(label_error(name).is_some_and(|error| error.contains("RFC 1123 label")), "{name}");
            assert!(
                subdomain_error(name).is_some_and(|error| error.contains("RFC 1123 subdomain")),
                "{name}"
            );
        }
    }
}
