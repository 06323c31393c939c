//! What kinds of object there are and what their fields mean, from Kubernetes' own published data.

pub mod catalog;
pub mod definitions;
pub(crate) mod document;
pub mod fields;
pub(crate) mod messages;
pub mod quantity;
pub mod time;

pub use catalog::{Catalog, Resource, Subresource, Verb};
pub use definitions::{Definitions, Schema, Shape};
pub use fields::{Decoded, decode, decode_untyped};
