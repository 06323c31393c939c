//! The four ways to change an object in part: JSON patch, merge patch, strategic merge patch, server-side apply.
//!
//! ```text
//! Content-Type            engine            needs the type's schema
//! application/json-patch+json             json::apply         no
//! application/merge-patch+json            merge::apply        no
//! application/strategic-merge-patch+json  strategic::apply    yes
//! application/apply-patch+yaml            apply::apply        yes, and keeps managed_fields
//! ```

pub mod apply;
pub mod configuration;
pub mod field_set;
pub mod json;
pub mod managed_fields;
pub mod merge;
pub mod schema;
pub mod strategic;

mod definitions;
mod error;
mod go;
mod patched_text;
mod typed;

pub use error::Error;
pub use go::GoFormat;
pub use patched_text::{Touched, patched_text};
pub use schema::TypeSchema;
