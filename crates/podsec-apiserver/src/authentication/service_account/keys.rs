//! The keys of service account tokens: one signs, all verify, and all are published.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::tls::write_private;

/// The signing key and everything that is verified with.
pub(super) struct Keys {
    signing: EncodingKey,
    /// The signing key's public half first.
    public: Vec<PublicKey>,
}

struct PublicKey {
    id: String,
    algorithm: Algorithm,
    jwk: Jwk,
    decoding: DecodingKey,
}

/// Why a key file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file cannot be read or written.
    #[error("cannot use the service account key file {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
    /// The file holds something else.
    #[error(
        "service account key file {} holds no RSA key and no ECDSA key of the curves P-256 and P-384 as PEM",
        path.display()
    )]
    Unusable {
        /// The file.
        path: PathBuf,
    },
    /// The key that a store keeps is none.
    #[error(
        "the service account key in the store is no RSA key and no ECDSA key of the curves P-256 and P-384"
    )]
    NoKey,
    /// A key could not be made.
    #[error("could not make a key for service account tokens")]
    Generate(#[from] rcgen::Error),
}

/// Why a token is not verified.
pub(super) enum Unverified {
    /// It is none.
    NoToken,
    /// No key has signed it; the words are those of Kubernetes.
    Refused(&'static str),
}

impl Keys {
    /// A new RSA key, as Kubernetes' own tools make one: every verifier of OpenID Connect knows RS256.
    pub(super) fn ephemeral() -> Self {
        let pem = generate().expect("the system has given randomness for the certificates");
        Self::of(pem.as_bytes(), &[]).expect("a key that was just made is read")
    }

    /// Makes a key and writes it, readable for its owner alone.
    pub(super) fn create(path: &Path) -> Result<(), Error> {
        let pem = generate()?;
        write_private(path, pem.as_bytes()).map_err(|source| Error::File { path: path.to_owned(), source })
    }

    /// Reads the signing key and more keys to verify with, public or private.
    pub(super) fn read(signing: Option<&Path>, more: &[PathBuf]) -> Result<Self, Error> {
        let more = public_keys_of(more)?;
        match signing {
            Some(path) => {
                let keys =
                    Self::of(&read(path)?, &[]).ok_or_else(|| Error::Unusable { path: path.to_owned() });
                Ok(keys?.with(more))
            }
            None => Ok(Self::ephemeral().with(more)),
        }
    }

    /// A signing key, PEM, and files of more keys to verify with.
    pub(super) fn parse(pem: &str, more: &[PathBuf]) -> Result<Self, Error> {
        Ok(Self::of(pem.as_bytes(), &[]).ok_or(Error::NoKey)?.with(public_keys_of(more)?))
    }

    fn of(pem: &[u8], more: &[u8]) -> Option<Self> {
        let (signing, algorithm) = private_key(pem)?;
        let public = PublicKey::of(Jwk::from_encoding_key(&signing, algorithm).ok()?, algorithm)?;
        let keys = Self { signing, public: vec![public] };
        Some(if more.is_empty() { keys } else { keys.with(public_keys(more)?) })
    }

    fn with(mut self, more: Vec<PublicKey>) -> Self {
        for key in more {
            if !self.public.iter().any(|known| known.id == key.id) {
                self.public.push(key);
            }
        }
        self
    }

    /// The compact form of signed claims.
    pub(super) fn sign<T: Serialize>(&self, claims: &T) -> Result<String, jsonwebtoken::errors::Error> {
        let first = self.public.first().ok_or(jsonwebtoken::errors::ErrorKind::InvalidKeyFormat)?;
        // As Kubernetes writes it: algorithm and key, no type.
        let header = Header { kid: Some(first.id.clone()), typ: None, ..Header::new(first.algorithm) };
        jsonwebtoken::encode(&header, claims, &self.signing)
    }

