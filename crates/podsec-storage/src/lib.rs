//! A revisioned key-value store with watches, as the Kubernetes API needs it.
