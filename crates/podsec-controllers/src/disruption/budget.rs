//! The status of a budget, from its pods.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec, PodDisruptionBudgetStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::ResourceExt as _;

use crate::clock::time;
use crate::int_or_percent::{Round, scaled};
use crate::pods::state::is_ready;

/// How many pods there are to be.
pub(super) struct Expected {
    pub(super) pods: i32,
    /// Whether some belong to nobody who would say so.
    pub(super) unmanaged: bool,
}

/// What there is.
pub(super) struct Observed<'a> {
    pub(super) budget: &'a PodDisruptionBudget,
    pub(super) pods: &'a [Arc<Pod>],
    pub(super) now: Timestamp,
}

/// Whether the number of pods is that which their owners want, not that of those that there are.
pub(super) fn needs_scale(spec: &PodDisruptionBudgetSpec) -> bool {
    spec.max_unavailable.is_some() || matches!(spec.min_available, Some(IntOrString::String(_)))
}

impl Observed<'_> {
    /// The status of the budget.
    pub(super) fn status(&self, expected: &Expected) -> PodDisruptionBudgetStatus {
        let spec = self.budget.spec.clone().unwrap_or_default();
        let (expected, desired) = match (&spec.max_unavailable, &spec.min_available) {
            (Some(most), _) => {
                let missing = scaled(most, expected.pods, Round::Up).unwrap_or(0);
                (expected.pods, (expected.pods - missing).max(0))
            }
            (None, Some(least)) => {
                (expected.pods, scaled(least, expected.pods, Round::Up).unwrap_or(expected.pods))
            }
            (None, None) => (0, 0),
        };
        let old = self.budget.status.clone().unwrap_or_default();
        let disrupted = self.disrupted(&old);
        let healthy = self.pods.iter().filter(|pod| {
            pod.metadata.deletion_timestamp.is_none()
                && !disrupted.contains_key(&pod.name_any())
                && is_ready(pod)
        });
        let healthy = i32::try_from(healthy.count()).unwrap_or(i32::MAX);
        let allowed = if expected <= 0 { 0 } else { (healthy - desired).max(0) };
        let generation = self.budget.metadata.generation.filter(|generation| *generation != 0);
        let (status, reason) =
            if allowed > 0 { ("True", "SufficientPods") } else { ("False", "InsufficientPods") };
        let mut conditions = old.conditions;
        set(&mut conditions, condition(status, reason, "", generation, self.now));
        PodDisruptionBudgetStatus {
            conditions,
            current_healthy: Some(healthy),
            desired_healthy: Some(desired),
            expected_pods: Some(expected),
            disruptions_allowed: Some(allowed),
            disrupted_pods: Some(disrupted).filter(|disrupted| !disrupted.is_empty()),
            observed_generation: generation,
        }
    }

    /// The pods that were evicted lately and are there yet.
    fn disrupted(&self, old: &PodDisruptionBudgetStatus) -> BTreeMap<String, Time> {
        let lately = old.disrupted_pods.iter().flatten().filter(|(name, evicted)| {
            let mut pods = self.pods.iter().filter(|pod| pod.metadata.deletion_timestamp.is_none());
            self.now.duration_since(evicted.0) <= DELETION && pods.any(|pod| pod.name_any() == **name)
        });
        lately.map(|(name, evicted)| (name.clone(), evicted.clone())).collect()
    }
}

/// The status of a budget of whose pods nobody knows how many there are to be: nothing may be evicted.
pub(super) fn failed(budget: &PodDisruptionBudget, why: &str, now: Timestamp) -> PodDisruptionBudgetStatus {
    let mut status = budget.status.clone().unwrap_or_default();
    status.disruptions_allowed = Some(0);
    let observed = status.observed_generation;
    set(&mut status.conditions, condition("False", "SyncFailed", why, observed, now));
    status
}

/// After what time an evicted pod that is still there counts again.
pub(super) fn next_check(status: &PodDisruptionBudgetStatus, now: Timestamp) -> Option<Duration> {
    let evicted = status.disrupted_pods.iter().flatten();
    let waits =
        evicted.filter_map(|(_, evicted)| Duration::try_from(DELETION - now.duration_since(evicted.0)).ok());
    waits.min().map(|wait| wait + Duration::from_secs(1))
}

fn condition(
    status: &str,
    reason: &str,
    message: &str,
    generation: Option<i64>,
    now: Timestamp,
) -> Condition {
    Condition {
        type_: "DisruptionAllowed".to_owned(),
        status: status.to_owned(),
        reason: reason.to_owned(),
        message: message.to_owned(),
        observed_generation: generation,
        last_transition_time: time(now),
    }
}

fn set(conditions: &mut Option<Vec<Condition>>, mut condition: Condition) {
    let conditions = conditions.get_or_insert_default();
    match conditions.iter_mut().find(|known| known.type_ == condition.type_) {
        Some(known) => {
            if known.status == condition.status {
                condition.last_transition_time = known.last_transition_time.clone();
            }
            *known = condition;
        }
        None => conditions.push(condition),
    }
}

/// How long an evicted pod may take to be deleted.
const DELETION: SignedDuration = SignedDuration::from_mins(2);

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn told(spec: &Value, disrupted: &Value, ready: usize, expected: i32) -> (i32, i32, i32, String) {
        let budget: PodDisruptionBudget = serde_json::from_value(json!({
            "metadata": {"name": "b", "generation": 1}, "spec": spec, "status": {"disruptedPods": disrupted}}))
        .unwrap();
        let pod = |number: usize| {
            let ready = if number < ready { "True" } else { "False" };
            let value = json!({"metadata": {"name": format!("p{number}")},
                "status": {"conditions": [{"type": "Ready", "status": ready}]}});
            Arc::new(serde_json::from_value(value).unwrap())
        };
        let pods: Vec<Arc<Pod>> = (0..3).map(pod).collect();
        let now = "2026-01-01T00:01:00Z".parse().unwrap();
        let status = Observed { budget: &budget, pods: &pods, now }
            .status(&Expected { pods: expected, unmanaged: false });
        let reason = status.conditions.unwrap()[0].reason.clone();
        (
            status.current_healthy.unwrap(),
            status.desired_healthy.unwrap(),
            status.disruptions_allowed.unwrap(),
            reason,
        )
    }

    #[test]
    fn as_many_pods_may_go_as_are_healthy_beyond_those_that_must_stay() {
        let (none, enough, few) = (json!({}), "SufficientPods".to_owned(), "InsufficientPods".to_owned());
        assert_eq!(told(&json!({"minAvailable": 2}), &none, 3, 3), (3, 2, 1, enough.clone()));
        assert_eq!(told(&json!({"minAvailable": 2}), &none, 1, 3), (1, 2, 0, few.clone()));
        assert_eq!(told(&json!({"minAvailable": "50%"}), &none, 3, 3), (3, 2, 1, enough.clone()));
        assert_eq!(told(&json!({"maxUnavailable": "34%"}), &none, 3, 3), (3, 1, 2, enough));
        assert_eq!(told(&json!({"maxUnavailable": 1}), &none, 2, 0), (2, 0, 0, few.clone()));
        // One has just been evicted; another one was to go two minutes ago.
        let evicted = json!({"p0": "2026-01-01T00:00:30Z", "p1": "2025-12-31T23:58:00Z"});
        assert_eq!(told(&json!({"minAvailable": 2}), &evicted, 3, 3), (2, 2, 0, few));
    }
}
