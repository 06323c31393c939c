//! Deployments: a ReplicaSet for each template they have had, and pods that move from one to the next.

mod conditions;
mod execution;
mod history;
mod new_replica_set;
mod plan;
mod planner;
mod recreate;
mod revisions;
mod rolling;
mod scaling;
mod sizes;
mod status;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::Pod;

use crate::claims::claim_all;
use crate::clock::Clock;
use crate::context::Context;
use crate::error::Result;
use crate::events::Recorder;
use crate::informer::{Cache, Change};
use crate::key::ObjectKey;
use crate::objects::Objects;
use crate::ownership::controller_of;
use crate::queue::Queue;
use crate::selectors;
use crate::wake;
use crate::work::Reconcile;
use plan::{Observed, plan};

struct Controller {
    deployments: Objects<Deployment>,
    replica_sets: Objects<ReplicaSet>,
    pods: Arc<Cache<Pod>>,
    events: Recorder,
    clock: Clock,
}

/// Starts their controller.
pub(crate) fn start(context: &Context) {
    let client = context.client(NAME);
    let deployments: Arc<Cache<Deployment>> = context.cache();
    let replica_sets: Arc<Cache<ReplicaSet>> = context.cache();
    let pods: Arc<Cache<Pod>> = context.cache();
    let queue = Arc::new(Queue::default());
    wake::on_change(&deployments, &queue);
    wake::on_dependents(&deployments, &replica_sets, &queue, |deployment: &Deployment| {
        selectors::selector(&deployment.spec.selector).ok()
    });
    on_deleted_pods(&deployments, &replica_sets, &pods, &queue);
    let controller = Controller {
        deployments: Objects::namespaced(client.clone(), Arc::clone(&deployments)),
        replica_sets: Objects::namespaced(client.clone(), Arc::clone(&replica_sets)),
        pods: Arc::clone(&pods),
        events: context.recorder(NAME, client),
        clock: context.clock().clone(),
    };
    let ready = async move {
        deployments.synced().await;
        replica_sets.synced().await;
        pods.synced().await;
    };
    context.run(NAME, WORKERS, &queue, controller, ready);
}

/// A Deployment that recreates its pods waits for the last of the old ones to go.
fn on_deleted_pods(
    deployments: &Arc<Cache<Deployment>>,
    replica_sets: &Arc<Cache<ReplicaSet>>,
    pods: &Cache<Pod>,
    queue: &Arc<Queue>,
) {
    let (deployments, replica_sets, queue) =
        (Arc::clone(deployments), Arc::clone(replica_sets), Arc::clone(queue));
    pods.subscribe(move |change: Change<'_, Pod>| {
        let (Some(pod), None) = (change.old, change.new) else { return };
        let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
        let above = |owner: &str| ObjectKey::new(namespace, owner);
        let replica_set = controller_of(pod.as_ref()).and_then(|owner| replica_sets.get(&above(&owner.name)));
        let Some(replica_set) = replica_set else { return };
        let Some(owner) = controller_of(replica_set.as_ref()) else { return };
        let key = above(&owner.name);
        if deployments.get(&key).is_some_and(|deployment| !sizes::is_rolling(&deployment)) {
            queue.add(key);
        }
    });
}

impl Reconcile for Controller {
    async fn reconcile(&self, key: &ObjectKey) -> Result<Option<Duration>> {
        let Some(deployment) = self.deployments.cache().get(key) else { return Ok(None) };
        let selector = selectors::selector(&deployment.spec.selector)?;
        let uid = deployment.metadata.uid.as_deref().unwrap_or_default();
        let replica_sets = if selector.is_everything() {
            Vec::new()
        } else {
            let cache = self.replica_sets.cache();
            let mut candidates = cache.controlled_by(uid);
            candidates.extend(cache.orphans(&key.namespace));
            claim_all(&self.deployments, deployment.as_ref(), &selector, &self.replica_sets, candidates)
                .await?
        };
        let mut pods = BTreeMap::new();
        if !sizes::is_rolling(&deployment) {
            for uid in replica_sets.iter().filter_map(|set| set.metadata.uid.clone()) {
                let controlled = self.pods.controlled_by(&uid);
                pods.insert(uid, controlled);
            }
        }
        let now = self.clock.now();
        let plan = plan(Observed { deployment: &deployment, replica_sets, pods, now });
        self.execute(&deployment, plan.actions).await?;
        Ok(plan.next)
    }
}

const NAME: &str = "deployment-controller";
/// The Deployments that are worked on at one time.
const WORKERS: usize = 5;
