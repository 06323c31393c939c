//! The kinds of `discovery.k8s.io`, one file a kind.

pub(crate) mod endpointslices;
