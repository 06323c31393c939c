//! What is to be done about a Deployment: a pure function from what there is to what is written.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

use super::planner::{Action, Plan, Planner};
use super::{conditions, new_replica_set, recreate, rolling, scaling, sizes, status};
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

/// What is to be done about a Deployment.
///
/// ```text
/// being deleted ─► status
/// paused, or its number of replicas has changed ─► scale all ReplicaSets in proportion ─► status
/// else ─► the new ReplicaSet is made ─► it grows, or else the old ones shrink, or else old ones are forgotten ─► status
/// ```
pub(super) fn plan(observed: Observed<'_>) -> Plan {
    let mut planner = Planner::new(observed.deployment.clone(), observed.now);
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
