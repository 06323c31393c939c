//! On which nodes a DaemonSet lacks a pod, and which of its pods are too many.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::DaemonSet;
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::ResourceExt as _;

use super::failures::Failures;
use super::pods::{self, is_updated, target_node};
use crate::events::EventType;
use crate::int_or_percent::{Round, scaled};
use crate::nodes;
use crate::pods::state;

/// What there is.
pub(super) struct Observed {
    pub(super) nodes: Vec<Arc<Node>>,
    /// The pods of the DaemonSet by the node that they are for.
    pub(super) pods: BTreeMap<String, Vec<Arc<Pod>>>,
    /// The hash of the revision that pods are to have.
    pub(super) hash: String,
    pub(super) now: Timestamp,
}

/// What is to be done.
#[derive(Default)]
pub(super) struct Plan {
    /// The nodes that get a pod.
    pub(super) create: Vec<String>,
    pub(super) delete: Vec<Arc<Pod>>,
    /// What people are told first.
    pub(super) told: Vec<(EventType, &'static str, String)>,
    /// When to look again even if nothing changes.
    pub(super) next: Option<Duration>,
}

impl Plan {
    pub(super) fn is_empty(&self) -> bool {
        self.create.is_empty() && self.delete.is_empty()
    }
}

impl Observed {
    pub(super) fn new(nodes: Vec<Arc<Node>>, all: Vec<Arc<Pod>>, hash: String, now: Timestamp) -> Self {
        let mut pods: BTreeMap<String, Vec<Arc<Pod>>> = BTreeMap::new();
        for pod in all {
            let has_ended = state::is_terminal(&pod) && pod.metadata.deletion_timestamp.is_some();
            if let Some(node) = target_node(&pod).filter(|_| !has_ended) {
                pods.entry(node.to_owned()).or_default().push(pod);
            }
        }
        for pods in pods.values_mut() {
            pods.sort_by_key(|pod| {
                (
                    state::node_name(pod).is_empty(),
                    pod.creation_timestamp().map(|time| time.0),
                    pod.name_any(),
                )
            });
        }
        Self { nodes, pods, hash, now }
    }

    pub(super) fn on(&self, node: &Node) -> &[Arc<Pod>] {
        node.metadata.name.as_ref().and_then(|name| self.pods.get(name)).map_or(&[], Vec::as_slice)
    }

    /// Gives every node its pod.
    pub(super) fn manage(&self, set: &DaemonSet, failures: &mut Failures) -> Plan {
        let mut plan = Plan::default();
        for node in &self.nodes {
            self.manage_node(set, node, failures, &mut plan);
        }
        // Pods for nodes that are gone will never be bound.
        for (node, pods) in &self.pods {
            if !self.nodes.iter().any(|known| known.metadata.name.as_ref() == Some(node)) {
                plan.delete.extend(pods.iter().filter(|pod| state::node_name(pod).is_empty()).cloned());
            }
        }
        plan
    }

    fn manage_node(&self, set: &DaemonSet, node: &Node, failures: &mut Failures, plan: &mut Plan) {
        let (should_run, should_stay) = fits(set, node);
        let pods = self.on(node);
        if should_run && pods.is_empty() {
            plan.create.push(node.name_any());
            return;
        }
        let alive = pods.iter().filter(|pod| pod.metadata.deletion_timestamp.is_none());
        if !should_stay {
            plan.delete.extend(alive.cloned());
            return;
        }
        let mut running = Vec::new();
        for pod in alive {
            let name = format!("{}/{}", pod.namespace().unwrap_or_default(), pod.name_any());
            let node = node.name_any();
            match state::phase(pod) {
                "Failed" => {
                    if let Some(wait) = failures.next(set, &node, self.now) {
                        plan.next = Some(plan.next.map_or(wait, |next| next.min(wait)));
                        continue;
                    }
                    let message =
                        format!("Found failed daemon pod {name} on node {node}, will try to kill it");
                    plan.told.push((EventType::Warning, "FailedDaemonPod", message));
                    plan.delete.push(Arc::clone(pod));
                }
                "Succeeded" => {
                    let message =
                        format!("Found succeeded daemon pod {name} on node {node}, will try to delete it");
                    plan.told.push((EventType::Normal, "SucceededDaemonPod", message));
                    plan.delete.push(Arc::clone(pod));
                }
                _ => running.push(Arc::clone(pod)),
            }
        }
        if surge(set, 1) == 0 {
            plan.delete.extend(running.into_iter().skip(1));
        } else if running.is_empty() && should_run {
            plan.create.push(node.name_any());
        } else if running.len() > 1 {
            self.settle_surge(set, running, plan);
        }
    }

