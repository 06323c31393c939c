//! JSON bodies, which may nest less deep than in Kubernetes.

pub(crate) use podsec_go::json::number;
pub use podsec_go::json::{Json, OutOfRange, SyntaxError};

/// How deep values may nest; deeper ones end with [`SyntaxError::Depth`].
///
/// Kubernetes allows 10,000 levels. This stays under the 128 of serde_json, so that what was accepted can be read again,
/// even inside of a list or an audit event.
pub const MAX_DEPTH: usize = 120;

/// Reads a whole text as one value.
///
/// # Errors
/// The first place where the text is not JSON.
pub fn parse(text: &[u8]) -> Result<Json<'_>, SyntaxError> {
    podsec_go::json::parse(text, MAX_DEPTH)
}
