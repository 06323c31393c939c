//! Rolling updates: the new ReplicaSet grows as the surge lets it, and the old ones shrink as far as enough pods are
//! available.

use k8s_openapi::api::apps::v1::ReplicaSet;

use super::planner::{Planner, Sets};
use super::sizes::{available, available_of, max_unavailable, new_size, replicas_of, total, wanted};
use super::status;

/// One step of a rolling update.
pub(super) fn plan(planner: &mut Planner, sets: &mut Sets) {
    if sets.new.is_none() {
        planner.create_new(sets);
    }
    if !grow_new(planner, sets)
        && !shrink_old(planner, sets)
        && status::is_complete(&planner.deployment, None)
    {
        planner.forget_history(sets);
    }
    planner.write_rollout_status(sets);
}

/// Whether the new ReplicaSet gets another size.
fn grow_new(planner: &mut Planner, sets: &Sets) -> bool {
    let Some(new) = &sets.new else { return false };
    let (size, wanted) = (replicas_of(new), wanted(&planner.deployment));
    let size = if size > wanted { wanted } else { new_size(&planner.deployment, total(sets.all()), size) };
    replicas_of(new) != wanted && planner.scale(new, size)
}

/// Whether an old ReplicaSet gets smaller: first those whose pods are not available anyway, then as many as may be missing.
fn shrink_old(planner: &mut Planner, sets: &Sets) -> bool {
    let Some(new) = &sets.new else { return false };
    let min_available = wanted(&planner.deployment) - max_unavailable(&planner.deployment);
    let new_unavailable = replicas_of(new) - available_of(new);
    let mut budget = total(sets.all()) - min_available - new_unavailable;
    let mut old: Vec<(&ReplicaSet, i32)> =
        sets.old.iter().map(|set| (set, replicas_of(set))).filter(|(_, size)| *size > 0).collect();
    if budget <= 0 || old.is_empty() {
        return false;
    }
    // Pods that are not available are no loss.
    for (set, size) in &mut old {
        let surplus = (*size - available_of(set)).clamp(0, budget.max(0));
        if surplus > 0 && planner.scale(set, *size - surplus) {
            *size -= surplus;
            budget -= surplus;
        }
    }
    let mut spare = available(sets.all()) - min_available;
    let mut shrunk = old.iter().any(|(set, size)| replicas_of(set) != *size);
    for (set, size) in old {
        let less = size.min(spare);
        if less > 0 {
            let mut current = set.clone();
            current.spec.replicas = Some(size);
            shrunk |= planner.scale(&current, size - less);
            spare -= less;
        }
    }
    shrunk
}
