//! DaemonSets: one pod on each node that fits.

mod failures;
mod history;
mod plan;
mod pods;
mod status;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use k8s_openapi::api::apps::v1::{ControllerRevision, DaemonSet};
use k8s_openapi::api::core::v1::{Node, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

use crate::claims::claim_all;
use crate::clock::Clock;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::events::EventType;
use crate::informer::{Cache, Change};
use crate::key::ObjectKey;
use crate::objects::Objects;
use crate::pods::{PodWriter, state};
use crate::queue::Queue;
use crate::selectors;
use crate::wake;
use crate::work::Reconcile;
use failures::Failures;
use plan::{Observed, Plan};

struct Controller {
    sets: Objects<DaemonSet>,
    revisions: Objects<ControllerRevision>,
    pods: PodWriter,
    nodes: Arc<Cache<Node>>,
    clock: Clock,
    failures: Mutex<Failures>,
}

/// Starts their controller.
pub(crate) fn start(context: &Context) {
    let client = context.client(ACCOUNT);
    let sets: Arc<Cache<DaemonSet>> = context.cache();
    let revisions: Arc<Cache<ControllerRevision>> = context.cache();
    let pods: Arc<Cache<Pod>> = context.cache();
    let nodes: Arc<Cache<Node>> = context.cache();
    let queue = Arc::new(Queue::default());
    wake::on_change(&sets, &queue);
    let selector = |set: &DaemonSet| selectors::selector(&set.spec.selector).ok();
    wake::on_dependents(&sets, &pods, &queue, selector);
    wake::on_dependents(&sets, &revisions, &queue, selector);
    on_nodes(&sets, &nodes, &queue);
    let controller = Controller {
        sets: Objects::namespaced(client.clone(), Arc::clone(&sets)),
        revisions: Objects::namespaced(client.clone(), Arc::clone(&revisions)),
        pods: PodWriter {
            pods: Objects::namespaced(client.clone(), Arc::clone(&pods)),
            events: context.recorder("daemonset-controller", client),
        },
        nodes: Arc::clone(&nodes),
        clock: context.clock().clone(),
        failures: Mutex::default(),
    };
    let ready = async move {
        sets.synced().await;
        revisions.synced().await;
        pods.synced().await;
        nodes.synced().await;
    };
    context.run("daemonset-controller", WORKERS, &queue, controller, ready);
}

/// A node that has come, gone, or changed in what decides who runs there concerns every DaemonSet.
fn on_nodes(sets: &Arc<Cache<DaemonSet>>, nodes: &Cache<Node>, queue: &Arc<Queue>) {
    let (sets, queue) = (Arc::clone(sets), Arc::clone(queue));
    nodes.subscribe(move |change: Change<'_, Node>| {
        if let (Some(old), Some(new)) = (change.old, change.new)
            && old.metadata.labels == new.metadata.labels
            && old.spec == new.spec
        {
            return;
        }
        for set in sets.all() {
            queue.add(ObjectKey::of(set.as_ref()));
        }
    });
}

impl Reconcile for Controller {
    async fn reconcile(&self, key: &ObjectKey) -> Result<Option<Duration>> {
        let Some(set) = self.sets.cache().get(key) else { return Ok(None) };
        if set.spec.selector == LabelSelector::default() {
            let message = "This daemon set is selecting all pods. A non-empty selector is required.";
            self.pods.events.event(set.as_ref(), EventType::Warning, "SelectingAll", message);
            return Ok(None);
        }
        if set.metadata.deletion_timestamp.is_some() {
            return Ok(None);
        }
        let selector = selectors::selector(&set.spec.selector)?;
        let (hash, old) = self.history(&set, &selector).await?;
        let pods = || async {
            let cache = self.pods.pods.cache();
            let mut candidates = cache.controlled_by(set.metadata.uid.as_deref().unwrap_or_default());
            candidates.extend(cache.orphans(&key.namespace));
            claim_all(&self.sets, set.as_ref(), &selector, &self.pods.pods, candidates).await
        };
        let observe = |pods| Observed::new(self.nodes.all(), pods, hash.clone(), self.clock.now());
        let all = pods().await?;
        let observed = observe(all.clone());
        let mut plan = {
            let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
            observed.manage(&set, &mut failures)
        };
        let next = plan.next;
        let strategy = set.spec.update_strategy.as_ref().and_then(|strategy| strategy.type_.as_deref());
        if plan.is_empty() && strategy != Some("OnDelete") {
            plan = observed.update(&set);
        }
        let mut done = self.carry_out(&set, plan, &hash).await;
        if done.is_ok() {
            done = self.forget(&set, &old, &all).await;
        }
        let observed = observe(pods().await?);
        let written = self.write_status(&set, &observed).await;
        done.and(written)?;
        let min_ready = set.spec.min_ready_seconds.unwrap_or(0);
        let pods = observed.pods.values().flatten().map(Arc::as_ref);
        let available = state::next_availability(pods, min_ready, observed.now);
        Ok(next.into_iter().chain(available).min())
    }
}

impl Controller {
    async fn carry_out(&self, set: &DaemonSet, plan: Plan, hash: &str) -> Result<()> {
        for (event_type, reason, message) in plan.told {
            self.pods.events.event(set, event_type, reason, &message);
        }
        let template = pods::template(set, hash);
        let new: Vec<Pod> =
            plan.create.iter().take(BURST).map(|node| pods::pod(set, &template, node)).collect();
        let created = self.pods.create_slowly(set, &new).await;
        let some = &plan.delete[..plan.delete.len().min(BURST)];
        created.and(self.pods.delete_all(set, some).await)
    }

    async fn write_status(&self, set: &DaemonSet, observed: &Observed) -> Result<()> {
        let status = status::status(set, observed);
        if set.status.as_ref() == Some(&status) {
            return Ok(());
        }
        let with = |set: DaemonSet| DaemonSet { status: Some(status.clone()), ..set };
        match self.sets.replace_status(&with(set.clone())).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_not_found() => Ok(()),
            // Once more on top of what somebody else has written.
            Err(Error::Request(_)) => {
                let fresh = self.sets.get(&ObjectKey::of(set)).await?;
                self.sets.replace_status(&with(fresh)).await.map(drop)
            }
            Err(error) => Err(error),
        }
    }
}

const ACCOUNT: &str = "daemon-set-controller";
/// The DaemonSets that are worked on at one time.
const WORKERS: usize = 2;
/// The pods that are made or deleted in one go.
const BURST: usize = 250;
