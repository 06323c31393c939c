//! Structural schemas: what a CustomResourceDefinition says about the objects of one of its versions.
//!
//! ```text
//! openAPIV3Schema ─► parse ─► Structural ─► prune, fill_defaults, validate, CustomType (server-side apply)
//! ```

mod defaults;
mod parse;
mod pattern;
mod prune;
mod schema;
mod types;
mod validate;

pub use defaults::TooManyDefaults;
pub use pattern::{Patterns, compile as compile_pattern};
pub use schema::Structural;
pub use types::CustomType;
