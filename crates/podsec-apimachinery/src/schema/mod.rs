//! What kinds of object there are and what their fields mean, from Kubernetes' own published data.
//!
//! ```text
//! data/catalog.json ──► Catalog      which resources there are                  (discovery, requests)
//! data/openapi.json ──► Definitions  which fields a kind has, how they merge    (patches)
//!                            └─────► decode      JSON ─► object, strict errors  (bodies)
//! a CustomResourceDefinition ──► Structural      the same for the kinds that users define
//! ```

pub mod catalog;
pub mod convert;
pub mod definitions;
pub mod fields;
mod stored;
pub mod structural;
pub mod time;
mod written;

pub(crate) mod document;
pub(crate) mod messages;

mod error;
mod merging;
mod node;

pub use catalog::{Catalog, Resource, Subresource, Verb};
pub use convert::{ConvertError, Converted, convert};
pub use definitions::{Definitions, Schema, Shape};
pub use error::{DecodeError, StrictCause, StrictError, strict_message};
pub use fields::{Decoded, decode, decode_untyped};
pub use merging::{ListType, MapType, PatchStrategy};
pub use stored::forget_empty;
pub use structural::{CustomType, Structural};
pub use written::write_zeros;
