//! Whether a certificate and a private key belong together, in the words of Go's `tls.X509KeyPair`.

use x509_parser::oid_registry::{OID_KEY_TYPE_EC_PUBLIC_KEY, OID_PKCS1_RSAENCRYPTION, OID_SIG_ED25519, Oid};
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::PublicKey;

use crate::pem::{self, Block};

/// What is wrong with a pair of PEM texts; `None` when they belong together, as far as can be told without the
/// arithmetic of elliptic curves: a private key need not say which public key is its.
pub(super) fn wrong(certificate: &[u8], key: &[u8]) -> Option<String> {
    check(&String::from_utf8_lossy(certificate), &String::from_utf8_lossy(key)).err()
}

fn check(certificate: &str, key: &str) -> Result<(), String> {
    let certificate = certificate_block(pem::blocks(certificate))?;
    let key = key_block(pem::blocks(key))?;
    let (_, certificate) = X509Certificate::from_der(&certificate.bytes)
        .map_err(|_| "x509: malformed certificate".to_owned())?;
    let key = PrivateKey::read(&key.bytes).ok_or("tls: failed to parse private key")?;
    let info = certificate.public_key();
    let matches = match (info.parsed(), &key) {
        (Ok(PublicKey::RSA(public)), PrivateKey::Rsa(modulus)) => {
            without_zeros(public.modulus) == without_zeros(modulus)
        }
        (Ok(PublicKey::EC(public)), PrivateKey::Ec(point)) => {
            point.is_none_or(|point| without_zeros(point) == without_zeros(public.data()))
        }
        (_, PrivateKey::Ed25519) if info.algorithm.algorithm == OID_SIG_ED25519 => true,
        (Ok(PublicKey::RSA(_) | PublicKey::EC(_)), _) => return Err(OTHER_TYPE.to_owned()),
        _ if info.algorithm.algorithm == OID_SIG_ED25519 => return Err(OTHER_TYPE.to_owned()),
        _ => return Err("tls: unknown public key algorithm".to_owned()),
    };
    if matches { Ok(()) } else { Err("tls: private key does not match public key".to_owned()) }
}

fn certificate_block(blocks: Vec<Block>) -> Result<Block, String> {
    let skipped: Vec<String> = blocks.iter().map(|block| block.label.clone()).collect();
    blocks.into_iter().find(|block| block.label == "CERTIFICATE").ok_or_else(|| match skipped.as_slice() {
        [] => "tls: failed to find any PEM data in certificate input".to_owned(),
        [only] if only.ends_with("PRIVATE KEY") => "tls: failed to find certificate PEM data in certificate input, but did \
             find a private key; PEM inputs may have been switched"
            .to_owned(),
        _ => format!(
            "tls: failed to find \"CERTIFICATE\" PEM block in certificate input after skipping PEM blocks of the following types: [{}]",
            skipped.join(" ")
        ),
    })
}

fn key_block(blocks: Vec<Block>) -> Result<Block, String> {
    let is_key = |label: &str| label == "PRIVATE KEY" || label.ends_with(" PRIVATE KEY");
    let skipped: Vec<String> = blocks.iter().map(|block| block.label.clone()).collect();
    blocks.into_iter().find(|block| is_key(&block.label)).ok_or_else(|| match skipped.as_slice() {
        [] => "tls: failed to find any PEM data in key input".to_owned(),
        [only] if only == "CERTIFICATE" => {
            "tls: found a certificate rather than a key in the PEM for the private key".to_owned()
        }
        _ => format!(
            "tls: failed to find PEM block with type ending in \"PRIVATE KEY\" in key input after skipping PEM blocks of the following types: [{}]",
            skipped.join(" ")
        ),
    })
}

