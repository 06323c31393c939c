//! What an installed webhook is worth, found out from outside (`podsec webhook doctor`).
//!
//! ```text
//! ValidatingWebhookConfiguration ─► Registration ─┬► coverage   every kind, every namespace?
//!                                                 ├► reach      dry runs through the API server
//!                                                 ├► trust      caBundle against the certificate that is shown
//!                                                 └► outage     what happens when nobody answers
//! ```
//!
//! [`Examination::run`] is the entry. It changes nothing: whatever it creates it creates as a dry run.

mod coverage;
mod finding;
mod outage;
mod reach;
mod registration;
mod trust;

use std::fmt::Write as _;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::admissionregistration::v1::ValidatingWebhookConfiguration;
use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use kube::api::ListParams;
use tokio::time::timeout;

pub use finding::{Finding, Report, Status, Topic};
use registration::{NamespaceObject, Registration};

use crate::cluster::chain;

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

impl Examination {
    /// Examines the webhook of a cluster, with the rights of whoever `client` speaks for. What these rights do not
    /// suffice for is warned about.
    ///
    /// # Errors
    /// When the configuration of the webhook cannot be read.
    pub async fn run(&self, client: &kube::Client) -> Result<Report, ExaminationError> {
        let mut report = Report::new(&self.configuration);
        let configurations = Api::<ValidatingWebhookConfiguration>::all(client.clone());
        let configuration = asked(configurations.get_opt(&self.configuration))
            .await
            .map_err(|reason| ExaminationError::Unread { name: self.configuration.clone(), reason })?;
        let Some(configuration) = configuration else {
            report.add(self.unregistered(&configurations).await);
            return Ok(report);
        };
        let registration = Registration::read(&configuration)?;
        report.extend(registration.findings());
        if registration.hooks.is_empty() {
            return Ok(report);
        }
        let namespaces = namespaces(client).await;
        report.extend(coverage::kinds(&registration));
        report.extend(match &namespaces {
            Ok(namespaces) => coverage::namespaces(&registration, namespaces, &self.excluded_namespaces),
            Err(reason) => vec![Finding::warning(
                Topic::Namespaces,
                format!("the namespaces cannot be listed: {reason}"),
                "which of them the webhook is not asked about is unknown; try as somebody who may list them",
            )],
        });
        let namespaces = namespaces.unwrap_or_default();
        let reached = reach::examine(self, client, &registration, &namespaces).await;
        report.extend(reached.findings);
        report.extend(trust::examine(self, client, &registration, reached.proven, Timestamp::now()).await);
        report.extend(outage::examine(client, &registration, &namespaces, &self.excluded_namespaces).await);
        Ok(report)
    }

    async fn unregistered(&self, configurations: &Api<ValidatingWebhookConfiguration>) -> Finding {
        // Whoever may not list them has learned what matters.
        let others = asked(configurations.list(&ListParams::default())).await;
        let asked_about_pods: Vec<String> = others
            .iter()
            .flat_map(|others| &others.items)
            .filter(|other| Registration::read(other).is_ok_and(|other| coverage::sees_new_pods(&other)))
            .filter_map(|other| other.metadata.name.clone())
            .collect();
        let advice = if asked_about_pods.is_empty() {
            "install it: podsec webhook manifests --image IMAGE | kubectl apply -f -".to_owned()
        } else {
            format!(
                "install it (podsec webhook manifests), or name another with --webhook-configuration-name; those that \
                 are asked about pods are {}",
                asked_about_pods.join(", ")
            )
        };
        let message = format!("there is no ValidatingWebhookConfiguration {}", self.configuration);
        Finding::problem(Topic::Registered, message, advice)
    }
}

async fn namespaces(client: &kube::Client) -> Result<Vec<NamespaceObject>, String> {
    let api = Api::<Namespace>::all(client.clone());
    let mut found = Vec::new();
    let mut page = ListParams::default().limit(PAGE);
    loop {
        let list = asked(api.list_metadata(&page)).await?;
        found.extend(list.items.into_iter().map(|namespace| NamespaceObject {
            name: namespace.metadata.name.unwrap_or_default(),
            labels: namespace.metadata.labels.unwrap_or_default(),
        }));
        match list.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(next) => page = page.continue_token(&next),
            None => return Ok(found),
        }
    }
}

/// What the API server answers within a time that people wait; in words what it does not.
async fn asked<T>(answer: impl Future<Output = kube::Result<T>>) -> Result<T, String> {
    match timeout(PATIENCE, answer).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(kube::Error::Api(status))) => Err(status.message),
        Ok(Err(error)) => Err(chain(&error)),
        Err(_) => Err(format!("no answer within {} seconds", PATIENCE.as_secs())),
    }
}

/// Names as a sentence has them, and how many more there are.
fn listed(names: &[&str]) -> String {
    let (shown, rest) = names.split_at(names.len().min(NAMES));
    let mut text = shown.join(", ");
    if !rest.is_empty() {
        // Writing to a string cannot fail.
        let _ = write!(text, " and {} more", rest.len());
    }
    text
}

/// Longer than an API server waits for a webhook.
const PATIENCE: Duration = Duration::from_secs(35);
const PAGE: u32 = 500;
/// How many names stand on a line.
const NAMES: usize = 10;
