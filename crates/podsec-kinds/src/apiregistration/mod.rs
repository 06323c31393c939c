//! The kinds of `apiregistration.k8s.io`, one file a kind.

pub(crate) mod apiservices;