/// What a private key says of its public one.
enum PrivateKey<'a> {
    Rsa(&'a [u8]),
    /// The point, when the key holds it.
    Ec(Option<&'a [u8]>),
    Ed25519,
}

impl<'a> PrivateKey<'a> {
    /// Reads a key in the form of PKCS #1, PKCS #8 or SEC 1.
    fn read(der: &'a [u8]) -> Option<Self> {
        let (SEQUENCE, fields, _) = element(der)? else { return None };
        let (INTEGER, _, rest) = element(fields)? else { return None };
        let (tag, content, rest) = element(rest)?;
        match tag {
            INTEGER => Some(Self::Rsa(content)),
            OCTET_STRING => Some(Self::Ec(point(rest))),
            SEQUENCE => {
                let (OBJECT_IDENTIFIER, algorithm, _) = element(content)? else { return None };
                let (OCTET_STRING, key, _) = element(rest)? else { return None };
                match Oid::new(algorithm.into()) {
                    oid if oid == OID_PKCS1_RSAENCRYPTION || oid == OID_KEY_TYPE_EC_PUBLIC_KEY => {
                        let (SEQUENCE, inner, _) = element(key)? else { return None };
                        let (INTEGER, _, inner) = element(inner)? else { return None };
                        match element(inner)? {
                            (INTEGER, modulus, _) => Some(Self::Rsa(modulus)),
                            (OCTET_STRING, _, rest) => Some(Self::Ec(point(rest))),
                            _ => None,
                        }
                    }
                    oid if oid == OID_SIG_ED25519 => Some(Self::Ed25519),
                    _ => None,
                }
            }
            _ => None,
        }
    }
}

/// The point among the optional fields at the end of a SEC 1 key.
fn point(mut fields: &[u8]) -> Option<&[u8]> {
    while let Some((tag, content, rest)) = element(fields) {
        if tag == CONTEXT_1 {
            let (BIT_STRING, bits, _) = element(content)? else { return None };
            // The first byte says how many bits of the last one do not count.
            return bits.get(1..);
        }
        fields = rest;
    }
    None
}

/// The first element of DER: its tag, its content, and what follows.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f)).filter(|_| first <= 0x84)?;
        (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

fn without_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeros..]
}

const OTHER_TYPE: &str = "tls: private key type does not match public key type";
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
const CONTEXT_1: u8 = 0xa1;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DATA: &str = include_str!("../../tests/data/key_pairs.pem");

    fn named(name: &str) -> String {
        let (_, after) = DATA.split_once(&format!("# {name}\n")).unwrap();
        after.split("# ").next().unwrap().to_owned()
    }

    fn of(certificate: &str, key: &str) -> Option<String> {
        wrong(certificate.as_bytes(), key.as_bytes())
    }

    #[test]
    fn certificates_and_keys_that_belong_together_are_not_told() {
        for kind in ["rsa", "ec", "ed25519"] {
            assert_eq!(
                of(&named(&format!("{kind} certificate")), &named(&format!("{kind} key"))),
                None,
                "{kind}"
            );
        }
        assert_eq!(of(&named("rsa certificate"), &named("rsa key of PKCS 1")), None);
        assert_eq!(of(&named("ec certificate"), &named("ec key of SEC 1")), None);
    }

    #[test]
    fn what_does_not_belong_together_is_told_in_gos_words() {
        let (rsa, ec) = (named("rsa certificate"), named("ec certificate"));
        let key = named("rsa key");
        let skipped = "-----BEGIN A-----\neA==\n-----END A-----\n";
        for (certificate, key, want) in [
            ("", "", "tls: failed to find any PEM data in certificate input"),
            (&*rsa, "", "tls: failed to find any PEM data in key input"),
            (&*rsa, &*rsa, "tls: found a certificate rather than a key in the PEM for the private key"),
            (
                &*key,
                &*rsa,
                "tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched",
            ),
            (
                skipped,
                &*key,
                "tls: failed to find \"CERTIFICATE\" PEM block in certificate input after skipping PEM blocks of the following types: [A]",
            ),
            (
                &*rsa,
                skipped,
                "tls: failed to find PEM block with type ending in \"PRIVATE KEY\" in key input after skipping PEM blocks of the following types: [A]",
            ),
            (&*ec, &*key, "tls: private key type does not match public key type"),
            (&*ec, &*named("other ec key"), "tls: private key does not match public key"),
            (&*rsa, &*named("other rsa key"), "tls: private key does not match public key"),
            (
                &*rsa,
                "-----BEGIN PRIVATE KEY-----\neA==\n-----END PRIVATE KEY-----\n",
                "tls: failed to parse private key",
            ),
        ] {
            assert_eq!(of(certificate, key).as_deref(), Some(want));
        }
    }

    proptest! {
        #[test]
        fn no_key_panics(der in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = PrivateKey::read(&der);
        }
    }
}
