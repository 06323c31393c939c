//! One look at a Job: what its pods say of it, and what is to be done about them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::batch::v1::{Job, JobCondition, JobSpec, JobStatus};
use k8s_openapi::api::core::v1::Pod;

use super::backoff::Failures;
use super::conditions::{self, condition};
use super::intervals::Intervals;
use super::pods::{self, is_failed, is_indexed, is_suspended, is_tracked};
use super::policies::{self, Verdict};
use crate::clock::time;
use crate::pods::state;

/// What is known of a Job while it is looked at.
pub(super) struct Sync {
    /// With the status as it will be.
    pub(super) job: Job,
    pub(super) spec: JobSpec,
    /// Those that it controls.
    pub(super) pods: Vec<Arc<Pod>>,
    pub(super) now: Timestamp,
    pub(super) active: Vec<Arc<Pod>>,
    /// Pods that have ended well, those that are in no status yet included.
    pub(super) succeeded: i32,
    pub(super) failures: Failures,
    pub(super) counted_indexes: Intervals,
    pub(super) succeeded_indexes: Intervals,
    /// When indexes fail one by one.
    pub(super) failed_indexes: Option<Intervals>,
    /// The last failed pod of indexes that will be tried again.
    pub(super) awaiting_replacement: BTreeMap<i32, Arc<Pod>>,
    /// Why the Job is over, if it is.
    pub(super) finished: Option<JobCondition>,
    /// When to look again even if nothing changes.
    pub(super) next: Option<Duration>,
}

impl Sync {
    /// Looks at a Job. `failures` are those that were known before.
    pub(super) fn new(job: &Job, pods: Vec<Arc<Pod>>, failures: Failures, now: Timestamp) -> Self {
        let spec = job.spec.clone().unwrap_or_default();
        let mut job = job.clone();
        let status = job.status.get_or_insert_default();
        let uncounted = status.uncounted_terminated_pods.get_or_insert_default().clone();
        let old = status.clone();
        if status.start_time.is_none() && spec.suspend != Some(true) {
            status.start_time = Some(time(now));
        }
        let active = pods.iter().filter(|pod| state::is_active(pod)).cloned().collect();
        let known =
            |uids: &Option<Vec<String>>| -> BTreeSet<String> { uids.iter().flatten().cloned().collect() };
        let (known_succeeded, known_failed) = (known(&uncounted.succeeded), known(&uncounted.failed));
        let is_new = |pod: &Pod, known: &BTreeSet<String>| {
            is_tracked(pod)
                && !known.contains(pod.metadata.uid.as_deref().unwrap_or_default())
                && (!is_indexed(&spec) || pods::valid_index(pod, &spec).is_some())
        };
        let new = |ended: &dyn Fn(&Pod) -> bool, known| -> Vec<Arc<Pod>> {
            pods.iter().filter(|pod| is_new(pod, known) && ended(pod)).cloned().collect()
        };
        let new_succeeded = new(&|pod| state::phase(pod) == "Succeeded", &known_succeeded);
        let new_failed = new(&|pod| is_failed(pod, &spec), &known_failed);
        let failed =
            old.failed.unwrap_or(0) + number(known_failed.len()) + number(counted(&spec, &new_failed));
        let succeeded =
            old.succeeded.unwrap_or(0) + number(known_succeeded.len()) + number(new_succeeded.len());
        let mut sync = Self {
            failures: failures.with(&new_succeeded, &new_failed),
            job,
            pods,
            now,
            active,
            succeeded,
            counted_indexes: Intervals::default(),
            succeeded_indexes: Intervals::default(),
            failed_indexes: None,
            awaiting_replacement: BTreeMap::new(),
            finished: None,
            next: None,
            spec,
        };
        sync.decide(&old, failed);
        sync
    }

    pub(super) fn status(&mut self) -> &mut JobStatus {
        self.job.status.get_or_insert_default()
    }

    /// Finds out whether the Job is over, and why.
    fn decide(&mut self, old: &JobStatus, failed: i32) {
        let conditions = old.conditions.as_deref();
        let target = conditions::find(conditions, conditions::FAILURE_TARGET);
        self.finished =
            conditions::find(conditions, conditions::SUCCESS_CRITERIA_MET).cloned().or_else(|| {
                let target = target?;
                let told = |text: &Option<String>| text.clone().unwrap_or_default();
                Some(condition(
                    conditions::FAILED,
                    "True",
                    &told(&target.reason),
                    &told(&target.message),
                    self.now,
                ))
            });
        if self.finished.is_none() {
            let messages = self.pods.iter().filter(|pod| is_failed(pod, &self.spec));
            let message = messages.filter_map(|pod| match policies::verdict(&self.spec, pod) {
                Verdict::FailJob(message) => Some(message),
                _ => None,
            });
            let message = message.into_iter().next();
            self.finished = message.map(|message| self.failure("PodFailurePolicy", &message));
        }
        if self.finished.is_none() {
            let limit = self.spec.backoff_limit.unwrap_or(6);
            if failed > limit || self.has_restarted_too_often(limit) {
                self.finished =
                    Some(self.failure("BackoffLimitExceeded", "Job has reached the specified backoff limit"));
            } else if let Some(left) = self.until_deadline() {
                if let Some(left) = Duration::try_from(left).ok().filter(|left| !left.is_zero()) {
                    self.wake_after(left);
                } else {
                    let message = "Job was active longer than specified deadline";
                    self.finished = Some(self.failure("DeadlineExceeded", message));
                }
            }
        }
        if is_indexed(&self.spec) {
            self.decide_by_index(old);
        }
    }

