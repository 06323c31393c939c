//! The Webhook authorizer: asks a service outside whether a request is allowed, and remembers what it says for a while.
//!
//! ```text
//! user, request ─► SubjectAccessReview ─► remembered? ─► POST, tried again ─► allowed, denied, or no opinion
//! ```

mod answers;
mod client;
mod kubeconfig;
mod opinion;
mod review;

use std::path::Path;
use std::time::Duration;

use answers::Answers;
use client::Client;
pub use kubeconfig::Error;
pub(super) use opinion::Opinion;

use crate::options::AuthorizationWebhookOptions;
use crate::request::RequestInfo;
use crate::request::User;

/// A service that decides.
pub(crate) struct AuthorizationWebhook {
    client: Client,
    /// `v1` or `v1beta1`.
    version: &'static str,
    authorized_ttl: Duration,
    unauthorized_ttl: Duration,
    answers: Answers,
}

impl AuthorizationWebhook {
    /// The service that a kubeconfig names.
    ///
    /// # Errors
    /// When the file cannot be used.
    pub(crate) fn new(kubeconfig: &Path, options: &AuthorizationWebhookOptions) -> Result<Self, Error> {
        Ok(Self {
            client: kubeconfig::client(kubeconfig)?,
            version: if options.version == "v1" { "v1" } else { "v1beta1" },
            authorized_ttl: options.authorized_ttl,
            unauthorized_ttl: options.unauthorized_ttl,
            answers: Answers::default(),
        })
    }

    /// Asks about a request.
    ///
    /// # Errors
    /// Why there is no answer.
    pub(super) async fn decide(&self, user: &User, info: &RequestInfo) -> Result<Opinion, String> {
        let request = review::request(self.version, user, info);
        let key = serde_json::to_vec(&request).map_err(|error| error.to_string())?;
        if let Some(opinion) = self.answers.get(&key) {
            return Ok(opinion);
        }
        let opinion = review::read(&self.client.post(key.clone()).await?)?;
        let ttl = match opinion {
            Opinion::Allow(_) => self.authorized_ttl,
            Opinion::Deny(_) | Opinion::None(_) => self.unauthorized_ttl,
        };
        self.answers.keep(key, opinion.clone(), ttl);
        Ok(opinion)
    }
}
