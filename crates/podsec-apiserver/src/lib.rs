//! The embedded Kubernetes API server: requests, verbs, resources.
