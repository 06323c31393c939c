//! What kinds of object there are and what their fields mean, from Kubernetes' own published data.

pub mod catalog;
pub mod definitions;
mod document;

pub use catalog::{Catalog, Resource, Subresource, Verb};
pub use definitions::{Definitions, Schema, Shape};
