//! The kinds of `scheduling.k8s.io`, one file a kind.

pub(crate) mod priorityclasses;
