//! Why the object of a request cannot be decoded.

use podsec_apimachinery::quote::quoted;

/// Why an object cannot be decoded. Upstream quotes Go's decoder here; these words are our own.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DecodeError {
    #[error("unexpected GroupVersion string: {0}")]
    GroupVersion(String),
    #[error("Object '{0}' is missing")]
    Missing(&'static str),
    #[error(transparent)]
    Json(#[from] podsec_standards::DecodeError),
    #[error("no kind {} is registered for version {}", quoted(kind), quoted(version))]
    UnknownKind { kind: String, version: String },
}
