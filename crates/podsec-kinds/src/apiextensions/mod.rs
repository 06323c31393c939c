//! The kinds of `apiextensions.k8s.io`, one file a kind.

mod approval;
mod conversion;
pub(crate) mod custom_resource_definitions;
mod definition_spec;
mod hoisted;
mod names;
mod rules;
mod schema;
mod structural;
mod versions;
