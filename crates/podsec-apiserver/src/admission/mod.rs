//! What a write must pass: mutating admission before validation, validating admission after it. Reads never
//! come here.
//!
//! ```text
//! decoded object ─► namespace lifecycle ─► built-in plugins ─► mutating policies ─► mutating webhooks ─► (validation)
//!     ─► Pod Security and the other built-in plugins ─► validating policies ─► validating webhooks ─► quotas ─► (store)
//! ```
//!
//! Whatever a mutating policy or webhook changes, the built-in plugins and those policies and webhooks that wish it see
//! again.

pub(crate) mod built_in;
pub(crate) mod configuration;
mod namespace_lifecycle;
mod plugins;
mod pod_security;
pub(crate) mod policy;
pub(crate) mod webhook;
mod write;

use podsec_apimachinery::Status;
use podsec_apimachinery::meta::Meta;
use serde_json::Value;

use crate::verbs::Operation;
pub(crate) use built_in::quota::reservation::{Reservation, reserve};
use plugins::{
    MUTATING_ADMISSION_POLICY, MUTATING_ADMISSION_WEBHOOK, NAMESPACE_LIFECYCLE, POD_SECURITY,
    VALIDATING_ADMISSION_POLICY, VALIDATING_ADMISSION_WEBHOOK,
};
pub use plugins::{Plugins, PluginsError};

pub(crate) use write::{Action, Write};

/// The mutating phase: may change the object, or refuse it.
///
/// # Errors
/// 403 and 404 in the words of the plugin that refuses, and whatever a policy or webhook answers.
pub(crate) async fn mutate(
    operation: &Operation<'_>,
    write: &Write<'_>,
    object: &mut Value,
) -> Result<(), Status> {
    built_in(operation, write, object).await?;
    // Boxed: few requests need the room that policies and calls take.
    Box::pin(configured(operation, write, object)).await
}

/// The policies and webhooks that the cluster's objects name.
async fn configured(operation: &Operation<'_>, write: &Write<'_>, object: &mut Value) -> Result<(), Status> {
    let plugins = &operation.api.plugins;
    let mut policies = None;
    if plugins.runs(MUTATING_ADMISSION_POLICY) {
        policies = policy::Mutation::begin(operation, write).await?;
    }
    let mut changed = false;
    if let Some(policies) = &mut policies {
        changed |= policies.first_round(object).await?;
    }
    let mut webhooks = None;
    if plugins.runs(MUTATING_ADMISSION_WEBHOOK) {
        webhooks = webhook::Mutation::begin(operation, write).await?;
    }
    if let Some(webhooks) = &mut webhooks {
        changed |= webhooks.first_round(Some(object)).await?;
    }
    if !changed {
        return Ok(());
    }
    built_in(operation, write, object).await?;
    if let Some(policies) = &mut policies {
        policies.second_round(object).await?;
    }
    if let Some(webhooks) = &mut webhooks {
        webhooks.second_round(object).await?;
    }
    Ok(())
}

async fn built_in(operation: &Operation<'_>, write: &Write<'_>, object: &mut Value) -> Result<(), Status> {
    let name = Meta::of(object).name().to_owned();
    if operation.api.plugins.runs(NAMESPACE_LIFECYCLE) {
        namespace_lifecycle::admit(operation, write.action, &name).await?;
    }
    built_in::mutate(operation, write, object).await
}

/// The validating phase, on the object as it would be stored; all of it but quotas, see [`reserve`].
///
/// # Errors
/// 403 and 422 of Pod Security, and whatever a webhook answers.
pub(crate) async fn validate(
    operation: &Operation<'_>,
    write: &Write<'_>,
    object: &Value,
) -> Result<(), Status> {
    built_in::validate_first(operation, write, object).await?;
    if operation.api.plugins.runs(POD_SECURITY) {
        pod_security::validate(operation, write, object).await?;
    }
    built_in::validate(operation, write, object).await?;
    validating(operation, write, Some(object)).await
}

/// Both phases for what is taken and never stored as it is: reviews, bindings, connections.
///
/// # Errors
/// As [`mutate`] and [`validate`].
pub(crate) async fn admit(
    operation: &Operation<'_>,
    write: &Write<'_>,
    object: &mut Value,
) -> Result<(), Status> {
    mutate(operation, write, object).await?;
    validate(operation, write, object).await
}

/// Both phases for a removal, which has no new object.
///
/// # Errors
/// 403 when the object may not be removed, and whatever a webhook answers.
pub(crate) async fn delete(operation: &Operation<'_>, write: &Write<'_>, name: &str) -> Result<(), Status> {
    let plugins = &operation.api.plugins;
    if plugins.runs(NAMESPACE_LIFECYCLE) {
        namespace_lifecycle::admit(operation, Action::Delete, name).await?;
    }
    built_in::delete(operation, write).await?;
    if plugins.runs(MUTATING_ADMISSION_WEBHOOK)
        && let Some(mut webhooks) = webhook::Mutation::begin(operation, write).await?
    {
        Box::pin(webhooks.first_round(None)).await?;
    }
    validating(operation, write, None).await
}

/// The validating policies and webhooks that the cluster's objects name.
async fn validating(
    operation: &Operation<'_>,
    write: &Write<'_>,
    object: Option<&Value>,
) -> Result<(), Status> {
    if operation.api.plugins.runs(VALIDATING_ADMISSION_POLICY) {
        Box::pin(policy::validate(operation, write, object)).await?;
    }
    if operation.api.plugins.runs(VALIDATING_ADMISSION_WEBHOOK) {
        Box::pin(webhook::validate(operation, write, object)).await?;
    }
    Ok(())
}
