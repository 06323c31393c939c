//! What is examined.

/// What is examined, and what it should be like.
#[derive(Clone, Debug)]
pub struct Examination {
    /// The ValidatingWebhookConfiguration that registers the webhook.
    pub configuration: String,
    /// Namespaces besides the webhook's own that it need not be asked about.
    pub excluded_namespaces: Vec<String>,
    /// Where pods are created as dry runs; any namespace that the webhook is asked about without it.
    pub namespace: Option<String>,
    /// The Secret that may hold the serving certificate, in the namespace of the Service.
    pub secret: String,
    /// Where the webhook can be reached from here (`host:port`), as through `kubectl port-forward`.
    pub address: Option<String>,
}

/// Why nothing can be said.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExaminationError {
    /// The configuration cannot be read.
    #[error("the ValidatingWebhookConfiguration {name} cannot be read: {reason}")]
    Unread {
        /// Its name.
        name: String,
        /// What the API server, or the way to it, says.
        reason: String,
    },
    /// The configuration is none that an API server would keep.
    #[error("the webhook {webhook} is configured in a way that cannot be understood: {reason}")]
    Unknown {
        /// The webhook's name.
        webhook: String,
        /// What is wrong.
        reason: String,
    },
}
