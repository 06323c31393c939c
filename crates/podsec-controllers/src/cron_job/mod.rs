//! CronJobs: a Job at each time of a schedule.

mod due;
mod plan;
mod schedule;

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::batch::v1::{CronJob, Job};
use kube::ResourceExt as _;
use kube::api::DeleteParams;

use crate::clock::Clock;
use crate::context::Context;
use crate::error::Result;
use crate::events::{EventType, Recorder};
use crate::informer::{Cache, Change};
use crate::key::ObjectKey;
use crate::objects::Objects;
use crate::ownership::controller_of;
use crate::queue::Queue;
use crate::wake;
use crate::work::Reconcile;

struct Controller {
    cron_jobs: Objects<CronJob>,
    jobs: Objects<Job>,
    events: Recorder,
    clock: Clock,
}

/// Starts their controller.
pub(crate) fn start(context: &Context) {
    let client = context.client(NAME);
    let cron_jobs: Arc<Cache<CronJob>> = context.cache();
    let jobs: Arc<Cache<Job>> = context.cache();
    let queue = Arc::new(Queue::default());
    on_specifications(&cron_jobs, &queue);
    wake::on_dependents(&cron_jobs, &jobs, &queue, |_: &CronJob| None);
    let controller = Controller {
        cron_jobs: Objects::namespaced(client.clone(), Arc::clone(&cron_jobs)),
        jobs: Objects::namespaced(client.clone(), Arc::clone(&jobs)),
        events: context.recorder(NAME, client),
        clock: context.clock().clone(),
    };
    let ready = async move {
        cron_jobs.synced().await;
        jobs.synced().await;
    };
    context.run(NAME, WORKERS, &queue, controller, ready);
}

/// What the controller writes into the status need not wake it.
fn on_specifications(cron_jobs: &Cache<CronJob>, queue: &Arc<Queue>) {
    let queue = Arc::clone(queue);
    cron_jobs.subscribe(move |change: Change<'_, CronJob>| {
        let Some(cron_job) = change.new.or(change.old) else { return };
        let is_same = change
            .old
            .zip(change.new)
            .is_some_and(|(old, new)| old.spec == new.spec && old.metadata.uid == new.metadata.uid);
        if !is_same {
            queue.add(ObjectKey::of(cron_job.as_ref()));
        }
    });
}

impl Reconcile for Controller {
    async fn reconcile(&self, key: &ObjectKey) -> Result<Option<Duration>> {
        let Some(found) = self.cron_jobs.cache().get(key) else { return Ok(None) };
        let jobs = self.jobs.cache().controlled_by(found.metadata.uid.as_deref().unwrap_or_default());
        let mut cron_job = CronJob::clone(&found);
        let (told, unknown) = plan::observe(&mut cron_job, &jobs);
        for (event_type, reason, message) in told {
            self.events.event(&cron_job, event_type, reason, &message);
        }
        for job in unknown {
            let message =
                format!("Saw a job that the controller did not create or forgot: {}", job.name_any());
            self.events.event(&cron_job, EventType::Warning, "UnexpectedJob", &message);
        }
        let started = self.start_next(&mut cron_job, &jobs).await;
        for job in plan::forgotten(&cron_job, &jobs) {
            // One that stays is tried again next time.
            let _ = self.delete(&mut cron_job, &job).await;
        }
        if cron_job.status != found.status
            && cron_job.status != Some(found.status.clone().unwrap_or_default())
        {
            self.cron_jobs.replace_status(&cron_job).await?;
        }
        started
    }
}

impl Controller {
    /// Makes the next Job, if it is due.
    async fn start_next(&self, cron_job: &mut CronJob, jobs: &[Arc<Job>]) -> Result<Option<Duration>> {
        let plan = plan::plan(cron_job, jobs, self.clock.now());
        for (event_type, reason, message) in plan.told {
            self.events.event(cron_job, event_type, reason, &message);
        }
        for job in plan.replace {
            self.delete(cron_job, &job).await?;
        }
        let Some((job, due)) = plan.create else { return Ok(plan.next) };
        match self.jobs.create(&job).await {
            Ok(job) => {
                let message = format!("Created job {}", job.name_any());
                self.events.event(cron_job, EventType::Normal, "SuccessfulCreate", &message);
                plan::note_created(cron_job, &job, due);
            }
            Err(error) if error.is_already_exists() => {
                let job = self.jobs.get(&ObjectKey::of(job.as_ref())).await?;
                if controller_of(&job).is_some_and(|owner| Some(&owner.uid) == cron_job.metadata.uid.as_ref())
                {
                    plan::note_created(cron_job, &job, due);
                }
            }
            Err(error) => {
                if !error.is_namespace_terminating() {
                    let message = format!("Error creating job: {error}");
                    self.events.event(cron_job, EventType::Warning, "FailedCreate", &message);
                }
                return Err(error);
            }
        }
        Ok(plan.next)
    }

    async fn delete(&self, cron_job: &mut CronJob, job: &Arc<Job>) -> Result<()> {
        if let Err(error) = self.jobs.delete_with(job, DeleteParams::background()).await {
            let message = format!("Deleted job: {error}");
            self.events.event(cron_job, EventType::Warning, "FailedDelete", &message);
            return Err(error);
        }
        plan::note_deleted(cron_job, job);
        let message = format!("Deleted job {}", job.name_any());
        self.events.event(cron_job, EventType::Normal, "SuccessfulDelete", &message);
        Ok(())
    }
}

const NAME: &str = "cronjob-controller";
/// The CronJobs that are worked on at one time.
const WORKERS: usize = 5;
