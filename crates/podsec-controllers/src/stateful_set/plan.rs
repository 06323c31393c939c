//! What is to be done about the pods of a StatefulSet.

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::{StatefulSet, StatefulSetStatus};
use k8s_openapi::api::core::v1::{Pod, PodTemplateSpec};

use super::pods::{self, first, is_wanted, ordinal, wanted};
use crate::pods::state::{is_available, is_ready, phase};

/// A template and the name of the revision that holds it.
#[derive(Clone, Debug, Default)]
pub(super) struct Revision {
    pub(super) name: String,
    pub(super) template: PodTemplateSpec,
}

/// What there is.
pub(super) struct Observed<'a> {
    pub(super) set: &'a StatefulSet,
    /// The revision that pods have had, and the one that they are to have.
    pub(super) current: Revision,
    pub(super) update: Revision,
    pub(super) collisions: i32,
    pub(super) pods: Vec<Arc<Pod>>,
    pub(super) now: Timestamp,
}

/// One thing to do.
#[derive(Debug, PartialEq)]
pub(super) enum Step {
    /// Makes a pod of this number, and its claims before.
    Create(Box<Pod>, i32),
    /// Makes the claims of a pod that waits for them.
    Claim(Arc<Pod>, i32),
    /// Puts labels and volumes right.
    Correct(Box<Pod>, i32),
    Delete(Arc<Pod>),
}

/// What is to be done, in this order, until something fails.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) steps: Vec<Step>,
    /// How many of the deleted pods are replaced by ones of another revision.
    pub(super) updated: i32,
}