    /// Of an old and a new pod on one node the old one goes once the new one is available, or it is not ready itself.
    fn settle_surge(&self, set: &DaemonSet, running: Vec<Arc<Pod>>, plan: &mut Plan) {
        let (mut new, mut old): (Vec<_>, Vec<_>) =
            running.into_iter().partition(|pod| pods::revision(pod) == self.hash);
        plan.delete.extend(new.drain(new.len().min(1)..).chain(old.drain(old.len().min(1)..)));
        if let (Some(new), Some(old)) = (new.pop(), old.pop())
            && (!state::is_ready(&old) || self.is_available(set, &new))
        {
            plan.delete.push(old);
        }
    }

    /// Replaces pods of older revisions, as many at a time as may be missing or too many.
    pub(super) fn update(&self, set: &DaemonSet) -> Plan {
        let wanted = self.nodes.iter().filter(|node| fits(set, node).0).count();
        let wanted = i32::try_from(wanted).unwrap_or(i32::MAX);
        let surge = surge(set, wanted);
        let mut unavailable = unavailable(set, wanted);
        if surge == 0 && unavailable == 0 && wanted > 0 {
            unavailable = 1;
        }
        if surge == 0 { self.replace(set, unavailable) } else { self.surge(set, surge, wanted) }
    }

    fn replace(&self, set: &DaemonSet, limit: usize) -> Plan {
        let mut plan = Plan::default();
        let mut missing = 0;
        let mut candidates = Vec::new();
        let lacking = self.nodes.iter().filter(|node| fits(set, node).0 && self.on(node).is_empty());
        missing += lacking.count();
        for pods in self.pods.values() {
            match self.new_and_old(set, pods) {
                Some((Some(new), None)) => missing += usize::from(!self.is_available(set, &new)),
                Some((None, Some(old))) if !self.is_available(set, &old) => {
                    plan.delete.push(old);
                    missing += 1;
                }
                Some((None, Some(old))) => candidates.push(old),
                _ => missing += 1,
            }
        }
        plan.delete.extend(candidates.into_iter().take(limit.saturating_sub(missing)));
        plan
    }

    fn surge(&self, set: &DaemonSet, limit: usize, wanted: i32) -> Plan {
        let mut plan = Plan::default();
        let (mut surging, mut available) = (0, 0_usize);
        let (mut candidates, mut unwanted) = (Vec::new(), Vec::new());
        for (name, pods) in &self.pods {
            let Some((new, old)) = self.new_and_old(set, pods) else {
                surging += 1;
                continue;
            };
            if old.as_ref().or(new.as_ref()).is_some_and(|pod| self.is_available(set, pod)) {
                available += 1;
            }
            let Some(old) = old else { continue };
            let node = self.nodes.iter().find(|node| node.metadata.name.as_ref() == Some(name));
            let should_run = node.is_some_and(|node| fits(set, node).0);
            match new {
                Some(new) if self.is_available(set, &new) => plan.delete.push(old),
                Some(_) => surging += 1,
                None if !should_run && self.is_available(set, &old) => unwanted.push(old),
                None if !should_run => plan.delete.push(old),
                None if !self.is_available(set, &old) => plan.create.push(name.clone()),
                None => candidates.push(name.clone()),
            }
        }
        let surplus = available.saturating_sub(usize::try_from(wanted).unwrap_or(0));
        plan.delete.extend(unwanted.into_iter().take(surplus));
        plan.create.extend(candidates.into_iter().take(limit.saturating_sub(surging)));
        plan
    }

    /// The pod of the newest revision and the one of an older one; nothing when there are two of a kind.
    fn new_and_old(&self, set: &DaemonSet, pods: &[Arc<Pod>]) -> Option<NewAndOld> {
        let (mut new, mut old) = (None, None);
        for pod in pods.iter().filter(|pod| pod.metadata.deletion_timestamp.is_none()) {
            let place = if is_updated(pod, set, &self.hash) { &mut new } else { &mut old };
            if place.replace(Arc::clone(pod)).is_some() {
                return None;
            }
        }
        Some((new, old))
    }

