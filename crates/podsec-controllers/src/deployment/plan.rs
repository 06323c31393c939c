//! What is to be done about a Deployment: a pure function from what there is to what is written.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

use super::{conditions, new_replica_set, recreate, revisions, rolling, scaling, sizes, status};
use crate::events::EventType;

/// What there is.
pub(super) struct Observed<'a> {
    pub(super) deployment: &'a Deployment,
    /// Those that it controls.
    pub(super) replica_sets: Vec<Arc<ReplicaSet>>,
    /// Their pods, by the uid of the ReplicaSet; empty unless the Deployment recreates its pods.
    pub(super) pods: BTreeMap<String, Vec<Arc<Pod>>>,
    pub(super) now: Timestamp,
}

/// What is written, in this order, until one of them fails.
#[derive(Debug, PartialEq)]
pub(super) enum Action {
    /// The status, and the revision in the annotations.
    WriteStatus(Box<Deployment>),
    Create(Box<ReplicaSet>),
    /// With what people are told when it has gone well.
    Update(Box<ReplicaSet>, Option<String>),
    Delete(Box<ReplicaSet>),
    Tell(EventType, &'static str, String),
}

#[derive(Debug, Default, PartialEq)]
pub(super) struct Plan {
    pub(super) actions: Vec<Action>,
    /// When to look again even if nothing changes.
    pub(super) next: Option<Duration>,
}

/// The ReplicaSets of a Deployment.
pub(super) struct Sets {
    /// The one with the Deployment's template.
    pub(super) new: Option<ReplicaSet>,
    /// The others, in the order of their creation.
    pub(super) old: Vec<ReplicaSet>,
}

impl Sets {
    /// All of them, the new one last.
    pub(super) fn all(&self) -> impl Iterator<Item = &ReplicaSet> {
        self.old.iter().chain(&self.new)
    }
}

/// The Deployment as it will be, and what makes it so.
pub(super) struct Planner {
    pub(super) deployment: Deployment,
    pub(super) now: Timestamp,
    pub(super) plan: Plan,
    status_is_written: bool,
}

/// What is to be done about a Deployment.
///
/// ```text
/// being deleted ─► status
/// paused, or its number of replicas has changed ─► scale all ReplicaSets in proportion ─► status
/// else ─► the new ReplicaSet is made ─► it grows, or else the old ones shrink, or else old ones are forgotten ─► status
/// ```
pub(super) fn plan(observed: Observed<'_>) -> Plan {
    let mut planner = Planner {
        deployment: observed.deployment.clone(),
        now: observed.now,
        plan: Plan::default(),
        status_is_written: false,
    };
    if planner.deployment.spec.selector == LabelSelector::default() {
        return planner.refuse_everything();
    }
    let mut sets = new_replica_set::sort(&planner.deployment, observed.replica_sets);
    if planner.deployment.metadata.deletion_timestamp.is_some() {
        planner.sync_revision(&mut sets);
        planner.write_status(status::status(&planner.deployment, &sets, planner.now));
        return planner.plan;
    }
    planner.note_pause();
    planner.sync_revision(&mut sets);
    let is_paused = planner.deployment.spec.paused == Some(true);
    if is_paused || scaling::is_needed(&planner.deployment, &sets) {
        scaling::plan(&mut planner, &sets);
        if is_paused {
            planner.forget_history(&sets);
        }
        planner.write_status(status::status(&planner.deployment, &sets, planner.now));
    } else if sizes::is_rolling(&planner.deployment) {
        rolling::plan(&mut planner, &mut sets);
    } else {
        recreate::plan(&mut planner, &mut sets, &observed.pods);
    }
    planner.plan
}

impl Planner {
    pub(super) fn push(&mut self, action: Action) {
        self.plan.actions.push(action);
    }

    /// Writes the Deployment's status as it is in [`Planner::deployment`].
    pub(super) fn write(&mut self) {
        self.status_is_written = true;
        let deployment = Box::new(self.deployment.clone());
        self.push(Action::WriteStatus(deployment));
    }

    /// Writes another status, unless one has been written in this plan: a second one would meet a conflict, and the first
    /// one wakes the controller again.
    pub(super) fn write_status(&mut self, status: k8s_openapi::api::apps::v1::DeploymentStatus) {
        if self.status_is_written || self.deployment.status.as_ref() == Some(&status) {
            return;
        }
        self.deployment.status = Some(status);
        self.write();
    }

    /// Whether the status stays as it was.
    pub(super) fn is_steady(&self) -> bool {
        !self.status_is_written
    }

    /// Gives a ReplicaSet another size and says so, unless it has it.
    pub(super) fn scale(&mut self, set: &ReplicaSet, replicas: i32) -> bool {
        sizes::replicas_of(set) != replicas && self.scale_always(set, replicas)
    }

    /// The same, where its annotations are brought up to date even if the size stays. Whether the size changes.
    pub(super) fn scale_always(&mut self, set: &ReplicaSet, replicas: i32) -> bool {
        let old = sizes::replicas_of(set);
        let mut changed = set.clone();
        changed.spec.replicas = Some(replicas);
        let is_annotated = revisions::set_sizes(&mut changed, &self.deployment);
        if old == replicas && !is_annotated {
            return false;
        }
        let direction = if old < replicas { "up" } else { "down" };
        let name = set.metadata.name.as_deref().unwrap_or_default();
        let told = format!("Scaled {direction} replica set {name} from {old} to {replicas}");
        self.push(Action::Update(Box::new(changed), (old != replicas).then_some(told)));
        old != replicas
    }

    /// Tells in the conditions that the Deployment has been paused or goes on.
    fn note_pause(&mut self) {
        let is_paused = self.deployment.spec.paused == Some(true);
        if !sizes::has_deadline(&self.deployment) {
            return;
        }
        let reason =
            conditions::progressing(&self.deployment).and_then(|condition| condition.reason.as_deref());
        if reason == Some(conditions::TIMED_OUT) {
            return;
        }
        let (reason, message) = match (is_paused, reason == Some("DeploymentPaused")) {
            (true, false) => ("DeploymentPaused", "Deployment is paused"),
            (false, true) => ("DeploymentResumed", "Deployment is resumed"),
            _ => return,
        };
        let condition = conditions::new(conditions::PROGRESSING, "Unknown", reason, message, self.now);
        conditions::set(self.deployment.status.get_or_insert_default(), condition);
        self.write();
    }

    /// A selector of everything would take all pods of the namespace.
    fn refuse_everything(mut self) -> Plan {
        let message = "This deployment is selecting all pods. A non-empty selector is required.";
        self.push(Action::Tell(EventType::Warning, "SelectingAll", message.to_owned()));
        let generation = self.deployment.metadata.generation;
        let status = self.deployment.status.get_or_insert_default();
        if status.observed_generation < generation {
            status.observed_generation = generation;
            self.write();
        }
        self.plan
    }
}
