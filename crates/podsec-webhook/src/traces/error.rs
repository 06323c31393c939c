//! Why spans are not exported.

/// Why no spans can be exported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TracesError {
    /// The collector is at no address that can be spoken to.
    #[error("traces cannot be sent to {endpoint}: {reason}")]
    Endpoint {
        /// As it was named.
        endpoint: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The environment names a collector, and this program cannot speak to any.
    #[error("a collector of traces is named, and this podsec was built without the feature opentelemetry")]
    Missing,
}