    /// The claims of a token that one of the keys has signed.
    pub(super) fn verify<T: DeserializeOwned>(&self, token: &str) -> Result<T, Unverified> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| Unverified::NoToken)?;
        let named = |key: &&PublicKey| header.kid.as_ref().is_none_or(|id| id.is_empty() || *id == key.id);
        let mut any = false;
        for key in self.public.iter().filter(named) {
            any = true;
            // Times and audiences are judged later, in Kubernetes' words.
            let mut validation = Validation::new(key.algorithm);
            validation.required_spec_claims.clear();
            (validation.validate_exp, validation.validate_nbf, validation.validate_aud) =
                (false, false, false);
            if let Ok(data) = jsonwebtoken::decode(token, &key.decoding, &validation) {
                return Ok(data.claims);
            }
        }
        Err(Unverified::Refused(if any {
            "go-jose/go-jose: error in cryptographic primitive"
        } else {
            "invalid signature, no keys found"
        }))
    }

    /// All public keys as a JSON Web Key Set, and their algorithms, each once.
    pub(super) fn published(&self) -> (PublishedKeys, Vec<&'static str>) {
        let keys = self.public.iter().map(PublicKey::published).collect();
        let mut algorithms: Vec<&str> = self.public.iter().map(|key| name(key.algorithm)).collect();
        algorithms.sort_unstable();
        algorithms.dedup();
        (PublishedKeys { keys }, algorithms)
    }
}

impl PublicKey {
    fn of(mut jwk: Jwk, algorithm: Algorithm) -> Option<Self> {
        let id = jwk.thumbprint(ThumbprintHash::SHA256).ok()?;
        jwk.common.key_id = Some(id.clone());
        jwk.common.public_key_use = Some(PublicKeyUse::Signature);
        let decoding = DecodingKey::from_jwk(&jwk).ok()?;
        Some(Self { id, algorithm, jwk, decoding })
    }

    fn published(&self) -> PublishedKey {
        let text = |text: &str| Some(text.to_owned());
        let mut key = PublishedKey {
            usage: "sig",
            kty: "RSA",
            kid: self.id.clone(),
            alg: name(self.algorithm),
            ..PublishedKey::default()
        };
        match &self.jwk.algorithm {
            AlgorithmParameters::RSA(rsa) => (key.n, key.e) = (text(&rsa.n), text(&rsa.e)),
            AlgorithmParameters::EllipticCurve(curve) => {
                key.kty = "EC";
                key.crv = Some(if self.algorithm == Algorithm::ES384 { "P-384" } else { "P-256" });
                (key.x, key.y) = (text(&curve.x), text(&curve.y));
            }
            // No other key is read.
            _ => {}
        }
        key
    }
}

/// A JSON Web Key Set, in the order in which Kubernetes writes its fields.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct PublishedKeys {
    keys: Vec<PublishedKey>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
struct PublishedKey {
    #[serde(rename = "use")]
    usage: &'static str,
    kty: &'static str,
    kid: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    crv: Option<&'static str>,
    alg: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    x: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    y: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    e: Option<String>,
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|source| Error::File { path: path.to_owned(), source })
}

fn public_keys_of(files: &[PathBuf]) -> Result<Vec<PublicKey>, Error> {
    let mut keys = Vec::new();
    for path in files {
        keys.extend(public_keys(&read(path)?).ok_or_else(|| Error::Unusable { path: path.clone() })?);
    }
    Ok(keys)
}

pub(crate) fn generate() -> Result<String, rcgen::Error> {
    let size = rcgen::RsaKeySize::_2048;
    Ok(rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, size)?.serialize_pem())
}

/// A private key and the algorithm it signs with.
fn private_key(pem: &[u8]) -> Option<(EncodingKey, Algorithm)> {
    if let Ok(key) = EncodingKey::from_rsa_pem(pem) {
        return Some((key, Algorithm::RS256));
    }
    let key = EncodingKey::from_ec_pem(pem).ok()?;
    let fits = |algorithm: &Algorithm| Jwk::from_encoding_key(&key, *algorithm).is_ok();
    let algorithm = [Algorithm::ES256, Algorithm::ES384].into_iter().find(fits)?;
    Some((key, algorithm))
}

/// The keys of a PEM file: one private key, or public keys.
fn public_keys(pem: &[u8]) -> Option<Vec<PublicKey>> {
    if let Some((key, algorithm)) = private_key(pem) {
        let jwk = Jwk::from_encoding_key(&key, algorithm).ok()?;
        return Some(vec![PublicKey::of(jwk, algorithm)?]);
    }
    let (key, algorithms): (DecodingKey, &[Algorithm]) = match DecodingKey::from_rsa_pem(pem) {
        Ok(key) => (key, &[Algorithm::RS256]),
        Err(_) => (DecodingKey::from_ec_pem(pem).ok()?, &[Algorithm::ES256, Algorithm::ES384]),
    };
    let found = algorithms.iter().find_map(|algorithm| {
        PublicKey::of(Jwk::from_decoding_key(&key, Some(*algorithm)).ok()?, *algorithm)
    });
    Some(vec![found?])
}

fn name(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::ES256 => "ES256",
        Algorithm::ES384 => "ES384",
        _ => "RS256",
    }
}
