//! The kinds of `networking.k8s.io`, one file a kind.

pub(crate) mod ingresses;
