//! Request bodies: what they say they are, and what they hold.

pub mod body;
pub mod json;
pub mod protobuf;
mod wire;

pub use body::{Body, BodyError, Encoding, Kind, decode, decode_delete_options};
