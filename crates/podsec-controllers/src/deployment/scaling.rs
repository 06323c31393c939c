//! Another number of replicas: shared out among all ReplicaSets in proportion, so that a rollout neither gains nor loses.

use std::cmp::Reverse;

use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};

use super::new_replica_set::created;
use super::planner::{Planner, Sets};
use super::{revisions, sizes};

/// Whether the Deployment has another size than when its ReplicaSets were scaled last.
pub(super) fn is_needed(deployment: &Deployment, sets: &Sets) -> bool {
    let mut active = sets.all().filter(|set| sizes::replicas_of(set) > 0);
    active.any(|set| {
        revisions::number(set, revisions::DESIRED).is_some_and(|desired| desired != sizes::wanted(deployment))
    })
}

/// Gives the ReplicaSets their sizes.
pub(super) fn plan(planner: &mut Planner, sets: &Sets) {
    let wanted = sizes::wanted(&planner.deployment);
    let mut active: Vec<&ReplicaSet> = sets.all().filter(|set| sizes::replicas_of(set) > 0).collect();
    match active.as_slice() {
        [] => {
            if let Some(latest) = sets.new.as_ref().or(sets.old.last()) {
                planner.scale(latest, wanted);
            }
            return;
        }
        [only] => {
            planner.scale(only, wanted);
            return;
        }
        _ => {}
    }
    if is_saturated(&planner.deployment, sets.new.as_ref()) {
        for old in sets.old.iter().filter(|set| sizes::replicas_of(set) > 0) {
            planner.scale(old, 0);
        }
        return;
    }
    if !sizes::is_rolling(&planner.deployment) {
        return;
    }
    let most = if wanted > 0 { wanted.saturating_add(sizes::max_surge(&planner.deployment)) } else { 0 };
    let to_add = most - sizes::total(active.iter().copied());
    if to_add > 0 {
        // The larger first, of those as large the newer.
        active.sort_by_key(|set| (Reverse(sizes::replicas_of(set)), Reverse(created(set))));
    } else if to_add < 0 {
        active.sort_by_key(|set| (Reverse(sizes::replicas_of(set)), created(set)));
    }
    let mut added = 0;
    let mut shares = Vec::new();
    for set in &active {
        let share = proportion(set, &planner.deployment, to_add, added);
        added += share;
        shares.push(sizes::replicas_of(set) + share);
    }
    for (index, (set, mut size)) in active.into_iter().zip(shares).enumerate() {
        if index == 0 && to_add != 0 {
            // What rounding has left over.
            size = (size + to_add - added).max(0);
        }
        planner.scale_always(set, size);
    }
}

fn proportion(set: &ReplicaSet, deployment: &Deployment, to_add: i32, added: i32) -> i32 {
    if to_add == 0 || to_add == added {
        return 0;
    }
    let fraction = fraction(set, deployment);
    if to_add > 0 { fraction.min(to_add - added) } else { fraction.max(to_add - added) }
}

/// By how much a ReplicaSet would change if it kept its share of all pods.
fn fraction(set: &ReplicaSet, deployment: &Deployment) -> i32 {
    let size = sizes::replicas_of(set);
    let wanted = sizes::wanted(deployment);
    if wanted == 0 {
        return -size;
    }
    let most = i64::from(wanted) + i64::from(sizes::max_surge(deployment));
    let before = revisions::number(set, revisions::MOST).filter(|most| *most != 0);
    let before = before.or_else(|| deployment.status.as_ref()?.replicas).filter(|before| *before != 0);
    let Some(before) = before.map(i64::from) else { return 0 };
    // Rounded to the nearest, halves up.
    let rounded = (i64::from(size) * most * 2 + before).div_euclid(before * 2);
    i32::try_from(rounded - i64::from(size)).unwrap_or(0)
}

fn is_saturated(deployment: &Deployment, new: Option<&ReplicaSet>) -> bool {
    let wanted = sizes::wanted(deployment);
    new.is_some_and(|new| {
        sizes::replicas_of(new) == wanted
            && revisions::number(new, revisions::DESIRED) == Some(wanted)
            && sizes::available_of(new) == wanted
    })
}
