//! The kinds of `resource.k8s.io`, one file a kind.

mod claim_spec;
mod claim_status;
pub(crate) mod deviceclasses;
mod devices;
mod lists;
mod names;
mod request_policy;
pub(crate) mod resourceclaims;
pub(crate) mod resourceclaimtemplates;
pub(crate) mod resourceslices;
mod selectors;

/// The API group.
const GROUP: &str = "resource.k8s.io";
