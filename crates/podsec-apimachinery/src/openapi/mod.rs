//! The OpenAPI documents: what `kubectl explain` prints, and how clients learn that the server validates fields.
//!
//! ```text
//! /openapi/v3                  index     every group version, with the hash of its document
//! /openapi/v3/apis/apps/v1     document  its paths, and the schemas they need
//! /openapi/v3/apis/apps        document  what is said of a group
//! /openapi/v2                  v2        an empty protobuf document, or the definitions as JSON
//! ```

mod fields;
mod index;
mod names;
mod parameters;
mod paths;
mod place;
pub mod v2;
mod v3;

pub use index::{CustomDigest, Freshness, digest, document, hash, index, is_builtin};
pub use v3::CustomSchema;
