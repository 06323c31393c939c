//! Request bodies: what they say they are, and what they hold.
//!
//! ```text
//! Content-Type ─► Encoding ─► JSON, YAML ─► json ─► schema::decode ─┐
//!                                 protobuf ─► messages ─────────────┴─► Body: the object, strict errors
//! ```

pub mod body;
pub mod json;
pub mod protobuf;
pub mod protobuf_encode;

mod error;
mod protobuf_error;
mod wire;

pub use body::{Body, Encoding, Kind, decode, decode_delete_options};
pub use error::BodyError;
pub use protobuf_error::ProtobufError;
