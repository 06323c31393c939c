//! Why bytes are no protobuf of a kind.

use podsec_go::quantity::QuantityError;

use super::json::TreeError;

/// Bytes that are no protobuf of the kind, in the words of Kubernetes' generated decoders.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProtobufError {
    /// Messages nest too deep.
    #[error("exceeded max depth")]
    Depth,
    /// The bytes end inside of a value.
    #[error("unexpected EOF")]
    End,
    /// A number needs more than 64 bits.
    #[error("proto: integer overflow")]
    Overflow,
    /// The envelope's four bytes are missing.
    #[error("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]")]
    Prefix,
    /// A quantity is malformed.
    #[error(transparent)]
    Quantity(#[from] QuantityError),
    /// JSON inside of the message is malformed, or holds a number that is too large.
    #[error(transparent)]
    Json(#[from] TreeError),
    /// A time is before the year -9999 or after the year 9999.
    #[error("proto: time out of range")]
    Time,
    /// No protobuf message is known for the kind.
    #[error("no protobuf message is known for {0}")]
    Unregistered(String),
    /// The encoding of a value is none that protobuf has.
    #[error("proto: illegal wireType {0}")]
    WireType(u8),
    /// A field has another encoding than its type.
    #[error("proto: wrong wireType = {wire_type} for field {field}")]
    WrongWireType {
        /// The encoding found.
        wire_type: u8,
        /// The field's JSON name.
        field: &'static str,
    },
}
