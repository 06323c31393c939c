//! Reads a policy file as kube-apiserver does at start-up.

use std::io;
use std::path::{Path, PathBuf};

use super::rules::Policy;
use super::{decode, validate};

/// A policy that was read, and what was odd about it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Loaded {
    /// The policy.
    pub policy: Policy,
    /// For the log: unknown fields and keys set twice, which change nothing, as in Kubernetes.
    pub warning: Option<String>,
}

/// Why a policy file cannot be used. kube-apiserver prints it after `loading audit policy file: `.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No path was given.
    #[error("file path not specified")]
    NotSpecified,
    /// The file cannot be read.
    #[error("failed to read file path {}: {reason}", podsec_apimachinery::quote::quoted(&path.to_string_lossy()))]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said, in Go's words.
        reason: String,
    },
    /// The text is no policy.
    #[error("failed decoding: {reason}: from file {}", path.display())]
    Decode {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The text does not say of which version it is.
    #[error("unknown group version field audit.k8s.io/__internal, Kind=Policy in policy: from file {}", path.display())]
    GroupVersion {
        /// The file.
        path: PathBuf,
    },
    /// The policy says what it may not.
    #[error("{}: from file {}", aggregate(errors), path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Everything that is wrong.
        errors: Vec<String>,
    },
    /// The policy has no rules.
    #[error("loaded illegal policy with 0 rules: from file {}", path.display())]
    NoRules {
        /// The file.
        path: PathBuf,
    },
}

impl Policy {
    /// Reads a policy from a file of YAML or JSON; of several YAML documents only the first.
    ///
    /// # Errors
    /// When the file cannot be read or is no valid policy with at least one rule.
    pub fn load(path: &Path) -> Result<Loaded, Error> {
        if path.as_os_str().is_empty() {
            return Err(Error::NotSpecified);
        }
        let bytes = std::fs::read(path)
            .map_err(|error| Error::Read { path: path.to_owned(), reason: read_failure(path, &error) })?;
        Self::parse(&bytes, path)
    }

    /// Reads a policy from the content of a file; `path` is for messages only.
    ///
    /// # Errors
    /// When the content is no valid policy with at least one rule.
    pub fn parse(content: &[u8], path: &Path) -> Result<Loaded, Error> {
        let path = path.to_owned();
        let document = match read(content) {
            Ok(document) => document,
            Err(reason) => return Err(Error::Decode { path, reason }),
        };
        let (api_version, kind) = match decode::type_meta(&document.json) {
            Ok(type_meta) => type_meta,
            Err(reason) => return Err(Error::Decode { path, reason }),
        };
        match (api_version.as_str(), kind.as_str()) {
            ("audit.k8s.io/v1", "" | "Policy") => {}
            ("audit.k8s.io/v1", other @ ("Event" | "EventList" | "PolicyList")) => {
                let reason = format!("converting (v1.{other}) to (audit.Policy): unknown conversion");
                return Err(Error::Decode { path, reason });
            }
            ("" | INTERNAL, "" | "Policy") => return Err(Error::GroupVersion { path }),
            (version, kind) => {
                let kind = if kind.is_empty() { "Policy" } else { kind };
                let version = if version.is_empty() { INTERNAL } else { version };
                let reason = format!(
                    "no kind \"{kind}\" is registered for version \"{version}\" in scheme \
                     \"k8s.io/apiserver/pkg/audit/scheme.go:30\""
                );
                return Err(Error::Decode { path, reason });
            }
        }
        let raw = match decode::policy(&document.json) {
            Ok(raw) => raw,
            Err(reason) => return Err(Error::Decode { path, reason }),
        };
        let unknown = raw.unknown.iter().map(|field| format!("unknown field \"{field}\""));
        let oddities: Vec<_> = document.duplicates.into_iter().chain(unknown).collect();
        let warning = (!oddities.is_empty()).then(|| {
            let oddities = oddities.join(", ");
            format!("Audit policy contains errors, falling back to lenient decoding: strict decoding error: {oddities}")
        });
        match validate::validate(raw) {
            Err(errors) => Err(Error::Invalid { path, errors }),
            Ok(policy) if policy.rules.is_empty() => Err(Error::NoRules { path }),
            Ok(policy) => Ok(Loaded { policy, warning }),
        }
    }
}

struct Document {
    json: serde_json::Value,
    duplicates: Option<String>,
}

fn read(content: &[u8]) -> Result<Document, String> {
    let text = std::str::from_utf8(content)
        .map_err(|error| format!("yaml: invalid UTF-8 at offset {}", error.valid_up_to()))?;
    let document = podsec_yaml::document(text)
        .map_err(|error| format!("yaml: line {}: {}", error.line, error.message))?;
    let duplicates = document.duplicates();
    let lines = duplicates.iter().map(|error| format!("\n  line {}: {}", error.line, error.message));
    let duplicates =
        (!duplicates.is_empty()).then(|| format!("yaml: unmarshal errors:{}", lines.collect::<String>()));
    Ok(Document { json: document.to_json(), duplicates })
}

/// As Go words it: `open /nope: no such file or directory`.
fn read_failure(path: &Path, error: &io::Error) -> String {
    let step = if error.kind() == io::ErrorKind::IsADirectory { "read" } else { "open" };
    format!("{step} {}: {}", path.display(), crate::system_error::system_error(error))
}

/// Several errors as `[a, b]`, each once.
fn aggregate(errors: &[String]) -> String {
    let mut unique: Vec<&str> = Vec::new();
    for error in errors {
        if !unique.contains(&error.as_str()) {
            unique.push(error);
        }
    }
    match unique.as_slice() {
        [only] => (*only).to_owned(),
        several => format!("[{}]", several.join(", ")),
    }
}

const INTERNAL: &str = "audit.k8s.io/__internal";
