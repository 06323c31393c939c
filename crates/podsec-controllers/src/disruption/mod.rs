//! PodDisruptionBudgets: how many of their pods may be evicted now.

mod budget;
mod selector_text;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::core::v1::{Pod, ReplicationController};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::ResourceExt as _;

use crate::clock::Clock;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::events::{EventType, Recorder};
use crate::informer::{Cache, Change};
use crate::key::ObjectKey;
use crate::objects::Objects;
use crate::ownership::controller_of;
use crate::queue::Queue;
use crate::selectors::{matches, selector as selector_of};
use crate::wake;
use crate::work::Reconcile;
use budget::{Expected, Observed};

struct Controller {
    budgets: Objects<PodDisruptionBudget>,
    pods: Arc<Cache<Pod>>,
    deployments: Arc<Cache<Deployment>>,
    replica_sets: Arc<Cache<ReplicaSet>>,
    replication_controllers: Arc<Cache<ReplicationController>>,
    stateful_sets: Arc<Cache<StatefulSet>>,
    events: Recorder,
    clock: Clock,
}

/// Starts their controller.
pub(crate) fn start(context: &Context) {
    let client = context.client(NAME);
    let budgets: Arc<Cache<PodDisruptionBudget>> = context.cache();
    let queue = Arc::new(Queue::default());
    let controller = Controller {
        budgets: Objects::namespaced(client.clone(), Arc::clone(&budgets)),
        pods: context.cache(),
        deployments: context.cache(),
        replica_sets: context.cache(),
        replication_controllers: context.cache(),
        stateful_sets: context.cache(),
        events: context.recorder("controllermanager", client),
        clock: context.clock().clone(),
    };
    wake::on_change(&budgets, &queue);
    on_pods(&budgets, &controller.pods, &queue);
    let (pods, deployments) = (Arc::clone(&controller.pods), Arc::clone(&controller.deployments));
    let (sets, stateful) = (Arc::clone(&controller.replica_sets), Arc::clone(&controller.stateful_sets));
    let replication = Arc::clone(&controller.replication_controllers);
    let ready = async move {
        budgets.synced().await;
        pods.synced().await;
        deployments.synced().await;
        sets.synced().await;
        stateful.synced().await;
        replication.synced().await;
    };
    context.run(NAME, WORKERS, &queue, controller, ready);
}

/// A pod concerns the budgets that select it as it was or as it is.
fn on_pods(budgets: &Arc<Cache<PodDisruptionBudget>>, pods: &Cache<Pod>, queue: &Arc<Queue>) {
    let (budgets, queue) = (Arc::clone(budgets), Arc::clone(queue));
    pods.subscribe(move |change: Change<'_, Pod>| {
        let Some(pod) = change.new.or(change.old) else { return };
        for budget in budgets.in_namespace(&pod.namespace().unwrap_or_default()) {
            let selector = budget.spec.as_ref().and_then(|spec| spec.selector.as_ref());
            let Some(Ok(selector)) = selector.map(selector_of) else { continue };
            let mut versions = [change.old, change.new].into_iter().flatten();
            if versions.any(|pod| matches(&selector, pod.metadata.labels.as_ref())) {
                queue.add(ObjectKey::of(budget.as_ref()));
            }
        }
    });
}

impl Reconcile for Controller {
    async fn reconcile(&self, key: &ObjectKey) -> Result<Option<Duration>> {
        let Some(found) = self.budgets.cache().get(key) else { return Ok(None) };
        let spec = found.spec.clone().unwrap_or_default();
        let pods = match &spec.selector {
            Some(selector) => {
                let selector = selector_of(selector)?;
                let all = self.pods.in_namespace(&key.namespace).into_iter();
                all.filter(|pod| matches(&selector, pod.metadata.labels.as_ref())).collect()
            }
            None => Vec::new(),
        };
        if pods.is_empty() {
            self.events.event(found.as_ref(), EventType::Normal, "NoPods", "No matching pods found");
        }
        let now = self.clock.now();
        let expected = if budget::needs_scale(&spec) {
            self.expected(&pods)
        } else {
            Ok(Expected { pods: i32::try_from(pods.len()).unwrap_or(i32::MAX), unmanaged: false })
        };
        let status = match &expected {
            Ok(expected) => {
                if expected.unmanaged {
                    let selector = selector_text::text(spec.selector.as_ref());
                    let message = format!(
                        "Pods selected by this PodDisruptionBudget (selector: {selector}) were found to be unmanaged. As a result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these pods please set \".spec.minAvailable\" field of the PDB to an integer value."
                    );
                    self.events.event(found.as_ref(), EventType::Warning, "UnmanagedPods", &message);
                }
                Observed { budget: &found, pods: &pods, now }.status(expected)
            }
            Err(error) => {
                let message = format!("Failed to calculate the number of expected pods: {error}");
                self.events.event(
                    found.as_ref(),
                    EventType::Warning,
                    "CalculateExpectedPodCountFailed",
                    &message,
                );
                budget::failed(&found, &error.to_string(), now)
            }
        };
        if found.status.as_ref() != Some(&status) {
            let changed =
                PodDisruptionBudget { status: Some(status.clone()), ..PodDisruptionBudget::clone(&found) };
            self.budgets.replace_status(&changed).await?;
        }
        Ok(budget::next_check(&status, now))
    }
}

impl Controller {
    /// How many pods the owners of these pods want together.
    fn expected(&self, pods: &[Arc<Pod>]) -> Result<Expected> {
        let mut scales = BTreeMap::new();
        let mut unmanaged = false;
        for pod in pods {
            let Some(owner) = controller_of(pod.as_ref()) else {
                unmanaged = true;
                continue;
            };
            let (uid, scale) = self.scale(&pod.namespace().unwrap_or_default(), owner)?;
            scales.insert(uid, scale);
        }
        Ok(Expected { pods: scales.values().sum(), unmanaged })
    }

    fn scale(&self, namespace: &str, owner: &OwnerReference) -> Result<(String, i32)> {
        let key = ObjectKey::new(namespace, &owner.name);
        let scale = match owner.kind.as_str() {
            "ReplicaSet" => {
                let set = self.replica_sets.get(&key);
                let above = set.as_ref().and_then(|set| controller_of(set.as_ref()));
                if let Some(above) = above.filter(|above| above.kind == "Deployment") {
                    let key = ObjectKey::new(namespace, &above.name);
                    let deployment = self.deployments.get(&key);
                    let wanted = deployment.map(|deployment| deployment.spec.replicas.unwrap_or(1));
                    return Ok((above.uid.clone(), wanted.unwrap_or(0)));
                }
                set.map(|set| set.spec.replicas.unwrap_or(1))
            }
            "StatefulSet" => self.stateful_sets.get(&key).map(|set| set.spec.replicas.unwrap_or(1)),
            "ReplicationController" => {
                let found = self.replication_controllers.get(&key);
                found.map(|found| found.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1))
            }
            kind => {
                let group = owner.api_version.split_once('/').map_or("", |(group, _)| group);
                let resource = format!("{}s.{group}", kind.to_lowercase());
                return Err(Error::Object(format!("{resource} does not implement the scale subresource")));
            }
        };
        Ok((owner.uid.clone(), scale.unwrap_or(0)))
    }
}

const NAME: &str = "disruption-controller";
/// The budgets that are worked on at one time.
const WORKERS: usize = 1;
