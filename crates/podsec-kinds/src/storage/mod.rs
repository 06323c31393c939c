//! The kinds of `storage.k8s.io`, one file a kind.

pub(crate) mod storageclasses;
