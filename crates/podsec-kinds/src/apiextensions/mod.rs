//! The kinds of `apiextensions.k8s.io`, one file a kind.

pub(crate) mod custom_resource_definitions;
mod field_path;
mod schema;
mod structural;