    fn decide_by_index(&mut self, old: &JobStatus) {
        let completions = self.spec.completions.unwrap_or(0);
        let tracked = || self.pods.iter().filter(|pod| is_tracked(pod));
        let ended = tracked().filter(|pod| state::phase(pod) == "Succeeded");
        let ended: Vec<i32> = ended.filter_map(|pod| pods::valid_index(pod, &self.spec)).collect();
        self.counted_indexes =
            Intervals::parse(old.completed_indexes.as_deref().unwrap_or_default(), completions);
        self.succeeded_indexes = self.counted_indexes.with(ended);
        self.succeeded = self.succeeded_indexes.total();
        if let Some(limit) = self.spec.backoff_limit_per_index {
            let failed = tracked().filter(|pod| self.has_failed_its_index(pod, limit));
            let failed: Vec<i32> = failed.filter_map(|pod| pods::valid_index(pod, &self.spec)).collect();
            let known = Intervals::parse(old.failed_indexes.as_deref().unwrap_or_default(), completions);
            let failed = known.with(failed);
            if self.finished.is_none() {
                if self.spec.max_failed_indexes.is_some_and(|most| failed.total() > most) {
                    let message = "Job has exceeded the specified maximal number of failed indexes";
                    self.finished = Some(self.failure("MaxFailedIndexesExceeded", message));
                } else if failed.total() > 0 && failed.total() + self.succeeded >= completions {
                    self.finished = Some(self.failure("FailedIndexes", "Job has failed indexes"));
                }
            }
            self.failed_indexes = Some(failed);
            self.await_replacements();
        }
        if self.finished.is_none() {
            self.finished = policies::success(&self.spec, &self.succeeded_indexes).map(|message| {
                condition(conditions::SUCCESS_CRITERIA_MET, "True", "SuccessPolicy", &message, self.now)
            });
        }
    }

    fn has_failed_its_index(&self, pod: &Pod, limit: i32) -> bool {
        is_failed(pod, &self.spec)
            && match policies::verdict(&self.spec, pod) {
                Verdict::FailIndex => true,
                Verdict::Ignore => false,
                _ => pods::failures_before(pod) >= limit,
            }
    }

    /// The pods whose failures the next pod of their index is to know of stay until it is made.
    fn await_replacements(&mut self) {
        let active: BTreeSet<i32> = self.active.iter().filter_map(|pod| pods::index(pod)).collect();
        let failed = self.failed_indexes.clone().unwrap_or_default();
        for pod in self.pods.iter().filter(|pod| is_tracked(pod) && is_failed(pod, &self.spec)) {
            let Some(index) = pods::valid_index(pod, &self.spec) else { continue };
            if self.succeeded_indexes.contains(index) || failed.contains(index) || active.contains(&index) {
                continue;
            }
            let rank =
                |pod: &Pod| (pods::failures_before(pod) + pods::ignored_before(pod), pods::finished_at(pod));
            let known = self.awaiting_replacement.get(&index);
            if known.is_none_or(|known| rank(known) <= rank(pod)) {
                self.awaiting_replacement.insert(index, Arc::clone(pod));
            }
        }
    }

    pub(super) fn failure(&self, reason: &str, message: &str) -> JobCondition {
        condition(conditions::FAILURE_TARGET, "True", reason, message, self.now)
    }

    pub(super) fn wake_after(&mut self, delay: Duration) {
        self.next = Some(self.next.map_or(delay, |next| next.min(delay)));
    }

    /// Containers that are restarted in their pods count as failures.
    fn has_restarted_too_often(&self, limit: i32) -> bool {
        let policy = self.spec.template.spec.as_ref().and_then(|spec| spec.restart_policy.as_deref());
        if policy != Some("OnFailure") {
            return false;
        }
        let alive = self.pods.iter().filter(|pod| matches!(state::phase(pod), "Running" | "Pending"));
        let statuses = alive.filter_map(|pod| pod.status.as_ref()).flat_map(|status| {
            let (inits, containers) = (&status.init_container_statuses, &status.container_statuses);
            inits.iter().flatten().chain(containers.iter().flatten())
        });
        let restarts: i32 = statuses.map(|status| status.restart_count).sum();
        if limit == 0 { restarts > 0 } else { restarts >= limit }
    }

    fn until_deadline(&self) -> Option<SignedDuration> {
        let seconds = self.spec.active_deadline_seconds.filter(|_| !is_suspended(&self.job))?;
        let start = self.job.status.as_ref()?.start_time.as_ref()?.0;
        Some(SignedDuration::from_secs(seconds) - self.now.duration_since(start))
    }
}

/// How many of these failed pods count.
fn counted(spec: &JobSpec, failed: &[Arc<Pod>]) -> usize {
    failed.iter().filter(|pod| policies::verdict(spec, pod) != Verdict::Ignore).count()
}

pub(super) fn number(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
