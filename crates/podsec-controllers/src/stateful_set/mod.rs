//! StatefulSets: pods with numbers, names and claims of their own, one after the other.

mod claims;
mod history;
mod plan;
mod pods;

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::apps::v1::{ControllerRevision, StatefulSet};
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};

use crate::claims::claim_all;
use crate::clock::Clock;
use crate::context::Context;
use crate::error::Result;
use crate::events::{EventType, Recorder};
use crate::informer::Cache;
use crate::key::ObjectKey;
use crate::objects::Objects;
use crate::pods::state;
use crate::queue::Queue;
use crate::selectors;
use crate::wake;
use crate::work::Reconcile;
use plan::{Observed, Step};

struct Controller {
    sets: Objects<StatefulSet>,
    revisions: Objects<ControllerRevision>,
    claims: Objects<PersistentVolumeClaim>,
    pods: Objects<Pod>,
    events: Recorder,
    clock: Clock,
}

/// Starts their controller.
pub(crate) fn start(context: &Context) {
    let client = context.client(NAME);
    let sets: Arc<Cache<StatefulSet>> = context.cache();
    let revisions: Arc<Cache<ControllerRevision>> = context.cache();
    let claims: Arc<Cache<PersistentVolumeClaim>> = context.cache();
    let pods: Arc<Cache<Pod>> = context.cache();
    let queue = Arc::new(Queue::default());
    wake::on_change(&sets, &queue);
    wake::on_dependents(&sets, &pods, &queue, |set: &StatefulSet| {
        selectors::selector(&set.spec.selector).ok()
    });
    let controller = Controller {
        sets: Objects::namespaced(client.clone(), Arc::clone(&sets)),
        revisions: Objects::namespaced(client.clone(), Arc::clone(&revisions)),
        claims: Objects::namespaced(client.clone(), Arc::clone(&claims)),
        pods: Objects::namespaced(client.clone(), Arc::clone(&pods)),
        events: context.recorder(NAME, client),
        clock: context.clock().clone(),
    };
    let ready = async move {
        sets.synced().await;
        revisions.synced().await;
        claims.synced().await;
        pods.synced().await;
    };
    context.run(NAME, WORKERS, &queue, controller, ready);
}

impl Reconcile for Controller {
    async fn reconcile(&self, key: &ObjectKey) -> Result<Option<Duration>> {
        let Some(set) = self.sets.cache().get(key) else { return Ok(None) };
        let selector = selectors::selector(&set.spec.selector)?;
        let mut candidates = self.pods.cache().controlled_by(set.metadata.uid.as_deref().unwrap_or_default());
        let orphans = self.pods.cache().orphans(&key.namespace);
        candidates.extend(orphans.into_iter().filter(|pod| pods::ordinal(&set, pod).is_some()));
        let pods = claim_all(&self.sets, set.as_ref(), &selector, &self.pods, candidates).await?;
        let history = self.history(&set, &selector).await?;
        let now = self.clock.now();
        let observed = Observed {
            set: &set,
            current: history.current.clone(),
            update: history.update.clone(),
            collisions: history.collisions,
            pods,
            now,
        };
        let plan = observed.plan();
        let done = self.carry_out(&set, plan.steps).await;
        let updated = if done.is_ok() { plan.updated } else { 0 };
        let status = observed.status(updated);
        if plan::differs(&status, set.status.as_ref()) {
            let changed = StatefulSet { status: Some(status), ..StatefulSet::clone(&set) };
            let written = self.write_status(changed).await;
            done.and(written)?;
        } else {
            done?;
        }
        self.forget(&set, &history, &observed.pods).await?;
        let pods = observed.pods.iter().map(Arc::as_ref);
        Ok(state::next_availability(pods, set.spec.min_ready_seconds.unwrap_or(0), now))
    }
}

impl Controller {
    async fn carry_out(&self, set: &StatefulSet, steps: Vec<Step>) -> Result<()> {
        for step in steps {
            match step {
                Step::Create(pod, number) => self.create(set, &pod, number).await?,
                Step::Claim(pod, number) => {
                    self.make_claims(set, &pod, number).await?;
                    self.retain_claims(set, &pod, number).await?;
                }
                Step::Correct(pod, number) => {
                    let done = match self.make_claims(set, &pod, number).await {
                        Ok(()) => self.pods.replace(&pod).await.map(drop),
                        Err(error) => Err(error),
                    };
                    self.tell("Update", set, &pod, &done);
                    done?;
                }
                Step::Delete(pod) => {
                    if let Some(number) = pods::ordinal(set, &pod) {
                        self.retain_claims(set, &pod, number).await?;
                    }
                    let done = match self.pods.delete(&pod).await {
                        Err(error) if error.is_not_found() => Ok(()),
                        done => done,
                    };
                    self.tell("Delete", set, &pod, &done);
                    done?;
                }
            }
        }
        Ok(())
    }

    async fn create(&self, set: &StatefulSet, pod: &Pod, number: i32) -> Result<()> {
        let mut done = self.make_claims(set, pod, number).await;
        if done.is_ok() {
            done = match self.pods.create(pod).await {
                Ok(pod) => self.retain_claims(set, &pod, number).await,
                // Of an older StatefulSet, or not seen yet.
                Err(error) if error.is_already_exists() => return Err(error),
                Err(error) => Err(error),
            };
        }
        self.tell("Create", set, pod, &done);
        done
    }

    fn tell(&self, verb: &str, set: &StatefulSet, pod: &Pod, done: &Result<()>) {
        let (name, set_name) = (ObjectKey::of(pod).name, ObjectKey::of(set).name);
        let told = format!("{verb} Pod {name} in StatefulSet {set_name}");
        match done {
            Ok(()) => {
                let reason = format!("Successful{verb}");
                self.events.event(set, EventType::Normal, &reason, &format!("{told} successful"));
            }
            Err(error) => {
                let message = format!("{told} failed error: {error}");
                self.events.event(set, EventType::Warning, &format!("Failed{verb}"), &message);
            }
        }
    }

    async fn write_status(&self, set: StatefulSet) -> Result<()> {
        match self.sets.replace_status(&set).await {
            Err(error) if error.is_conflict() => {
                let fresh = self.sets.get(&ObjectKey::of(&set)).await?;
                let changed = StatefulSet { status: set.status, ..fresh };
                self.sets.replace_status(&changed).await.map(drop)
            }
            Err(error) if error.is_not_found() => Ok(()),
            written => written.map(drop),
        }
    }
}

const NAME: &str = "statefulset-controller";
/// The StatefulSets that are worked on at one time.
const WORKERS: usize = 5;
