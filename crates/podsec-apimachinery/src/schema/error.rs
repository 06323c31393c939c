//! What decoding has against a value: in Kubernetes' words about fields, in Go's about types.

use std::borrow::Cow;
use std::fmt;

use super::time::TimeError;
use crate::codec::json::OutOfRange;
use podsec_go::quantity::QuantityError;
use podsec_go::quote::quoted;

/// A field that strict field validation refuses, and that is a warning otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{cause} field {}", quoted(path))]
pub struct StrictError {
    /// What is wrong.
    pub cause: StrictCause,
    /// The field, as in `spec.containers[0].foo`.
    pub path: String,
}

/// What strict field validation has against a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StrictCause {
    /// It stands there twice; the last one counts.
    Duplicate,
    /// The kind has no such field; it is dropped.
    Unknown,
}

/// A value that cannot be decoded into the type of its field, in Go's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The text is no base64.
    #[error("illegal base64 data at input byte {0}")]
    Base64(usize),
    /// What is kept as it is nests too deep.
    #[error("exceeded max depth")]
    Depth,
    /// A number is too large.
    #[error(transparent)]
    OutOfRange(#[from] OutOfRange),
    /// The value is no quantity.
    #[error(transparent)]
    Quantity(#[from] QuantityError),
    /// The text is no time.
    #[error(transparent)]
    Time(#[from] TimeError),
    /// The value has the wrong type.
    #[error("json: cannot unmarshal {value} into Go {} of type {go_type}", place(.field))]
    Type {
        /// What it is, as in `string` or `number 1.5`.
        value: String,
        /// The Go struct and the field's path, as in `PodSpec.spec.containers`; empty at the top.
        field: String,
        /// What it should be, as in `[]v1.Container`.
        go_type: String,
    },
}

/// The message of strict errors together: `strict decoding error: unknown field "a", duplicate field "b"`.
pub fn strict_message(errors: &[StrictError]) -> String {
    let sentences: Vec<String> = errors.iter().map(ToString::to_string).collect();
    format!("strict decoding error: {}", sentences.join(", "))
}

impl fmt::Display for StrictCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Duplicate => "duplicate",
            Self::Unknown => "unknown",
        })
    }
}

fn place(field: &str) -> Cow<'static, str> {
    if field.is_empty() { Cow::Borrowed("value") } else { Cow::Owned(format!("struct field {field}")) }
}
