//! Jobs that go some time after they have ended.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::batch::v1::Job;
use kube::api::DeleteParams;

use crate::clock::Clock;
use crate::context::Context;
use crate::error::Result;
use crate::informer::Cache;
use crate::job::end_of;
use crate::key::ObjectKey;
use crate::objects::{Objects, with_uid};
use crate::queue::Queue;
use crate::wake;
use crate::work::Reconcile;

struct Controller {
    jobs: Objects<Job>,
    clock: Clock,
}

/// Starts the controller.
pub(crate) fn start(context: &Context) {
    let jobs: Arc<Cache<Job>> = context.cache();
    let queue = Arc::new(Queue::default());
    wake::on_change(&jobs, &queue);
    let controller = Controller {
        jobs: Objects::namespaced(context.client(NAME), Arc::clone(&jobs)),
        clock: context.clock().clone(),
    };
    context.run(NAME, WORKERS, &queue, controller, async move { jobs.synced().await });
}

impl Reconcile for Controller {
    async fn reconcile(&self, key: &ObjectKey) -> Result<Option<Duration>> {
        let Some(job) = self.jobs.cache().get(key) else { return Ok(None) };
        let now = self.clock.now();
        match time_left(&job, now) {
            None => return Ok(None),
            Some(left) if !left.is_zero() => return Ok(Some(left)),
            Some(_) => {}
        }
        // As it is now: the time may have been extended meanwhile.
        let job = match self.jobs.get(key).await {
            Err(error) if error.is_not_found() => return Ok(None),
            job => job?,
        };
        if time_left(&job, now).is_some_and(|left| left.is_zero()) {
            let parameters = DeleteParams::foreground().preconditions(with_uid(&job));
            self.jobs.delete_with(&job, parameters).await?;
        }
        Ok(None)
    }
}

/// How long a Job stays; nothing when it stays for ever, or has not ended.
fn time_left(job: &Job, now: Timestamp) -> Option<Duration> {
    if job.metadata.deletion_timestamp.is_some() {
        return None;
    }
    let seconds = job.spec.as_ref()?.ttl_seconds_after_finished?;
    let ended = end_of(job)?.last_transition_time.as_ref()?.0;
    let left = SignedDuration::from_secs(seconds.into()) - now.duration_since(ended);
    Some(Duration::try_from(left).unwrap_or_default())
}

const NAME: &str = "ttl-after-finished-controller";
/// The Jobs that are worked on at one time.
const WORKERS: usize = 5;

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_job_stays_for_so_long_after_its_end() {
        let job = |spec: Value, status: &str| -> Job {
            serde_json::from_value(json!({"metadata": {}, "spec": spec, "status": {"conditions": [
                {"type": "Complete", "status": status, "lastTransitionTime": "2026-01-01T00:00:00Z"}]}}))
            .unwrap()
        };
        let left =
            |job: &Job| time_left(job, "2026-01-01T00:00:04Z".parse().unwrap()).map(|left| left.as_secs());
        let spec = json!({"template": {}, "ttlSecondsAfterFinished": 10});
        assert_eq!(left(&job(spec.clone(), "True")), Some(6));
        assert_eq!(left(&job(spec, "False")), None);
        assert_eq!(left(&job(json!({"template": {}, "ttlSecondsAfterFinished": 3}), "True")), Some(0));
        assert_eq!(left(&job(json!({"template": {}}), "True")), None);
    }
}
