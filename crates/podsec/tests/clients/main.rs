//! `podsec serve` as its real clients see it: kubectl of two versions, and the `kube` crate.

mod kube_client;
mod server;
mod tutorial;
