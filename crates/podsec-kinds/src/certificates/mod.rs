//! The kinds of `certificates.k8s.io`, one file a kind.

pub mod certificatesigningrequests;
mod signer_name;
