//! A plan while it is made.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{Deployment, DeploymentStatus, ReplicaSet};

use super::{revisions, sizes};
use crate::events::EventType;

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

impl Planner {
    /// Nothing is planned yet.
    pub(super) fn new(deployment: Deployment, now: Timestamp) -> Self {
        Self { deployment, now, plan: Plan::default(), status_is_written: false }
    }

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
    pub(super) fn write_status(&mut self, status: DeploymentStatus) {
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
}
