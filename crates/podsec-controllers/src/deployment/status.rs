//! The status of a Deployment: numbers of pods, whether enough are available, and how the rollout goes.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::apps::v1::{
    Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet, ReplicaSetStatus,
};

use super::conditions::{self, AVAILABLE, COMPLETE, PROGRESSING, REPLICA_FAILURE, TIMED_OUT};
use super::planner::{Planner, Sets};
use super::sizes;

/// The numbers, and whether enough pods are available.
pub(super) fn status(deployment: &Deployment, sets: &Sets, now: Timestamp) -> DeploymentStatus {
    let sum = |count: fn(&ReplicaSetStatus) -> i32| -> i32 { sets.all().map(|set| of(set, count)).sum() };
    let available = sizes::available(sets.all());
    // Zeros are not written.
    let present = |count: i32| Some(count).filter(|count| *count != 0);
    let old = deployment.status.clone().unwrap_or_default();
    let mut status = DeploymentStatus {
        observed_generation: deployment.metadata.generation.filter(|generation| *generation != 0),
        replicas: present(sum(|status| status.replicas)),
        updated_replicas: present(sets.new.as_ref().map_or(0, |new| of(new, |status| status.replicas))),
        ready_replicas: present(sum(|status| status.ready_replicas.unwrap_or(0))),
        available_replicas: present(available),
        unavailable_replicas: present((sizes::total(sets.all()) - available).max(0)),
        terminating_replicas: terminating(sets),
        collision_count: old.collision_count,
        conditions: old.conditions,
    };
    let is_available = available >= sizes::wanted(deployment) - sizes::max_unavailable(deployment);
    let condition = if is_available {
        let message = "Deployment has minimum availability.";
        conditions::new(AVAILABLE, "True", "MinimumReplicasAvailable", message, now)
    } else {
        let message = "Deployment does not have minimum availability.";
        conditions::new(AVAILABLE, "False", "MinimumReplicasUnavailable", message, now)
    };
    conditions::set(&mut status, condition);
    status
}

/// Whether all pods are those of the new template and available, by `status` or else by the Deployment's own.
pub(super) fn is_complete(deployment: &Deployment, status: Option<&DeploymentStatus>) -> bool {
    let Some(status) = status.or(deployment.status.as_ref()) else { return false };
    let wanted = sizes::wanted(deployment);
    let is = |count: Option<i32>| count.unwrap_or(0) == wanted;
    is(status.updated_replicas)
        && is(status.replicas)
        && is(status.available_replicas)
        && status.observed_generation.unwrap_or(0) >= deployment.metadata.generation.unwrap_or(0)
}

impl Planner {
    /// Writes the status with how the rollout goes, and plans when to find out that it goes no further.
    pub(super) fn write_rollout_status(&mut self, sets: &Sets) {
        let mut status = status(&self.deployment, sets, self.now);
        if sizes::has_deadline(&self.deployment) {
            self.note_progress_of(&mut status, sets);
        } else {
            conditions::remove(&mut status, PROGRESSING);
        }
        match failure(sets) {
            Some(failure) => conditions::set(&mut status, failure),
            None => conditions::remove(&mut status, REPLICA_FAILURE),
        }
        let next = self.next_check(&status);
        self.write_status(status);
        if self.is_steady() {
            self.plan.next = next;
        }
    }

