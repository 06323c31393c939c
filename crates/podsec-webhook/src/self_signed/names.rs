//! Which objects of the cluster hold and announce the certificates.

/// Which objects of the cluster belong to the webhook.
#[derive(Clone, Debug)]
pub struct SelfSigned {
    /// The namespace of the Secret and the Service.
    pub namespace: String,
    /// The Secret that holds the certificates.
    pub secret: String,
    /// The Service that the API server calls.
    pub service: String,
    /// The ValidatingWebhookConfiguration that names the Service.
    pub configuration: String,
}

impl Default for SelfSigned {
    /// The names that `podsec webhook manifests` gives them.
    fn default() -> Self {
        Self {
            namespace: "podsec-system".to_owned(),
            secret: "podsec-webhook-tls".to_owned(),
            service: "podsec-webhook".to_owned(),
            configuration: "podsec-webhook".to_owned(),
        }
    }
}
