//! The kinds of `coordination.k8s.io`, one file a kind.

pub(crate) mod leases;
