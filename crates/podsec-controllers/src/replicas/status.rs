//! The status of a ReplicaSet or ReplicationController.

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{ReplicaSetCondition, ReplicaSetStatus};
use k8s_openapi::api::core::v1::Pod;

use super::replicated::Replicated;
use crate::clock::time;
use crate::pods::state;
use crate::selectors::contains;

/// What there is of the pods that are wanted. `failure` is why the last of them could not be made or deleted.
pub(super) fn status<K: Replicated>(
    owner: &K,
    active: &[Arc<Pod>],
    terminating: Option<usize>,
    failure: Option<&str>,
    now: Timestamp,
) -> ReplicaSetStatus {
    let old = owner.status();
    let template = owner.template().metadata.and_then(|metadata| metadata.labels);
    let is_labelled = |pod: &Pod| contains(pod.metadata.labels.as_ref(), template.as_ref());
    let is_available = |pod: &Pod| state::is_available(pod, owner.min_ready_seconds(), now);
    let counted = |counts: &dyn Fn(&Pod) -> bool| number(active.iter().filter(|pod| counts(pod)).count());
    // Zeros are not written.
    let present = |count: i32| Some(count).filter(|count| *count != 0);
    let mut conditions = old.conditions.unwrap_or_default();
    let is_failure = |condition: &ReplicaSetCondition| condition.type_.as_deref() == Some(REPLICA_FAILURE);
    match failure {
        Some(message) if !conditions.iter().any(is_failure) => {
            let is_short = number(active.len()) < owner.replicas();
            conditions.push(ReplicaSetCondition {
                type_: Some(REPLICA_FAILURE.to_owned()),
                status: Some("True".to_owned()),
                last_transition_time: Some(time(now)),
                reason: Some(if is_short { "FailedCreate" } else { "FailedDelete" }.to_owned()),
                message: Some(message.to_owned()),
            });
        }
        Some(_) => {}
        None => conditions.retain(|condition| !is_failure(condition)),
    }
    ReplicaSetStatus {
        replicas: number(active.len()),
        fully_labeled_replicas: present(counted(&is_labelled)),
        ready_replicas: present(counted(&state::is_ready)),
        available_replicas: present(counted(&is_available)),
        terminating_replicas: terminating.map(number),
        observed_generation: owner.meta().generation.filter(|generation| *generation != 0),
        conditions: Some(conditions).filter(|conditions| !conditions.is_empty()),
    }
}

fn number(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

const REPLICA_FAILURE: &str = "ReplicaFailure";

#[cfg(test)]
mod tests {
    use k8s_openapi::api::apps::v1::ReplicaSet;
    use serde_json::{Value, json};

    use super::*;

    fn owner(status: &Value) -> ReplicaSet {
        serde_json::from_value(json!({
            "metadata": {"name": "web", "namespace": "n", "generation": 2},
            "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "web"}},
                "template": {"metadata": {"labels": {"app": "web"}}}},
            "status": status,
        }))
        .unwrap()
    }

    fn pod(ready: &str, label: &str) -> Arc<Pod> {
        Arc::new(
            serde_json::from_value(json!({
                "metadata": {"labels": {"app": label}},
                "status": {"conditions": [{"type": "Ready", "status": ready}]},
            }))
            .unwrap(),
        )
    }

    fn told(owner: &ReplicaSet, pods: &[Arc<Pod>], failure: Option<&str>) -> Value {
        let status = status(owner, pods, Some(1), failure, Timestamp::UNIX_EPOCH);
        serde_json::to_value(status).unwrap()
    }

    #[test]
    fn pods_are_counted() {
        let pods = [pod("True", "web"), pod("False", "web"), pod("True", "other")];
        assert_eq!(
            told(&owner(&json!({"replicas": 0})), &pods, None),
            json!({"replicas": 3, "fullyLabeledReplicas": 2, "readyReplicas": 2, "availableReplicas": 2,
                "terminatingReplicas": 1, "observedGeneration": 2})
        );
    }

    #[test]
    fn a_refusal_becomes_a_condition_that_stays_until_all_is_well() {
        let failed = told(&owner(&json!({"replicas": 0})), &[], Some("forbidden: no"));
        assert_eq!(
            failed["conditions"],
            json!([{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate",
                "message": "forbidden: no", "lastTransitionTime": "1970-01-01T00:00:00Z"}])
        );
        let again = told(&owner(&failed), &[], Some("forbidden: another pod"));
        assert_eq!(again["conditions"], failed["conditions"]);
        assert_eq!(told(&owner(&failed), &[], None).get("conditions"), None);
    }
}
