//! Request bodies: what they say they are, and what they hold.

pub mod json;
mod messages;
pub mod protobuf;
mod wire;
