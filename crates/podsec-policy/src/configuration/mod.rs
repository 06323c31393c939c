//! `PodSecurityConfiguration` of `pod-security.admission.config.k8s.io`: the defaults for namespaces without
//! labels, and who is exempt. Once parsed it cannot be wrong.

mod decode;
mod exemptions;
mod object;
mod plugin;

use podsec_apimachinery::field;
use podsec_apimachinery::quote::quoted;
use podsec_standards::{Policy, json};
use serde_json::Value;

pub use exemptions::Exemptions;
pub use plugin::Plugin;

use crate::labels::Policies;

/// How Pod Security admission is configured. The default restricts nothing and exempts nobody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Configuration {
    /// The policies that hold where a namespace has no label.
    pub defaults: Policies,
    /// Whom no policy binds.
    pub exemptions: Exemptions,
}

impl Configuration {
    /// Reads a `PodSecurityConfiguration` of v1, v1beta1 or v1alpha1 from YAML or JSON. An empty text means the
    /// default configuration.
    ///
    /// # Errors
    /// When the text is no YAML, begins as JSON and is none, repeats a key, is another kind of object, has unknown
    /// fields, fields of the wrong type or values that Kubernetes refuses.
    pub fn from_yaml(text: &str) -> Result<Self, ConfigurationError> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        expect_json(text)?;
        let document = podsec_yaml::to_json_strict(text)?;
        Self::from_value(&document)
    }

    /// Reads a `PodSecurityConfiguration` that was found inside another document, as an
    /// `AdmissionConfiguration` holds it.
    ///
    /// # Errors
    /// As [`Configuration::from_yaml`], except that there is no text to be wrong.
    pub fn from_value(document: &Value) -> Result<Self, ConfigurationError> {
        decode::decode(document)
    }
}

/// Why a configuration is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigurationError {
    /// The defaults name a level or version that there is not; each with its field.
    #[error("configuration error: {}", sentence(.0))]
    Defaults(Vec<String>),
    /// The exemptions hold names that cannot be, or repeat one.
    #[error("invalid configuration: {}", field::aggregate(.0))]
    Exemptions(Vec<field::Error>),
    /// The document begins as JSON and is none.
    #[error("not JSON, which it begins as: {0}")]
    Json(#[from] podsec_standards::DecodeError),
    /// The document does not say what it is: the field `apiVersion` or `kind` is missing.
    #[error("Object '{0}' is missing")]
    Missing(&'static str),
    /// The document is YAML that cannot be read, or sets a key twice.
    #[error(transparent)]
    Syntax(#[from] podsec_yaml::Error),
    /// A field has the wrong type.
    #[error("{path}: must be {expected}, not {found}")]
    Type {
        /// The field.
        path: String,
        /// What Kubernetes wants there.
        expected: &'static str,
        /// What is there.
        found: &'static str,
    },
    /// The document is another kind of object.
    #[error("no kind {} is registered for version {}", quoted(kind), quoted(version))]
    UnexpectedKind {
        /// Its kind.
        kind: String,
        /// Its group and version.
        version: String,
    },
    /// There are fields that Kubernetes does not know; each with its path.
    #[error("strict decoding error: {}", .0.iter().map(|path| format!("unknown field {}", quoted(path))).collect::<Vec<_>>().join(", "))]
    UnknownFields(Vec<String>),
}

/// Kubernetes takes for JSON what begins with a brace, and then refuses YAML's freedoms.
fn expect_json(text: &str) -> Result<(), ConfigurationError> {
    if text.trim_start().starts_with('{') {
        json::read(text.as_bytes(), &mut json::TypeMeta::default())?;
    }
    Ok(())
}

impl Default for Policies {
    fn default() -> Self {
        Self::PRIVILEGED
    }
}

/// Errors as one sentence: one alone, more in brackets, repeats once.
fn sentence(errors: &[String]) -> String {
    let mut distinct: Vec<&str> = Vec::new();
    for error in errors {
        if !distinct.contains(&error.as_str()) {
            distinct.push(error);
        }
    }
    match distinct.as_slice() {
        [one] => (*one).to_owned(),
        many => format!("[{}]", many.join(", ")),
    }
}

/// The two fields of one mode under `defaults`, as far as they are set.
#[derive(Default)]
struct ModeDefaults {
    level: Option<String>,
    version: Option<String>,
}

impl ModeDefaults {
    /// The policy; what is unset or empty is privileged and latest.
    fn policy(&self, mode: &str, errors: &mut Vec<String>) -> Policy {
        let unset = Policies::PRIVILEGED.enforce;
        Policy::new(
            read(self.level.as_deref(), unset.level, mode, errors),
            read(self.version.as_deref(), unset.version, &format!("{mode}-version"), errors),
        )
    }
}

fn read<T>(text: Option<&str>, unset: T, field: &str, errors: &mut Vec<String>) -> T
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    match text.filter(|text| !text.is_empty()).map(str::parse) {
        None => unset,
        Some(Ok(value)) => value,
        Some(Err(error)) => {
            errors.push(format!("{field}: {error}"));
            unset
        }
    }
}
