//! The OpenAPI documents: what `kubectl explain` prints, and how clients learn that the server validates fields.
//!
//! ```text
//! /openapi/v3                  index     every group version, with the hash of its document
//! /openapi/v3/apis/apps/v1     document  its paths, and the schemas they need
//! /openapi/v2                  v2        an empty protobuf document, or the definitions as JSON
//! ```

mod index;
mod names;
mod paths;
pub mod v2;
mod v3;

pub use index::{CustomDigest, CustomSchema, Freshness, digest, hash, index};
pub use v3::document;
