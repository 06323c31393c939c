//! Kubernetes API auditing, audit.k8s.io/v1: policy, events and where they go.
