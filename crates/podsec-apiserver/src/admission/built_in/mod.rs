//! The plugins of kube-apiserver that need nobody outside of the server, in its order, one file each.
//!
//! What a plugin decides is a function of the object and of what was looked up for it; `admit` and `validate` look up,
//! and put the decision into the words of a refusal.

mod access;
mod always_pull_images;
mod certificate_approval;
mod certificate_signing;
mod certificate_subject_restriction;
mod default_ingress_class;
mod default_storage_class;
mod default_toleration_seconds;
mod limit_ranger;
mod lookup;
mod node_restriction;
mod owner_references_permission_enforcement;
mod persistent_volume_claim_resize;
mod pod_node_selector;
mod pod_topology_labels;
mod priority;
pub(crate) mod quota;
mod resources;
mod runtime_class;
mod service_account;
mod storage_object_in_use_protection;
mod taint_nodes_by_condition;
mod target;

use podsec_apimachinery::Status;
use serde_json::Value;

use super::Write;
use super::plugins as name;
use crate::verbs::Operation;

/// The mutating phase of all of them.
pub(super) async fn mutate(
    operation: &Operation<'_>,
    write: &Write<'_>,
    object: &mut Value,
) -> Result<(), Status> {
    let runs = |name| operation.api.plugins.runs(name);
    if runs(name::LIMIT_RANGER) {
        limit_ranger::admit(operation, write, object).await?;
    }
    if runs(name::SERVICE_ACCOUNT) {
        service_account::admit(operation, write, object).await?;
    }
    if runs(name::NODE_RESTRICTION) {
        node_restriction::admit(operation, write, object).await?;
    }
    if runs(name::TAINT_NODES_BY_CONDITION) {
        taint_nodes_by_condition::admit(operation, write, object);
    }
    if runs(name::ALWAYS_PULL_IMAGES) {
        always_pull_images::admit(operation, write, object);
    }
    if runs(name::POD_NODE_SELECTOR) {
        pod_node_selector::admit(operation, write, object).await?;
    }
    if runs(name::PRIORITY) {
        priority::admit(operation, write, object).await?;
    }
    if runs(name::DEFAULT_TOLERATION_SECONDS) {
        default_toleration_seconds::admit(operation, object);
    }
    if runs(name::DEFAULT_STORAGE_CLASS) {
        default_storage_class::admit(operation, write, object).await?;
    }
    if runs(name::STORAGE_OBJECT_IN_USE_PROTECTION) {
        storage_object_in_use_protection::admit(operation, write, object);
    }
    if runs(name::RUNTIME_CLASS) {
        runtime_class::admit(operation, write, object).await?;
    }
    if runs(name::DEFAULT_INGRESS_CLASS) {
        default_ingress_class::admit(operation, write, object).await?;
    }
    if runs(name::POD_TOPOLOGY_LABELS) {
        pod_topology_labels::admit(operation, write, object).await?;
    }
    Ok(())
}

/// What the validating phase does before Pod Security.
pub(super) async fn validate_first(
    operation: &Operation<'_>,
    write: &Write<'_>,
    object: &Value,
) -> Result<(), Status> {
    let runs = |name| operation.api.plugins.runs(name);
    if runs(name::LIMIT_RANGER) {
        limit_ranger::validate(operation, write, object).await?;
    }
    if runs(name::SERVICE_ACCOUNT) {
        service_account::validate(operation, write, object).await?;
    }
    if runs(name::ALWAYS_PULL_IMAGES) {
        always_pull_images::validate(operation, write, object)?;
    }
    Ok(())
}

/// What the validating phase does between Pod Security and policies. ResourceQuota comes after the webhooks:
/// [`quota::reservation::reserve`].
pub(super) async fn validate(
    operation: &Operation<'_>,
    write: &Write<'_>,
    object: &Value,
) -> Result<(), Status> {
    let runs = |name| operation.api.plugins.runs(name);
    if runs(name::POD_NODE_SELECTOR) {
        pod_node_selector::validate(operation, write, object).await?;
    }
    if runs(name::PRIORITY) {
        priority::validate(operation, write, object).await?;
    }
    if runs(name::OWNER_REFERENCES_PERMISSION_ENFORCEMENT) {
        owner_references_permission_enforcement::validate(operation, write, object).await?;
    }
    if runs(name::PERSISTENT_VOLUME_CLAIM_RESIZE) {
        persistent_volume_claim_resize::validate(operation, write, object).await?;
    }
    if runs(name::RUNTIME_CLASS) {
        runtime_class::validate(operation, write, object).await?;
    }
    if runs(name::CERTIFICATE_APPROVAL) {
        certificate_approval::validate(operation, write, object).await?;
    }
    if runs(name::CERTIFICATE_SIGNING) {
        certificate_signing::validate(operation, write, object).await?;
    }
    if runs(name::CERTIFICATE_SUBJECT_RESTRICTION) {
        certificate_subject_restriction::validate(operation, write, object)?;
    }
    Ok(())
}

/// Both phases for a removal.
pub(super) async fn delete(operation: &Operation<'_>, write: &Write<'_>) -> Result<(), Status> {
    if operation.api.plugins.runs(name::NODE_RESTRICTION) {
        node_restriction::admit(operation, write, &Value::Null).await?;
    }
    Ok(())
}
