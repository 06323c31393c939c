//! The conditions of a Deployment.

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{Deployment, DeploymentCondition, DeploymentStatus};

use crate::clock::time;

/// A condition as of now.
pub(super) fn new(
    condition_type: &str,
    status: &str,
    reason: &str,
    message: &str,
    now: Timestamp,
) -> DeploymentCondition {
    DeploymentCondition {
        type_: Some(condition_type.to_owned()),
        status: Some(status.to_owned()),
        reason: Some(reason.to_owned()),
        message: Some(message.to_owned()),
        last_update_time: Some(time(now)),
        last_transition_time: Some(time(now)),
    }
}

/// The condition of this type.
pub(super) fn get<'a>(status: &'a DeploymentStatus, condition_type: &str) -> Option<&'a DeploymentCondition> {
    let mut conditions = status.conditions.iter().flatten();
    conditions.find(|condition| condition.type_.as_deref() == Some(condition_type))
}

/// How the rollout goes.
pub(super) fn progressing(deployment: &Deployment) -> Option<&DeploymentCondition> {
    get(deployment.status.as_ref()?, PROGRESSING)
}

/// Puts a condition at the end, in the place of one of its type, unless that says the same already.
pub(super) fn set(status: &mut DeploymentStatus, mut condition: DeploymentCondition) {
    let condition_type = condition.type_.clone().unwrap_or_default();
    if let Some(current) = get(status, &condition_type)
        && current.status == condition.status
    {
        if current.reason == condition.reason {
            return;
        }
        condition.last_transition_time.clone_from(&current.last_transition_time);
    }
    remove(status, &condition_type);
    status.conditions.get_or_insert_default().push(condition);
}

/// Takes the condition of a type away.
pub(super) fn remove(status: &mut DeploymentStatus, condition_type: &str) {
    if let Some(conditions) = &mut status.conditions {
        conditions.retain(|condition| condition.type_.as_deref() != Some(condition_type));
    }
    status.conditions.take_if(|conditions| conditions.is_empty());
}

pub(super) const AVAILABLE: &str = "Available";
pub(super) const PROGRESSING: &str = "Progressing";
pub(super) const REPLICA_FAILURE: &str = "ReplicaFailure";
/// Why a Deployment does not progress any more.
pub(super) const TIMED_OUT: &str = "ProgressDeadlineExceeded";
/// Why a Deployment need not progress any more.
pub(super) const COMPLETE: &str = "NewReplicaSetAvailable";
