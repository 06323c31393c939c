//! The examination, step by step.

use jiff::Timestamp;
use k8s_openapi::api::admissionregistration::v1::ValidatingWebhookConfiguration;
use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use kube::api::ListParams;

use super::examination::{Examination, ExaminationError};
use super::finding::{Finding, Report, Topic};
use super::question::asked;
use super::registration::{NamespaceObject, Registration};

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
        report.extend(super::coverage::kinds(&registration));
        report.extend(match &namespaces {
            Ok(namespaces) => {
                super::coverage::namespaces(&registration, namespaces, &self.excluded_namespaces)
            }
            Err(reason) => vec![Finding::warning(
                Topic::Namespaces,
                format!("the namespaces cannot be listed: {reason}"),
                "which of them the webhook is not asked about is unknown; try as somebody who may list them",
            )],
        });
        let namespaces = namespaces.unwrap_or_default();
        let reached = super::reach::examine(self, client, &registration, &namespaces).await;
        report.extend(reached.findings);
        report.extend(
            super::trust::examine(self, client, &registration, reached.proven, Timestamp::now()).await,
        );
        report.extend(
            super::outage::examine(client, &registration, &namespaces, &self.excluded_namespaces).await,
        );
        Ok(report)
    }

    async fn unregistered(&self, configurations: &Api<ValidatingWebhookConfiguration>) -> Finding {
        // Whoever may not list them has learned what matters.
        let others = asked(configurations.list(&ListParams::default())).await;
        let asked_about_pods: Vec<String> = others
            .iter()
            .flat_map(|others| &others.items)
            .filter(|other| {
                Registration::read(other).is_ok_and(|other| super::coverage::sees_new_pods(&other))
            })
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

pub(super) async fn namespaces(client: &kube::Client) -> Result<Vec<NamespaceObject>, String> {
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

const PAGE: u32 = 500;
