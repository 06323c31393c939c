//! Certificates that the webhook makes for itself (`--self-signed`): kept in a Secret that all replicas share, and
//! told to the API server in the webhook's own ValidatingWebhookConfiguration.
//!
//! Every replica does the same and none leads: a change of the Secret is refused when another replica was faster, whose
//! change is then taken up. What follows what is decided in [`material`].

mod material;
mod names;
mod objects;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::sleep;

use crate::cluster::chain;
use crate::metrics::Metrics;
use crate::tls::{CertificateError, ServingCertificate};
use material::{Lifetimes, Material};
use objects::{Objects, Stored};

pub use names::SelfSigned;
pub use objects::ObjectError;

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SelfSignedError {
    /// None can be made.
    #[error("no certificate can be made")]
    Make(#[from] rcgen::Error),
    /// The API server does not let the webhook keep or announce it.
    #[error(transparent)]
    Object(#[from] ObjectError),
    /// What the Secret holds cannot be served.
    #[error("the certificate of the Secret cannot be served")]
    Serve(#[from] CertificateError),
}

/// The certificates of this replica.
pub(crate) struct Keeper {
    objects: Objects,
    name: String,
    lifetimes: Lifetimes,
}

impl Keeper {
    pub(crate) fn new(client: kube::Client, names: &SelfSigned) -> Self {
        let name = format!("{}.{}.svc", names.service, names.namespace);
        Self { objects: Objects::new(client, names), name, lifetimes: Lifetimes::default() }
    }

    /// The certificate to begin with.
    pub(crate) async fn first(&self) -> Result<ServingCertificate, SelfSignedError> {
        let material = self.round(Timestamp::now()).await?;
        let serving = &material.serving;
        Ok(ServingCertificate::from_pem(serving.certificate.as_bytes(), serving.key.as_bytes())?)
    }

    /// Serves whatever follows, for ever.
    pub(crate) async fn keep(self, certificate: Arc<ServingCertificate>, metrics: Arc<Metrics>) {
        loop {
            sleep(INTERVAL).await;
            match self.round(Timestamp::now()).await {
                Ok(Material { serving, .. }) => {
                    match certificate.replace(serving.certificate.as_bytes(), serving.key.as_bytes()) {
                        Ok(()) => metrics
                            .set_certificate_expiry(serving.expires.as_second().try_into().unwrap_or(0)),
                        Err(error) => tracing::error!(error = chain(&error), "the old certificate stays"),
                    }
                }
                Err(error) => tracing::warn!(error = chain(&error), "the certificate cannot be looked after"),
            }
        }
    }

    /// Takes up what others did, tells the API server, and then does what is due.
    async fn round(&self, now: Timestamp) -> Result<Material, SelfSignedError> {
        let stored = if let Some(stored) = self.objects.read().await? {
            stored
        } else {
            let first = Material::first(&self.name, now, self.lifetimes)?;
            self.objects.create(&first).await?;
            // Another replica may have been faster; then its Secret is what is read.
            self.objects.read().await?.ok_or(ObjectError::Vanished)?
        };
        let Stored { material, .. } = &stored;
        self.objects.announce(&material.bundle()).await?;
        let Some(next) = material.next(&self.name, now, self.lifetimes)? else { return Ok(stored.material) };
        if !self.objects.replace(&stored, &next).await? {
            return Ok(stored.material);
        }
        tracing::info!(
            awaited = next.awaited,
            former = next.former.is_some(),
            "the certificates were rotated"
        );
        self.objects.announce(&next.bundle()).await?;
        Ok(next)
    }
}

/// How often the Secret is looked at: often within the overlap of two authorities.
const INTERVAL: Duration = Duration::from_secs(30);
