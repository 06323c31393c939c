//! How many pods a Deployment wants, may have beyond that, and may lack.

use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use crate::int_or_percent::{Round, scaled};

/// The pods that are wanted.
pub(super) fn wanted(deployment: &Deployment) -> i32 {
    deployment.spec.replicas.unwrap_or(1)
}

/// The size of a ReplicaSet.
pub(super) fn replicas_of(set: &ReplicaSet) -> i32 {
    set.spec.replicas.unwrap_or(1)
}

/// The sizes of ReplicaSets together.
pub(super) fn total<'a>(sets: impl IntoIterator<Item = &'a ReplicaSet>) -> i32 {
    sets.into_iter().map(replicas_of).fold(0, i32::saturating_add)
}

/// The available pods of ReplicaSets together.
pub(super) fn available<'a>(sets: impl IntoIterator<Item = &'a ReplicaSet>) -> i32 {
    sets.into_iter().map(available_of).fold(0, i32::saturating_add)
}

/// The available pods of a ReplicaSet.
pub(super) fn available_of(set: &ReplicaSet) -> i32 {
    set.status.as_ref().and_then(|status| status.available_replicas).unwrap_or(0)
}

/// Whether pods are replaced a few at a time, not all at once.
pub(super) fn is_rolling(deployment: &Deployment) -> bool {
    let strategy = deployment.spec.strategy.as_ref().and_then(|strategy| strategy.type_.as_deref());
    strategy != Some("Recreate")
}

/// Whether progress is expected within some time.
pub(super) fn has_deadline(deployment: &Deployment) -> bool {
    deployment.spec.progress_deadline_seconds.is_some_and(|seconds| seconds != i32::MAX)
}

/// The pods that there may be beyond those that are wanted.
pub(super) fn max_surge(deployment: &Deployment) -> i32 {
    if is_rolling(deployment) { fenceposts(deployment).0 } else { 0 }
}

/// The pods that may be missing.
pub(super) fn max_unavailable(deployment: &Deployment) -> i32 {
    let wanted = wanted(deployment);
    if is_rolling(deployment) && wanted != 0 { fenceposts(deployment).1.min(wanted) } else { 0 }
}

/// Surge and what may be missing. They are never both zero, or nothing could ever move.
fn fenceposts(deployment: &Deployment) -> (i32, i32) {
    let rolling = deployment.spec.strategy.as_ref().and_then(|strategy| strategy.rolling_update.as_ref());
    let wanted = wanted(deployment);
    let share = |value: Option<&IntOrString>, round| {
        value.and_then(|value| scaled(value, wanted, round)).unwrap_or(0)
    };
    let surge = share(rolling.and_then(|rolling| rolling.max_surge.as_ref()), Round::Up);
    let unavailable = share(rolling.and_then(|rolling| rolling.max_unavailable.as_ref()), Round::Down);
    if surge == 0 && unavailable == 0 { (0, 1) } else { (surge, unavailable) }
}

/// The size of the new ReplicaSet, as far as the surge lets it grow beside the others.
pub(super) fn new_size(deployment: &Deployment, all: i32, new: i32) -> i32 {
    let wanted = wanted(deployment);
    if !is_rolling(deployment) {
        return wanted;
    }
    let rolling = deployment.spec.strategy.as_ref().and_then(|strategy| strategy.rolling_update.as_ref());
    let surge = rolling.and_then(|rolling| rolling.max_surge.as_ref());
    let surge = surge.and_then(|surge| scaled(surge, wanted, Round::Up)).unwrap_or(0);
    let most = wanted.saturating_add(surge);
    if all >= most { new } else { new + (most - all).min(wanted - new) }
}
