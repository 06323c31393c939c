//! The plugins in kube-apiserver's order, made when the server starts, and the two phases that a write passes.

use std::sync::Arc;

use podsec_apimachinery::Status;
use serde_json::Value;

use super::attributes::{Action, Attributes};
use super::built_in;
use super::built_in::quota::reservation::{Reservation, ResourceQuota};
use super::escalation;
use super::parts::Parts;
use super::plugin::Plugin;
use super::plugins::{self as name, Plugins};
use super::policy::{self, MutatingAdmissionPolicy, ValidatingAdmissionPolicy};
use super::webhook::{self, Caller, MutatingAdmissionWebhook, ValidatingAdmissionWebhook};
use crate::authorization::Authorizer;

/// The plugins that run.
pub(crate) struct Chain {
    /// Those that need nobody outside of the server.
    built_in: Vec<Box<dyn Plugin>>,
    mutating_policies: Option<MutatingAdmissionPolicy>,
    mutating_webhooks: Option<MutatingAdmissionWebhook>,
    /// Those that ask the cluster's policies and webhooks.
    validating: Vec<Box<dyn Plugin>>,
    quota: Option<ResourceQuota>,
    authorizer: Arc<Authorizer>,
}

impl Chain {
    /// The plugins of `plugins`.
    pub(crate) fn new(plugins: &Plugins, parts: &Parts<'_>) -> Self {
        let Parts { resources, authorizer, processors, quotas, .. } = *parts;
        let caller = Arc::new(Caller::new(resources, authorizer, processors, parts.webhook_metrics));
        let mut validating: Vec<Box<dyn Plugin>> = Vec::new();
        if plugins.runs(name::VALIDATING_ADMISSION_POLICY) {
            validating.push(Box::new(ValidatingAdmissionPolicy {
                source: policy::Source::validating(resources),
                resources: resources.clone(),
                authorizer: Arc::clone(authorizer),
                processors: Arc::clone(processors),
            }));
        }
        if plugins.runs(name::VALIDATING_ADMISSION_WEBHOOK) {
            validating.push(Box::new(ValidatingAdmissionWebhook {
                source: webhook::Source::validating(resources),
                caller: Arc::clone(&caller),
            }));
        }
        let runs = |name: &str| plugins.runs(name).then_some(());
        Self {
            built_in: built_in::all(plugins, parts),
            mutating_policies: runs(name::MUTATING_ADMISSION_POLICY).map(|()| MutatingAdmissionPolicy {
                source: policy::Source::mutating(resources),
                resources: resources.clone(),
                authorizer: Arc::clone(authorizer),
                processors: Arc::clone(processors),
            }),
            mutating_webhooks: runs(name::MUTATING_ADMISSION_WEBHOOK)
                .map(|()| MutatingAdmissionWebhook { source: webhook::Source::mutating(resources), caller }),
            validating,
            authorizer: Arc::clone(authorizer),
            quota: runs(name::RESOURCE_QUOTA)
                .map(|()| ResourceQuota { resources: resources.clone(), locks: Arc::clone(quotas) }),
        }
    }

    /// The mutating phase: may change the object, or refuse it.
    ///
    /// # Errors
    /// 403 and 404 in the words of the plugin that refuses, and whatever a policy or webhook answers.
    pub(crate) async fn mutate(&self, attributes: &Attributes<'_>, object: &mut Value) -> Result<(), Status> {
        self.admit_built_in(attributes, object).await?;
        // Boxed: few requests need the room that policies and calls take.
        Box::pin(self.ask_mutating(attributes, object)).await
    }

    /// The policies and webhooks that the cluster's objects name. When one of them has changed the object, the built-in
    /// plugins see it again, and those policies and webhooks that wish it.
    async fn ask_mutating(&self, attributes: &Attributes<'_>, object: &mut Value) -> Result<(), Status> {
        let mut policies = match &self.mutating_policies {
            Some(plugin) => plugin.begin(attributes).await?,
            None => None,
        };
        let mut changed = false;
        if let Some(policies) = &mut policies {
            changed |= policies.first_round(object).await?;
        }
        let mut webhooks = match &self.mutating_webhooks {
            Some(plugin) => plugin.begin(attributes).await?,
            None => None,
        };
        if let Some(webhooks) = &mut webhooks {
            changed |= webhooks.first_round(Some(object)).await?;
        }
        if !changed {
            return Ok(());
        }
        self.admit_built_in(attributes, object).await?;
        if let Some(policies) = &mut policies {
            policies.second_round(object).await?;
        }
        if let Some(webhooks) = &mut webhooks {
            webhooks.second_round(object).await?;
        }
        Ok(())
    }

    async fn admit_built_in(&self, attributes: &Attributes<'_>, object: &mut Value) -> Result<(), Status> {
        for plugin in self.built_in.iter().filter(|plugin| plugin.handles(attributes.action)) {
            plugin.admit(attributes, object).await?;
        }
        Ok(())
    }

    /// What comes right after the mutating phase: nobody gives rights that it does not hold.
    ///
    /// # Errors
    /// As [`escalation::check`].
    pub(crate) async fn check_escalation(
        &self,
        attributes: &Attributes<'_>,
        object: &Value,
    ) -> Result<(), Status> {
        escalation::check(&self.authorizer, attributes, object).await
    }

    /// The validating phase, on the object as it would be stored; all of it but quotas, see [`Chain::reserve`].
    ///
    /// # Errors
    /// 403 and 422 of the plugin that refuses, and whatever a policy or webhook answers.
    pub(crate) async fn validate(&self, attributes: &Attributes<'_>, object: &Value) -> Result<(), Status> {
        let plugins = self.built_in.iter().chain(&self.validating);
        for plugin in plugins.filter(|plugin| plugin.handles(attributes.action)) {
            plugin.validate(attributes, object).await?;
        }
        Ok(())
    }

    /// Charges the quotas of the namespace for a write, the last thing before it is stored.
    ///
    /// # Errors
    /// 403 when it does not fit.
    pub(crate) async fn reserve(
        &self,
        attributes: &Attributes<'_>,
        object: &Value,
    ) -> Result<Reservation, Status> {
        match &self.quota {
            Some(quota) => quota.reserve(attributes, object).await,
            None => Ok(Reservation::none()),
        }
    }

    /// Both phases for what is taken and never stored as it is: reviews, bindings, connections.
    ///
    /// # Errors
    /// As [`Chain::mutate`] and [`Chain::validate`].
    pub(crate) async fn admit(&self, attributes: &Attributes<'_>, object: &mut Value) -> Result<(), Status> {
        self.mutate(attributes, object).await?;
        self.validate(attributes, object).await
    }

    /// Both phases for a removal, which has no new object.
    ///
    /// # Errors
    /// 403 when the object may not be removed, and whatever a policy or webhook answers.
    pub(crate) async fn delete(&self, attributes: &Attributes<'_>) -> Result<(), Status> {
        debug_assert_eq!(attributes.action, Action::Delete);
        self.admit_built_in(attributes, &mut Value::Null).await?;
        if let Some(plugin) = &self.mutating_webhooks
            && let Some(mut webhooks) = plugin.begin(attributes).await?
        {
            Box::pin(webhooks.first_round(None)).await?;
        }
        self.validate(attributes, &Value::Null).await
    }
}
