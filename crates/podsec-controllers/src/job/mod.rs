//! Jobs: pods that end, until as many as wanted have ended well or too many have not.

mod backoff;
mod conditions;
mod intervals;
mod pods;
mod policies;
mod status;
mod sync;
#[cfg(test)]
mod tests;
mod work;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use podsec_apimachinery::selector::label::Selector;
use serde_json::json;

use crate::claims::claim_with;
use crate::clock::Clock;
use crate::context::Context;
use crate::error::Result;
use crate::events::EventType;
use crate::informer::{Cache, Change};
use crate::key::ObjectKey;
use crate::objects::Objects;
use crate::ownership::controller_of;
use crate::pods::{PodWriter, state};
use crate::queue::{Backoff, Queue};
use crate::selectors;
use crate::wake;
use crate::work::Reconcile;
use backoff::Failures;
use status::Outcome;
use sync::{Sync, number};
use work::Work;

pub(crate) use conditions::end_of;

struct Controller {
    jobs: Objects<Job>,
    pods: PodWriter,
    clock: Clock,
    /// Of the Jobs that are not over.
    failures: Mutex<HashMap<ObjectKey, Failures>>,
}

/// Starts their controller.
pub(crate) fn start(context: &Context) {
    let client = context.client(NAME);
    let jobs: Arc<Cache<Job>> = context.cache();
    let pods: Arc<Cache<Pod>> = context.cache();
    let queue =
        Arc::new(Queue::new(Backoff { first: Duration::from_secs(1), longest: Duration::from_mins(1) }));
    on_jobs(&jobs, &queue);
    wake::on_dependents_after(&jobs, &pods, &queue, selector, BATCH);
    let controller = Controller {
        jobs: Objects::namespaced(client.clone(), Arc::clone(&jobs)),
        pods: PodWriter {
            pods: Objects::namespaced(client.clone(), Arc::clone(&pods)),
            events: context.recorder(NAME, client),
        },
        clock: context.clock().clone(),
        failures: Mutex::default(),
    };
    let ready = async move {
        jobs.synced().await;
        pods.synced().await;
    };
    context.run(NAME, WORKERS, &queue, controller, ready);
}

fn selector(job: &Job) -> Option<Selector> {
    selectors::selector(job.spec.as_ref()?.selector.as_ref()?).ok()
}

/// A Job whose specification has changed is looked at at once, one whose status has changed a little later.
fn on_jobs(jobs: &Cache<Job>, queue: &Arc<Queue>) {
    let queue = Arc::clone(queue);
    jobs.subscribe(move |change: Change<'_, Job>| {
        let Some(job) = change.new.or(change.old) else { return };
        let is_same = change.old.is_some_and(|old| {
            change.new.is_some_and(|new| old.metadata.generation == new.metadata.generation)
        });
        queue.add_after(ObjectKey::of(job.as_ref()), if is_same { BATCH } else { Duration::ZERO });
    });
}

impl Reconcile for Controller {
    async fn reconcile(&self, key: &ObjectKey) -> Result<Option<Duration>> {
        let job = self.jobs.cache().get(key);
        let Some(job) = job.filter(|job| end_of(job).is_none()) else {
            self.failures().remove(key);
            return self.release_orphans(key).await.map(|()| None);
        };
        let is_foreign = job.spec.as_ref().and_then(|spec| spec.managed_by.as_deref());
        if is_foreign.is_some_and(|manager| manager != "kubernetes.io/job-controller") {
            return Ok(None);
        }
        let Some(selector) = selector(&job) else { return Ok(None) };
        let cache = self.pods.pods.cache();
        let mut candidates = cache.controlled_by(job.metadata.uid.as_deref().unwrap_or_default());
        candidates.extend(cache.orphans(&key.namespace));
        let finalizer = Some(pods::FINALIZER);
        let pods =
            claim_with(&self.jobs, job.as_ref(), &selector, &self.pods.pods, candidates, finalizer).await?;
        let known = self.failures().get(key).copied().unwrap_or_default();
        let mut sync = Sync::new(&job, pods, known, self.clock.now());
        let (outcome, failure) = self.work(&mut sync).await;
        self.write(key, &mut sync, outcome).await?;
        match failure {
            Some(failure) => Err(failure),
            None => Ok(sync.next),
        }
    }
}

impl Controller {
    /// Makes and deletes pods.
    async fn work(&self, sync: &mut Sync) -> (Outcome, Option<crate::Error>) {
        let active = number(sync.active.len());
        let ready = number(sync.active.iter().filter(|pod| state::is_ready(pod)).count());
        let unchanged = Outcome { active, ready, deleted: 0, is_done: true };
        match sync.work() {
            Work::Nothing => (unchanged, None),
            Work::Wait(delay) => {
                sync.wake_after(delay.max(BATCH));
                (Outcome { active: 0, ..unchanged }, None)
            }
            Work::Create(pods) => {
                let wanted = pods.len();
                let (made, failure) = self.pods.create_counted(&sync.job, &pods).await;
                let active = active + number(if failure.is_none() { wanted } else { made });
                (Outcome { active, ..unchanged }, failure)
            }
            Work::Delete(pods) => {
                for pod in &pods {
                    if let Err(error) = self.release(pod).await {
                        return (Outcome { is_done: false, ..unchanged }, Some(error));
                    }
                }
                self.delete(sync, &pods, unchanged).await
            }
            Work::End(pods) => self.delete(sync, &pods, unchanged).await,
        }
    }

