//! Recreation: all old pods go before the first new one comes.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::api::core::v1::Pod;

use super::planner::{Planner, Sets};
use super::{sizes, status};
use crate::pods::state::is_terminal;

/// One step of a recreation. `pods` are those of each ReplicaSet, by its uid.
pub(super) fn plan(planner: &mut Planner, sets: &mut Sets, pods: &BTreeMap<String, Vec<Arc<Pod>>>) {
    let mut has_scaled = false;
    for set in sets.old.iter().filter(|set| sizes::replicas_of(set) != 0) {
        has_scaled |= planner.scale(set, 0);
    }
    if !has_scaled && !are_old_pods_running(sets, pods) {
        if sets.new.is_none() {
            planner.create_new(sets);
        }
        if let Some(new) = &sets.new {
            planner.scale(new, sizes::wanted(&planner.deployment));
        }
        if status::is_complete(&planner.deployment, None) {
            planner.forget_history(sets);
        }
    }
    planner.write_rollout_status(sets);
}

fn are_old_pods_running(sets: &Sets, pods: &BTreeMap<String, Vec<Arc<Pod>>>) -> bool {
    let counted = sets.old.iter().filter_map(|set| set.status.as_ref()).any(|status| status.replicas > 0);
    let new = sets.new.as_ref().and_then(|new| new.metadata.uid.as_ref());
    let mut old = pods.iter().filter(|(uid, _)| Some(*uid) != new);
    counted || old.any(|(_, pods)| pods.iter().any(|pod| !is_terminal(pod)))
}
