//! Manifests in, findings and fixes out, at file, line and column.
