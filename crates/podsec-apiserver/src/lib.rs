//! The embedded Kubernetes API server: requests, verbs, resources.

pub mod resources;