    async fn delete(
        &self,
        sync: &Sync,
        pods: &[Arc<Pod>],
        before: Outcome,
    ) -> (Outcome, Option<crate::Error>) {
        let failure = self.pods.delete_all(&sync.job, pods).await.err();
        if failure.is_some() {
            return (Outcome { is_done: false, ..before }, failure);
        }
        let ready = number(pods.iter().filter(|pod| state::is_ready(pod)).count());
        let deleted = number(pods.len());
        let (active, ready) = (before.active - deleted, before.ready - ready);
        (Outcome { active, ready, deleted, is_done: true }, None)
    }

    /// Writes the status, takes off the finalizers of what is in it, and ends the Job when nothing is left.
    async fn write(&self, key: &ObjectKey, sync: &mut Sync, outcome: Outcome) -> Result<()> {
        let tracked = sync.track(outcome);
        if let Some((reason, message)) = tracked.told {
            self.pods.events.event(&sync.job, EventType::Normal, reason, message);
        }
        if tracked.is_changed {
            sync.job = self.jobs.replace_status(&sync.job).await?;
            self.failures().insert(key.clone(), sync.failures);
        }
        let mut failure = None;
        for pod in &tracked.counted {
            if let Err(error) = self.release(pod).await {
                failure = failure.or(Some(error));
            }
        }
        // As they are now, without their finalizers or gone.
        let cache = self.pods.pods.cache();
        let pods = sync.pods.iter().filter_map(|pod| {
            cache.get(&ObjectKey::of(pod.as_ref())).filter(|now| now.metadata.uid == pod.metadata.uid)
        });
        sync.pods = pods.collect();
        let is_counted = sync.forget_released();
        let end = if failure.is_none() && !tracked.is_partial { sync.end() } else { None };
        if is_counted || end.is_some() {
            self.jobs.replace_status(&sync.job).await?;
        }
        if let Some(end) = end {
            self.tell_end(sync, &end);
        }
        failure.map_or(Ok(()), Err)
    }

    fn tell_end(&self, sync: &Sync, end: &k8s_openapi::api::batch::v1::JobCondition) {
        let events = &self.pods.events;
        if end.type_ == conditions::COMPLETE {
            let succeeded = sync.job.status.as_ref().and_then(|status| status.succeeded).unwrap_or(0);
            if sync.spec.completions.is_some_and(|completions| succeeded > completions) {
                let message = "Too many succeeded pods running after completion count reached";
                events.event(&sync.job, EventType::Warning, "TooManySucceededPods", message);
            }
            events.event(&sync.job, EventType::Normal, "Completed", "Job completed");
        } else {
            let told = |text: &Option<String>| text.clone().unwrap_or_default();
            events.event(&sync.job, EventType::Warning, &told(&end.reason), &told(&end.message));
        }
    }

    /// Takes the finalizer off a pod.
    async fn release(&self, pod: &Pod) -> Result<()> {
        if !pods::is_tracked(pod) {
            return Ok(());
        }
        let patch = json!({"metadata": {"$deleteFromPrimitiveList/finalizers": [pods::FINALIZER]}});
        match self.pods.pods.patch(&ObjectKey::of(pod), &patch).await {
            Err(error) if error.is_not_found() => {
                self.pods.pods.cache().deleted(&ObjectKey::of(pod));
                Ok(())
            }
            patched => patched.map(drop),
        }
    }

    /// Lets pods go whose Job is over or gone.
    async fn release_orphans(&self, key: &ObjectKey) -> Result<()> {
        let pods = self.pods.pods.cache().in_namespace(&key.namespace);
        for pod in pods.iter().filter(|pod| pods::is_tracked(pod)) {
            let owner =
                controller_of(pod.as_ref()).filter(|owner| owner.kind == "Job" && owner.name == key.name);
            let Some(owner) = owner else { continue };
            let job = self.jobs.cache().get(key);
            let is_another = job.as_ref().is_none_or(|job| job.metadata.uid.as_ref() != Some(&owner.uid));
            if is_another || job.is_some_and(|job| end_of(&job).is_some()) {
                self.release(pod).await?;
            }
        }
        Ok(())
    }

    fn failures(&self) -> std::sync::MutexGuard<'_, HashMap<ObjectKey, Failures>> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const NAME: &str = "job-controller";
/// The Jobs that are worked on at one time.
const WORKERS: usize = 5;
/// Changes of pods within this time are looked at together.
const BATCH: Duration = Duration::from_secs(1);