impl Observed<'_> {
    /// What is to be done.
    ///
    /// ```text
    /// one after the other, first to last: make it, then wait until it is available
    /// ─► too many, last to first: delete it, then wait until it is gone
    /// ─► of an older revision, last to first: delete it, then wait until the new one is available
    /// ```
    /// With the policy `Parallel` nobody waits for others.
    pub(super) fn plan(&self) -> Plan {
        let mut plan = Plan::default();
        if self.set.metadata.deletion_timestamp.is_some() {
            return plan;
        }
        let is_parallel = self.set.spec.pod_management_policy.as_deref() == Some("Parallel");
        let replicas = self.replicas();
        for (number, pod) in &replicas {
            if self.settle(*number, pod.as_ref(), &mut plan) && !is_parallel {
                return plan;
            }
        }
        if self.condemn(&replicas, is_parallel, &mut plan) && !is_parallel {
            return plan;
        }
        let strategy = self.set.spec.update_strategy.as_ref();
        if strategy.and_then(|strategy| strategy.type_.as_deref()) != Some("OnDelete") {
            self.replace(&replicas, &mut plan);
        }
        plan
    }

    /// The pods that are wanted, by number.
    fn replicas(&self) -> Vec<(i32, Option<Arc<Pod>>)> {
        let numbers = first(self.set)..first(self.set).saturating_add(wanted(self.set));
        let with = |number| self.pods.iter().find(|pod| ordinal(self.set, pod) == Some(number)).cloned();
        numbers.map(|number| (number, with(number))).collect()
    }

    /// Sees to one pod. Whether the others wait for it.
    fn settle(&self, number: i32, pod: Option<&Arc<Pod>>, plan: &mut Plan) -> bool {
        let Some(pod) = pod else {
            plan.steps.push(Step::Create(Box::new(self.new_pod(number)), number));
            return true;
        };
        let is_ending = pod.metadata.deletion_timestamp.is_some();
        if matches!(phase(pod), "Failed" | "Succeeded") {
            if !is_ending {
                plan.steps.push(Step::Delete(Arc::clone(pod)));
            }
            return true;
        }
        if phase(pod) == "Pending" && self.set.spec.volume_claim_templates.is_some() {
            plan.steps.push(Step::Claim(Arc::clone(pod), number));
        }
        if is_ending || !is_running_and_ready(pod) || !self.is_available(pod) {
            return true;
        }
        if !pods::is_consistent(self.set, pod, number) {
            let mut corrected = Pod::clone(pod);
            pods::identify(&mut corrected, number);
            pods::give_claims(self.set, &mut corrected, number);
            plan.steps.push(Step::Correct(Box::new(corrected), number));
        }
        false
    }

    /// A new pod is of the older revision where the update has not come to yet.
    fn new_pod(&self, number: i32) -> Pod {
        let strategy = self.set.spec.update_strategy.as_ref();
        let is_rolling = strategy.and_then(|strategy| strategy.type_.as_deref()) != Some("OnDelete");
        let rolling = strategy.and_then(|strategy| strategy.rolling_update.as_ref());
        let kept = match rolling {
            Some(rolling) => rolling.partition.unwrap_or(0),
            None => self.set.status.as_ref().and_then(|status| status.current_replicas).unwrap_or(0),
        };
        let is_kept = is_rolling && number < first(self.set).saturating_add(kept);
        let revision = if is_kept { &self.current } else { &self.update };
        pods::pod(self.set, &revision.template, &revision.name, number)
    }

    /// Deletes pods that are too many, the last first. Whether the others wait for one.
    fn condemn(&self, replicas: &[(i32, Option<Arc<Pod>>)], is_parallel: bool, plan: &mut Plan) -> bool {
        let numbered = self.pods.iter().filter_map(|pod| Some((ordinal(self.set, pod)?, pod)));
        let mut condemned: Vec<_> = numbered.filter(|(number, _)| !is_wanted(self.set, *number)).collect();
        condemned.sort_by_key(|(number, _)| *number);
        let is_unavailable =
            |pod: &Arc<Pod>| !self.is_available(pod) || pod.metadata.deletion_timestamp.is_some();
        let all_are_well =
            replicas.iter().all(|(_, pod)| pod.as_ref().is_some_and(|pod| !is_unavailable(pod)));
        let first_unwell = condemned.iter().find(|(_, pod)| all_are_well && is_unavailable(pod));
        let first_unwell = first_unwell.map(|(_, pod)| Arc::clone(pod));
        for (_, pod) in condemned.into_iter().rev() {
            let is_ending = pod.metadata.deletion_timestamp.is_some();
            let is_first = first_unwell.as_ref().is_some_and(|first| Arc::ptr_eq(first, pod));
            let waits = is_ending || (!is_running_and_ready(pod) || !self.is_available(pod)) && !is_first;
            if waits && !is_parallel {
                return true;
            }
            if !is_ending {
                plan.steps.push(Step::Delete(Arc::clone(pod)));
                if !is_parallel {
                    return true;
                }
            }
        }
        false
    }

    /// Deletes the last pod of an older revision, once those after it are available. `maxUnavailable` is behind a gate that
    /// is off, and the API server drops it.
    fn replace(&self, replicas: &[(i32, Option<Arc<Pod>>)], plan: &mut Plan) {
        let strategy = self.set.spec.update_strategy.as_ref();
        let rolling = strategy.and_then(|strategy| strategy.rolling_update.as_ref());
        let partition = rolling.and_then(|rolling| rolling.partition).unwrap_or(0);
        let kept = usize::try_from(partition).unwrap_or(0);
        for (_, pod) in replicas.iter().skip(kept).rev() {
            let Some(pod) = pod else { return };
            let is_ending = pod.metadata.deletion_timestamp.is_some();
            if pods::revision(pod) != self.update.name && !is_ending {
                plan.steps.push(Step::Delete(Arc::clone(pod)));
                plan.updated += 1;
                return;
            }
            if is_ending || !self.is_available(pod) {
                return;
            }
        }
    }

    fn is_available(&self, pod: &Pod) -> bool {
        is_available(pod, self.set.spec.min_ready_seconds.unwrap_or(0), self.now)
    }

    /// The status after `updated` pods have been deleted to be replaced.
    pub(super) fn status(&self, updated: i32) -> StatefulSetStatus {
        let count = |counts: &dyn Fn(&Pod) -> bool| {
            let counted = self.pods.iter().filter(|pod| ordinal(self.set, pod).is_some() && counts(pod));
            i32::try_from(counted.count()).unwrap_or(i32::MAX)
        };
        // Zeros are not written.
        let present = |count: i32| Some(count).filter(|count| *count != 0);
        let of = |name: &str| {
            count(&|pod| pod.metadata.deletion_timestamp.is_none() && pods::revision(pod) == name)
        };
        let ready = count(&is_running_and_ready);
        let mut status = StatefulSetStatus {
            observed_generation: self.set.metadata.generation.filter(|generation| *generation != 0),
            replicas: count(&|_| true),
            ready_replicas: present(ready),
            available_replicas: Some(count(&|pod| is_running_and_ready(pod) && self.is_available(pod))),
            current_replicas: present(of(&self.current.name) - updated),
            updated_replicas: present(of(&self.update.name)),
            current_revision: Some(self.current.name.clone()),
            update_revision: Some(self.update.name.clone()),
            collision_count: Some(self.collisions),
            conditions: None,
        };
        let wanted = wanted(self.set);
        let strategy = self.set.spec.update_strategy.as_ref();
        let is_rolling = strategy.and_then(|strategy| strategy.type_.as_deref()) != Some("OnDelete");
        if is_rolling
            && status.updated_replicas.unwrap_or(0) == wanted
            && ready == wanted
            && status.replicas == wanted
        {
            status.current_replicas = status.updated_replicas;
            status.current_revision.clone_from(&status.update_revision);
        }
        status
    }
}

