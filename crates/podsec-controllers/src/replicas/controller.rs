//! The controller of either kind.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;

use super::manage::{Manage, manage};
use super::replicated::Replicated;
use super::status;
use crate::claims::claim_all;
use crate::clock::Clock;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::informer::Cache;
use crate::key::ObjectKey;
use crate::objects::Objects;
use crate::ownership::{controller_of, controller_reference};
use crate::pods::{PodWriter, pod_from_template, state};
use crate::queue::Queue;
use crate::selectors::matches;
use crate::wake;
use crate::work::Reconcile;

struct Controller<K> {
    owners: Objects<K>,
    pods: PodWriter,
    clock: Clock,
}

/// Starts the controller of one of the two kinds.
pub(super) fn start<K: Replicated>(context: &Context, name: &'static str, account: &str) {
    let client = context.client(account);
    let owners: Arc<Cache<K>> = context.cache();
    let pods: Arc<Cache<Pod>> = context.cache();
    let queue = Arc::new(Queue::default());
    wake::on_change(&owners, &queue);
    wake::on_dependents(&owners, &pods, &queue, |owner: &K| owner.selector().ok());
    let controller = Controller {
        owners: Objects::namespaced(client.clone(), Arc::clone(&owners)),
        pods: PodWriter {
            pods: Objects::namespaced(client.clone(), Arc::clone(&pods)),
            events: context.recorder(account, client),
        },
        clock: context.clock().clone(),
    };
    let ready = async move {
        owners.synced().await;
        pods.synced().await;
    };
    context.run(name, WORKERS, &queue, controller, ready);
}

impl<K: Replicated> Reconcile for Controller<K> {
    async fn reconcile(&self, key: &ObjectKey) -> Result<Option<Duration>> {
        let Some(owner) = self.owners.cache().get(key) else { return Ok(None) };
        let owner = owner.as_ref();
        let selector = owner.selector()?;
        let uid = owner.meta().uid.as_deref().unwrap_or_default();
        let cache = self.pods.pods.cache();
        let mut candidates = cache.controlled_by(uid);
        let terminating = candidates
            .iter()
            .filter(|pod| state::is_terminating(pod) && matches(&selector, pod.metadata.labels.as_ref()));
        let terminating = terminating.count();
        candidates.extend(cache.orphans(&key.namespace));
        candidates.retain(|pod| state::is_active(pod));
        let active = claim_all(&self.owners, owner, &selector, &self.pods.pods, candidates).await?;
        let failure = if owner.meta().deletion_timestamp.is_none() {
            self.manage(owner, &active).await.err()
        } else {
            None
        };
        let now = self.clock.now();
        self.write_status(owner, &active, terminating, failure.as_ref(), now).await?;
        if let Some(failure) = failure {
            return Err(failure);
        }
        let pods = active.iter().map(Arc::as_ref);
        Ok(state::next_availability(pods, owner.min_ready_seconds(), now))
    }
}

impl<K: Replicated> Controller<K> {
    async fn manage(&self, owner: &K, active: &[Arc<Pod>]) -> Result<()> {
        match manage(owner.replicas(), active, || self.related(owner), self.clock.now()) {
            Manage::Nothing => Ok(()),
            Manage::Create(count) => {
                let namespace = owner.meta().namespace.as_deref().unwrap_or_default();
                let pod = pod_from_template(&owner.template(), namespace, controller_reference(owner));
                self.pods.create_slowly(owner, &vec![pod; count]).await
            }
            Manage::Delete(pods) => self.pods.delete_all(owner, &pods).await,
        }
    }

    /// The pods of all owners that the owner of this one controls, as a Deployment its ReplicaSets.
    fn related(&self, owner: &K) -> Vec<Arc<Pod>> {
        let Some(controller) = controller_of(owner) else { return Vec::new() };
        let cache = self.pods.pods.cache();
        let siblings = self.owners.cache().controlled_by(&controller.uid);
        let uids = siblings.iter().filter_map(|sibling| sibling.meta().uid.clone());
        uids.flat_map(|uid| cache.controlled_by(&uid)).collect()
    }

    async fn write_status(
        &self,
        owner: &K,
        active: &[Arc<Pod>],
        terminating: usize,
        failure: Option<&Error>,
        now: Timestamp,
    ) -> Result<()> {
        let terminating = K::COUNTS_TERMINATING.then_some(terminating);
        let failure = failure.map(ToString::to_string);
        let status = status::status(owner, active, terminating, failure.as_deref(), now);
        if status == owner.status() {
            return Ok(());
        }
        match self.owners.replace_status(&owner.with_status(status.clone())).await {
            Err(error) if error.is_not_found() => Ok(()),
            // Once more on top of what somebody else has written.
            Err(_) => {
                let fresh = self.owners.get(&ObjectKey::of(owner)).await?;
                self.owners.replace_status(&fresh.with_status(status)).await.map(drop)
            }
            Ok(_) => Ok(()),
        }
    }
}

/// The objects that are worked on at one time.
const WORKERS: usize = 5;
