//! `podsec serve` as its real clients see it: kubectl of two versions, Helm, and the `kube` crate.

mod kube_client;
mod kubectl;
mod plan;
mod server;
mod tutorial;
mod webhook;
