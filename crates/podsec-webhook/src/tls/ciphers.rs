//! `--tls-cipher-suites`: Go's names for cipher suites.

use rustls::SupportedCipherSuite;
use rustls::crypto::aws_lc_rs::ALL_CIPHER_SUITES;

/// A cipher suite that is not spoken.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("cipher suite {name:?} is not supported; supported are {}", supported().join(", "))]
pub struct CipherError {
    /// The name that was asked for.
    pub name: String,
}

/// The cipher suites of a comma-separated list of IANA names, as `TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256`. Go's TLS 1.3
/// suites are not configurable and always on, and so they are here.
///
/// # Errors
/// For the first name that is unknown or belongs to a suite without forward secrecy or authenticated encryption.
pub fn cipher_suites(list: &str) -> Result<Vec<SupportedCipherSuite>, CipherError> {
    let find = |name: &str| {
        let suite = ALL_CIPHER_SUITES.iter().find(|suite| go_name(suite) == name);
        suite.copied().ok_or_else(|| CipherError { name: name.to_owned() })
    };
    let mut suites: Vec<_> =
        ALL_CIPHER_SUITES.iter().filter(|suite| suite.tls13().is_some()).copied().collect();
    for name in list.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        let suite = find(name)?;
        if !suites.contains(&suite) {
            suites.push(suite);
        }
    }
    Ok(suites)
}

/// rustls marks the suites of TLS 1.3 as `TLS13_…`; everybody else calls them `TLS_…`.
fn go_name(suite: &SupportedCipherSuite) -> String {
    format!("{:?}", suite.suite()).replace("TLS13_", "TLS_")
}

fn supported() -> Vec<String> {
    ALL_CIPHER_SUITES.iter().map(go_name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_suites_of_tls_1_3_are_always_on() {
        let suites = cipher_suites("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256").unwrap();
        let names: Vec<_> = suites.iter().map(go_name).collect();
        assert_eq!(names.iter().filter(|name| !name.contains("ECDHE")).count(), 3, "{names:?}");
        assert!(names.contains(&"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256".to_owned()));
    }

    #[test]
    fn a_suite_that_is_not_spoken_is_named_with_those_that_are() {
        let error = cipher_suites("TLS_RSA_WITH_AES_128_CBC_SHA").unwrap_err();
        assert!(error.to_string().starts_with(
            "cipher suite \"TLS_RSA_WITH_AES_128_CBC_SHA\" is not supported; supported are TLS_AES"
        ));
    }
}
