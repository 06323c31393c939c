//! Why a configuration is refused.

use podsec_apimachinery::field;
use podsec_apimachinery::quote::quoted;

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
