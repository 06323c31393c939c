//! YAML as Kubernetes reads it: documents, spans, and their JSON.
