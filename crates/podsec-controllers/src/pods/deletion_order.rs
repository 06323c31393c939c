//! Which pods go first when there are too many.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};

use super::state::{is_active, is_ready, node_name, phase, ready_since};

/// The `count` pods that go first: those that have come least far, cost least, share their node with most of `related`,
/// and are youngest.
///
/// ```text
/// without a node < with one;  Pending < Unknown < Running;  not ready < ready;  lower deletion cost;
/// more related pods on the node;  ready for a shorter time (by powers of two);  more restarts;  younger
/// ```
pub(crate) fn first_to_go(
    mut pods: Vec<Arc<Pod>>,
    related: &[Arc<Pod>],
    count: usize,
    now: Timestamp,
) -> Vec<Arc<Pod>> {
    if count < pods.len() {
        let mut on_node: HashMap<&str, usize> = HashMap::new();
        for pod in related.iter().filter(|pod| is_active(pod)) {
            *on_node.entry(node_name(pod)).or_default() += 1;
        }
        let rank = |pod: &Pod| on_node.get(node_name(pod)).copied().unwrap_or(0);
        pods.sort_by(|a, b| compare(a, b, &rank, now));
        pods.truncate(count);
    }
    pods
}

fn compare(a: &Pod, b: &Pod, rank: &impl Fn(&Pod) -> usize, now: Timestamp) -> Ordering {
    let restarts = |pod: &Pod| {
        let status = pod.status.as_ref();
        let most = |statuses: Option<&Vec<ContainerStatus>>, counts: &dyn Fn(&str) -> bool| {
            let counted = statuses.into_iter().flatten().filter(|status| counts(&status.name));
            counted.map(|status| status.restart_count).max().unwrap_or(0)
        };
        let is_sidecar = |name: &str| {
            let containers = pod.spec.as_ref().and_then(|spec| spec.init_containers.as_ref());
            containers.into_iter().flatten().any(|container| {
                container.name == name && container.restart_policy.as_deref() == Some("Always")
            })
        };
        (
            most(status.and_then(|status| status.container_statuses.as_ref()), &|_| true),
            most(status.and_then(|status| status.init_container_statuses.as_ref()), &is_sidecar),
        )
    };
    let is_bound = |pod: &Pod| !node_name(pod).is_empty();
    is_bound(a)
        .cmp(&is_bound(b))
        .then_with(|| progress(a).cmp(&progress(b)))
        .then_with(|| is_ready(a).cmp(&is_ready(b)))
        .then_with(|| deletion_cost(a).cmp(&deletion_cost(b)))
        .then_with(|| rank(b).cmp(&rank(a)))
        .then_with(|| magnitude(ready_since(a), now).cmp(&magnitude(ready_since(b), now)))
        .then_with(|| restarts(b).cmp(&restarts(a)))
        .then_with(|| magnitude(created(a), now).cmp(&magnitude(created(b), now)))
        .then_with(|| a.metadata.uid.cmp(&b.metadata.uid))
}

/// Ages that differ by less than a factor of two do not count, so that not always the youngest go. Kubernetes asks the
/// uids at once when they differ by less; that order has circles, and this one has none.
fn magnitude(since: Option<Timestamp>, now: Timestamp) -> Option<u32> {
    let age = now.duration_since(since?).as_nanos();
    u128::try_from(age).ok().and_then(u128::checked_ilog2)
}

fn progress(pod: &Pod) -> u8 {
    match phase(pod) {
        "Unknown" => 1,
        "Running" => 2,
        _ => 0,
    }
}

fn deletion_cost(pod: &Pod) -> i32 {
    let annotations = pod.metadata.annotations.as_ref();
    let cost =
        annotations.and_then(|annotations| annotations.get("controller.kubernetes.io/pod-deletion-cost"));
    cost.and_then(|cost| cost.parse().ok()).unwrap_or(0)
}

fn created(pod: &Pod) -> Option<Timestamp> {
    pod.metadata.creation_timestamp.as_ref().map(|time| time.0)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn pod(
        name: &str,
        node: &str,
        phase: &str,
        ready: &str,
        cost: &str,
        restarts: i32,
        created: &str,
    ) -> Arc<Pod> {
        let condition = json!({"type": "Ready", "status": if ready.is_empty() { "False" } else { "True" },
            "lastTransitionTime": if ready.is_empty() { Value::Null } else { ready.into() }});
        Arc::new(
            serde_json::from_value(json!({
                "metadata": {"name": name, "uid": name, "creationTimestamp": created, "annotations":
                    {"controller.kubernetes.io/pod-deletion-cost": cost}},
                "spec": {"containers": [], "nodeName": node},
                "status": {"phase": phase, "conditions": [condition], "containerStatuses":
                    [{"name": "c", "restartCount": restarts, "image": "", "imageID": "", "ready": true}]},
            }))
            .unwrap(),
        )
    }

    #[test]
    fn pods_go_in_kubernetes_order() {
        let old = "2026-01-01T00:00:00Z";
        let day = "2026-02-01T00:00:00Z";
        let pods = vec![
            pod("longest ready", "n", "Running", old, "0", 0, old),
            pod("ready since yesterday", "n", "Running", day, "0", 0, old),
            pod("crowded", "m", "Running", old, "0", 0, old),
            pod("cheap", "n", "Running", old, "-1", 0, old),
            pod("not ready", "n", "Running", "", "0", 0, old),
            pod("not ready, restarted", "n", "Running", "", "0", 3, old),
            pod("pending on a node", "n", "Pending", "", "0", 0, old),
            pod("without a node", "", "Pending", "", "0", 0, old),
        ];
        let related: Vec<_> = (0..9).map(|_| pods[2].clone()).collect();
        let mut last = Vec::new();
        for count in 1..pods.len() {
            let gone = first_to_go(pods.clone(), &related, count, "2026-02-02T00:00:00Z".parse().unwrap());
            last.push(gone.last().unwrap().metadata.name.clone().unwrap());
        }
        assert_eq!(
            last,
            [
                "without a node",
                "pending on a node",
                "not ready, restarted",
                "not ready",
                "cheap",
                "crowded",
                "ready since yesterday"
            ]
        );
    }
}