fn is_running_and_ready(pod: &Pod) -> bool {
    phase(pod) == "Running" && is_ready(pod)
}

/// Whether a status says something else than another, but for the count of collisions.
pub(super) fn differs(new: &StatefulSetStatus, old: Option<&StatefulSetStatus>) -> bool {
    let mut old = old.cloned().unwrap_or_default();
    old.collision_count = new.collision_count;
    old.conditions.clone_from(&new.conditions);
    old.available_replicas = Some(old.available_replicas.unwrap_or(0));
    *new != old
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn set(spec: &Value) -> StatefulSet {
        let mut value = json!({"metadata": {"name": "db", "namespace": "n", "uid": "u"}, "spec": {
            "replicas": 3, "selector": {"matchLabels": {"app": "db"}}, "serviceName": "db", "template": {}}});
        for (name, field) in spec.as_object().unwrap() {
            value["spec"][name] = field.clone();
        }
        serde_json::from_value(value).unwrap()
    }

    fn pod(name: &str, revision: &str, ready: bool) -> Arc<Pod> {
        let ready = if ready { "True" } else { "False" };
        Arc::new(
            serde_json::from_value(json!({
                "metadata": {"name": name, "labels": {
                    "controller-revision-hash": revision, "statefulset.kubernetes.io/pod-name": name}},
                "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": ready}]},
            }))
            .unwrap(),
        )
    }

    fn steps(set: &StatefulSet, pods: Vec<Arc<Pod>>) -> Vec<String> {
        let revision = |name: &str| Revision { name: name.to_owned(), template: PodTemplateSpec::default() };
        let (current, update) = (revision("old"), revision("new"));
        let observed = Observed { set, current, update, collisions: 0, pods, now: Timestamp::UNIX_EPOCH };
        let name = |pod: &Pod| pod.metadata.name.clone().unwrap();
        let told = |step: &Step| match step {
            Step::Create(pod, _) => format!("create {} {}", name(pod), pods::revision(pod)),
            Step::Claim(pod, _) => format!("claim {}", name(pod)),
            Step::Correct(pod, _) => format!("correct {}", name(pod)),
            Step::Delete(pod) => format!("delete {}", name(pod)),
        };
        observed.plan().steps.iter().map(told).collect()
    }

    #[test]
    fn pods_come_one_after_the_other_and_go_the_other_way_round() {
        let three = set(&json!({}));
        assert_eq!(steps(&three, vec![]), ["create db-0 new"]);
        assert_eq!(steps(&three, vec![pod("db-0", "new", false)]), [""; 0]);
        assert_eq!(steps(&three, vec![pod("db-0", "new", true)]), ["create db-1 new"]);
        let one = set(&json!({"replicas": 1}));
        let pods = || ["db-0", "db-1", "db-2"].map(|name| pod(name, "new", true)).to_vec();
        assert_eq!(steps(&one, pods()), ["delete db-2"]);
        let parallel = set(&json!({"replicas": 1, "podManagementPolicy": "Parallel"}));
        assert_eq!(steps(&parallel, pods()), ["delete db-2", "delete db-1"]);
    }

    #[test]
    fn the_last_pod_is_updated_first_and_the_partition_stays() {
        let old = || ["db-0", "db-1", "db-2"].map(|name| pod(name, "old", true)).to_vec();
        assert_eq!(steps(&set(&json!({})), old()), ["delete db-2"]);
        let by = |partition: i32| json!({"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": partition}}});
        assert_eq!(steps(&set(&by(3)), old()), [""; 0]);
        let missing = || vec![pod("db-0", "old", true), pod("db-2", "old", true)];
        assert_eq!(steps(&set(&by(2)), missing()), ["create db-1 old"]);
        assert_eq!(steps(&set(&by(1)), missing()), ["create db-1 new"]);
        assert_eq!(steps(&set(&json!({"updateStrategy": {"type": "OnDelete"}})), old()), [""; 0]);
    }
}