    pub(super) fn is_available(&self, set: &DaemonSet, pod: &Pod) -> bool {
        state::is_available(pod, set.spec.min_ready_seconds.unwrap_or(0), self.now)
    }
}

/// The pod of the newest revision on a node, and the one of an older one.
type NewAndOld = (Option<Arc<Pod>>, Option<Arc<Pod>>);

/// Whether a pod of the DaemonSet is to run on a node, and whether one that runs there may stay.
pub(super) fn fits(set: &DaemonSet, node: &Node) -> (bool, bool) {
    let template = pods::template(set, "");
    let spec = template.spec.unwrap_or_default();
    let is_named = spec.node_name.as_deref().is_none_or(|name| name.is_empty() || name == node.name_any());
    if !is_named || !nodes::selects(&spec, node) {
        return (false, false);
    }
    let taints = node.spec.as_ref().and_then(|spec| spec.taints.as_deref()).unwrap_or_default();
    let tolerations = spec.tolerations.as_deref().unwrap_or_default();
    let may_stay = nodes::untolerated(taints, tolerations, &["NoExecute"]).is_none();
    (may_stay && nodes::untolerated(taints, tolerations, &["NoSchedule"]).is_none(), may_stay)
}

/// The pods that there may be beyond one on each node.
fn surge(set: &DaemonSet, wanted: i32) -> usize {
    let strategy = set.spec.update_strategy.as_ref();
    let rolling = strategy.and_then(|strategy| strategy.rolling_update.as_ref());
    let surge = rolling.and_then(|rolling| scaled(rolling.max_surge.as_ref()?, wanted, Round::Up));
    surge.and_then(|surge| usize::try_from(surge).ok()).unwrap_or(0)
}

fn unavailable(set: &DaemonSet, wanted: i32) -> usize {
    let strategy = set.spec.update_strategy.as_ref();
    let rolling = strategy.and_then(|strategy| strategy.rolling_update.as_ref());
    let share = rolling.and_then(|rolling| scaled(rolling.max_unavailable.as_ref()?, wanted, Round::Up));
    share.and_then(|share| usize::try_from(share).ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn set(strategy: &Value) -> DaemonSet {
        serde_json::from_value(json!({
            "metadata": {"name": "agent", "namespace": "n", "uid": "u"},
            "spec": {"selector": {}, "updateStrategy": strategy, "template": {"spec": {"containers": []}}},
        }))
        .unwrap()
    }

    fn rolling(surge: i32, unavailable: i32) -> Value {
        json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}})
    }

    fn node(name: &str, taint: Option<&str>) -> Arc<Node> {
        let taints = taint.map(|effect| json!([{"key": "k", "effect": effect}]));
        Arc::new(
            serde_json::from_value(json!({"metadata": {"name": name}, "spec": {"taints": taints}})).unwrap(),
        )
    }

    fn pod(name: &str, node: &str, revision: &str, phase: &str) -> Arc<Pod> {
        let ready = if phase == "Running" { "True" } else { "False" };
        Arc::new(
            serde_json::from_value(json!({
                "metadata": {"name": name, "namespace": "n", "labels": {"controller-revision-hash": revision}},
                "spec": {"containers": [], "nodeName": node},
                "status": {"phase": phase, "conditions": [{"type": "Ready", "status": ready}]},
            }))
            .unwrap(),
        )
    }

    fn told(plan: &Plan) -> (Vec<String>, Vec<String>) {
        (plan.create.clone(), plan.delete.iter().map(|pod| pod.name_any()).collect())
    }

    fn observed(nodes: Vec<Arc<Node>>, pods: Vec<Arc<Pod>>) -> Observed {
        Observed::new(nodes, pods, "new".to_owned(), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn every_node_that_fits_has_one_pod() {
        let nodes = vec![
            node("a", None),
            node("b", None),
            node("c", Some("NoSchedule")),
            node("d", Some("NoExecute")),
        ];
        let pods = vec![
            pod("b1", "b", "new", "Running"),
            pod("b2", "b", "new", "Running"),
            pod("c1", "c", "new", "Running"),
            pod("d1", "d", "new", "Running"),
        ];
        let plan = observed(nodes, pods).manage(&set(&rolling(0, 1)), &mut Failures::default());
        assert_eq!(told(&plan), (vec!["a".to_owned()], vec!["b2".to_owned(), "d1".to_owned()]));
    }

    #[test]
    fn a_failed_pod_is_replaced_and_another_one_a_little_later() {
        let failed = || observed(vec![node("a", None)], vec![pod("a1", "a", "new", "Failed")]);
        let (set, mut failures) = (set(&rolling(0, 1)), Failures::default());
        let plan = failed().manage(&set, &mut failures);
        assert_eq!(told(&plan), (vec![], vec!["a1".to_owned()]));
        assert_eq!(plan.told[0].2, "Found failed daemon pod n/a1 on node a, will try to kill it");
        let plan = failed().manage(&set, &mut failures);
        assert!(plan.is_empty());
        assert_eq!(plan.next, Some(Duration::from_secs(1)));
    }

    #[test]
    fn pods_of_an_older_revision_are_replaced_a_few_at_a_time() {
        let nodes = || vec![node("a", None), node("b", None), node("c", None)];
        let old = |phase| ["a", "b", "c"].map(|node| pod(node, node, "old", phase)).to_vec();
        let update = |strategy: Value, pods| told(&observed(nodes(), pods).update(&set(&strategy)));
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(update(rolling(0, 1), old("Running")), (vec![], names(&["a"])));
        assert_eq!(update(rolling(0, 2), old("Running")), (vec![], names(&["a", "b"])));
        // What is not available is no loss.
        assert_eq!(update(rolling(0, 1), old("Pending")), (vec![], names(&["a", "b", "c"])));
        // One is missing already.
        assert_eq!(update(rolling(0, 1), old("Running")[1..].to_vec()), (vec![], vec![]));
        assert_eq!(update(rolling(2, 0), old("Running")), (names(&["a", "b"]), vec![]));
        let mut surging = old("Running");
        surging.push(pod("new", "a", "new", "Running"));
        assert_eq!(update(rolling(1, 0), surging), (names(&["b"]), names(&["a"])));
    }
}
