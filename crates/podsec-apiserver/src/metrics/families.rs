//! Families of metrics: how they are registered, and how they are written.

use prometheus::{Encoder, Registry, TextEncoder};

/// All families in the Prometheus text format.
pub(super) fn written(registry: &Registry) -> String {
    let mut bytes = Vec::new();
    if let Err(error) = TextEncoder::new().encode(&registry.gather(), &mut bytes) {
        tracing::error!(%error, "metrics could not be written");
    }
    String::from_utf8(bytes).unwrap_or_default()
}

/// Logs which families could not be registered; the server does without them.
pub(super) fn report(registered: impl Iterator<Item = prometheus::Result<()>>) {
    for error in registered.filter_map(Result::err) {
        tracing::error!(%error, "a metric is missing");
    }
}
