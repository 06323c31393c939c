//! What kinds of object there are and what their fields mean, from Kubernetes' own published data.

pub mod catalog;

pub use catalog::{Catalog, Resource, Subresource, Verb};