    fn note_progress_of(&self, status: &mut DeploymentStatus, sets: &Sets) {
        let current = conditions::progressing(&self.deployment);
        let is_over = status.replicas == status.updated_replicas
            && current.is_some_and(|current| current.reason.as_deref() == Some(COMPLETE));
        if is_over {
            return;
        }
        let subject = match &sets.new {
            Some(new) => format!("ReplicaSet {:?}", new.metadata.name.as_deref().unwrap_or_default()),
            None => format!("Deployment {:?}", self.deployment.metadata.name.as_deref().unwrap_or_default()),
        };
        if is_complete(&self.deployment, Some(status)) {
            let message = format!("{subject} has successfully progressed.");
            conditions::set(status, conditions::new(PROGRESSING, "True", COMPLETE, &message, self.now));
        } else if self.has_progressed(status) {
            let message = format!("{subject} is progressing.");
            let mut condition = conditions::new(PROGRESSING, "True", "ReplicaSetUpdated", &message, self.now);
            if let Some(current) = current.filter(|current| current.status.as_deref() == Some("True")) {
                condition.last_transition_time.clone_from(&current.last_transition_time);
            }
            // Every step counts anew towards the deadline.
            conditions::remove(status, PROGRESSING);
            conditions::set(status, condition);
        } else if self.has_timed_out(status) {
            let message = format!("{subject} has timed out progressing.");
            conditions::set(status, conditions::new(PROGRESSING, "False", TIMED_OUT, &message, self.now));
        }
    }

    fn has_progressed(&self, status: &DeploymentStatus) -> bool {
        let old = self.deployment.status.clone().unwrap_or_default();
        let of_old_templates =
            |status: &DeploymentStatus| status.replicas.unwrap_or(0) - status.updated_replicas.unwrap_or(0);
        status.updated_replicas > old.updated_replicas
            || of_old_templates(status) < of_old_templates(&old)
            || status.ready_replicas > old.ready_replicas
            || status.available_replicas > old.available_replicas
    }

    fn has_timed_out(&self, status: &DeploymentStatus) -> bool {
        let Some(condition) = conditions::get(status, PROGRESSING) else { return false };
        match condition.reason.as_deref() {
            Some(COMPLETE) => false,
            Some(TIMED_OUT) => true,
            _ => self.until_deadline(condition).is_some_and(|left| left.is_negative()),
        }
    }

    fn until_deadline(&self, progressing: &DeploymentCondition) -> Option<SignedDuration> {
        let seconds = self.deployment.spec.progress_deadline_seconds?;
        let passed = self.now.duration_since(progressing.last_update_time.as_ref()?.0);
        Some(SignedDuration::from_secs(seconds.into()) - passed)
    }

    /// After what time the deadline may have passed.
    fn next_check(&self, status: &DeploymentStatus) -> Option<Duration> {
        let current = conditions::progressing(&self.deployment)?;
        let is_settled =
            is_complete(&self.deployment, Some(status)) || current.reason.as_deref() == Some(TIMED_OUT);
        if is_settled || !sizes::has_deadline(&self.deployment) {
            return None;
        }
        let left = Duration::try_from(self.until_deadline(current)?).unwrap_or_default();
        Some(if left < Duration::from_secs(1) { left + SOON } else { left + Duration::from_secs(1) })
    }
}

/// Why pods cannot be made or deleted: of the new ReplicaSet, or else of another one.
fn failure(sets: &Sets) -> Option<DeploymentCondition> {
    let failures = sets.new.iter().chain(&sets.old).filter_map(|set| {
        let mut conditions = set.status.as_ref()?.conditions.iter().flatten();
        conditions.find(|condition| condition.type_.as_deref() == Some(REPLICA_FAILURE))
    });
    failures.into_iter().next().map(|condition| DeploymentCondition {
        type_: condition.type_.clone(),
        status: condition.status.clone(),
        reason: condition.reason.clone(),
        message: condition.message.clone(),
        last_update_time: condition.last_transition_time.clone(),
        last_transition_time: condition.last_transition_time.clone(),
    })
}

fn of(set: &ReplicaSet, count: fn(&ReplicaSetStatus) -> i32) -> i32 {
    set.status.as_ref().map_or(0, count)
}

/// The pods that are ending; nothing while a ReplicaSet does not tell.
fn terminating(sets: &Sets) -> Option<i32> {
    let mut sum = 0;
    for status in sets.all().map(|set| set.status.clone().unwrap_or_default()) {
        match status.terminating_replicas {
            Some(count) => sum += count,
            None if status.observed_generation.unwrap_or(0) == 0 => {}
            None => return None,
        }
    }
    Some(sum)
}

/// After a deadline that is less than a second away.
const SOON: Duration = Duration::from_millis(5);
