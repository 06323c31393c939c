//! Custom resources: what a CustomResourceDefinition defines, served like any other resource.
//!
//! ```text
//! a stored definition ─► controllers::definitions ─► names accepted ─► Served ─► requests, discovery, OpenAPI
//!                                                                        └─ CustomResource: schema, columns, scale
//! ```

mod columns;
mod conversion;
pub mod conversion_review;
pub(crate) mod field_path;
mod json_path;
pub mod names;
mod replicas;
mod resource;
pub(crate) mod rules;
mod scale;
mod served;

pub use conversion::{Conversion, ConversionWebhook};
pub use json_path::JsonPath;
pub use resource::{CustomResource, of_definition};
pub use served::Served;

/// The finalizer that keeps a definition until its objects are gone.
pub const CLEANUP: &str = "customresourcecleanup.apiextensions.k8s.io";
