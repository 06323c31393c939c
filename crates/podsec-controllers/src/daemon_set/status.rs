//! The status of a DaemonSet: on how many nodes it runs.

use k8s_openapi::api::apps::v1::{DaemonSet, DaemonSetStatus};

use super::plan::{Observed, fits};
use super::pods::is_updated;
use crate::pods::state;

/// The numbers of nodes.
pub(super) fn status(set: &DaemonSet, observed: &Observed) -> DaemonSetStatus {
    let old = set.status.clone().unwrap_or_default();
    let mut status = DaemonSetStatus {
        observed_generation: set.metadata.generation.filter(|generation| *generation != 0),
        collision_count: old.collision_count,
        conditions: old.conditions,
        ..DaemonSetStatus::default()
    };
    let (mut updated, mut available) = (0, 0);
    for node in &observed.nodes {
        let first = observed.on(node).first();
        if !fits(set, node).0 {
            status.number_misscheduled += i32::from(first.is_some());
            continue;
        }
        status.desired_number_scheduled += 1;
        let Some(pod) = first else { continue };
        status.current_number_scheduled += 1;
        status.number_ready += i32::from(state::is_ready(pod));
        available += i32::from(observed.is_available(set, pod));
        updated += i32::from(is_updated(pod, set, &observed.hash));
    }
    // Zeros are not written.
    let present = |count: i32| Some(count).filter(|count| *count != 0);
    status.updated_number_scheduled = present(updated);
    status.number_available = present(available);
    status.number_unavailable = present(status.desired_number_scheduled - available);
    status
}
