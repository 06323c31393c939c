//! The kinds of `node.k8s.io`, one file a kind.

pub(crate) mod runtimeclasses;
