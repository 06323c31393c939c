//! The status of a Job: each pod that has ended is counted once, whatever fails in between.
//!
//! ```text
//! ended, finalizer on ─► its uid in uncountedTerminatedPods ─► finalizer off ─► counted, uid taken out
//! ```

use std::collections::BTreeSet;
use std::sync::Arc;

use k8s_openapi::api::batch::v1::JobCondition;
use k8s_openapi::api::core::v1::Pod;

use super::conditions::{self, condition};
use super::pods::{self, is_failed, is_indexed, is_suspended, is_tracked};
use super::policies::{self, Verdict};
use super::sync::{Sync, number};
use crate::pods::state;

/// How the work on the pods went.
#[derive(Clone, Copy, Default)]
pub(super) struct Outcome {
    /// The pods that are active now.
    pub(super) active: i32,
    /// Of those that were active, how many are ready.
    pub(super) ready: i32,
    /// The pods that have been deleted.
    pub(super) deleted: i32,
    /// Whether all of it was tried and went well.
    pub(super) is_done: bool,
}

/// What the status says after the work.
pub(super) struct Tracked {
    /// Whether the status is written before finalizers are taken off.
    pub(super) is_changed: bool,
    /// The pods whose finalizers are taken off.
    pub(super) counted: Vec<Arc<Pod>>,
    /// What people are told: reason and message.
    pub(super) told: Option<(&'static str, &'static str)>,
    /// Too many pods for one write have ended; the rest comes next time.
    pub(super) is_partial: bool,
}

impl Sync {
    /// Takes in how the work went, and puts what has ended into the status.
    pub(super) fn track(&mut self, outcome: Outcome) -> Tracked {
        let old = self.job.status.clone().unwrap_or_default();
        let mut told = None;
        if self.finished.is_some() {
            if !outcome.is_done {
                self.finished = None;
            }
        } else if self.is_complete(outcome.active) {
            let message = "Reached expected number of succeeded pods";
            let met = conditions::SUCCESS_CRITERIA_MET;
            self.finished = Some(condition(met, "True", "CompletionsReached", message, self.now));
        } else if self.job.metadata.deletion_timestamp.is_none() {
            told = self.note_suspension();
        }
        let ending = number(self.pods.iter().filter(|pod| state::is_terminating(pod)).count());
        let status = self.status();
        status.active = Some(outcome.active).filter(|active| *active != 0);
        status.ready = Some(outcome.ready);
        status.terminating = Some(ending + outcome.deleted);
        let (counted, is_partial) = self.count();
        self.note_end();
        let is_changed = self.job.status.as_ref() != Some(&old) && !self.differs_by_nothing_but_start(&old);
        Tracked { is_changed, counted, told, is_partial }
    }

    /// The start alone is no reason to write.
    fn differs_by_nothing_but_start(&self, old: &k8s_openapi::api::batch::v1::JobStatus) -> bool {
        let Some(status) = &self.job.status else { return true };
        let mut other = old.clone();
        other.start_time.clone_from(&status.start_time);
        other == *status && old.ready.is_some()
    }

    fn is_complete(&self, active: i32) -> bool {
        active == 0
            && match self.spec.completions {
                None => self.succeeded > 0,
                Some(completions) => self.succeeded >= completions,
            }
    }

    fn note_suspension(&mut self) -> Option<(&'static str, &'static str)> {
        let now = self.now;
        let is_suspended = is_suspended(&self.job);
        let suspended =
            |status, reason, message| condition(conditions::SUSPENDED, status, reason, message, now);
        let status = self.status();
        if is_suspended {
            let condition = suspended("True", "JobSuspended", "Job suspended");
            let is_news = conditions::ensure(&mut status.conditions, condition);
            if is_news {
                status.start_time = None;
            }
            is_news.then_some(("Suspended", "Job suspended"))
        } else {
            let condition = suspended("False", "JobResumed", "Job resumed");
            let is_news = conditions::ensure(&mut status.conditions, condition);
            if is_news {
                status.start_time = Some(crate::clock::time(now));
            }
            is_news.then_some(("Resumed", "Job resumed"))
        }
    }

    /// Notes the pods that have ended, at most [`UNCOUNTED`] of them. Whether there are more.
    fn count(&mut self) -> (Vec<Arc<Pod>>, bool) {
        self.forget_released();
        let indexed = is_indexed(&self.spec);
        let mut pods: Vec<Arc<Pod>> = self.pods.iter().filter(|pod| is_tracked(pod)).cloned().collect();
        if indexed {
            pods.sort_by_key(|pod| pods::index(pod));
        }
        let uncounted = self.status().uncounted_terminated_pods.get_or_insert_default().clone();
        let mut succeeded = uncounted.succeeded.unwrap_or_default();
        let mut failed = uncounted.failed.unwrap_or_default();
        let (mut counted, mut new_indexes, mut is_partial) = (Vec::new(), Vec::new(), false);
        let has_failed =
            self.finished.as_ref().is_some_and(|end| end.type_ != conditions::SUCCESS_CRITERIA_MET);
        for pod in pods {
            if !self.may_release(&pod) {
                continue;
            }
            let uid = pod.metadata.uid.clone().unwrap_or_default();
            let index = pods::valid_index(&pod, &self.spec);
            if state::phase(&pod) == "Succeeded" && !failed.contains(&uid) {
                if indexed {
                    new_indexes.extend(index.filter(|index| !self.counted_indexes.contains(*index)));
                } else if !succeeded.contains(&uid) {
                    succeeded.push(uid);
                }
            } else if (is_failed(&pod, &self.spec) || has_failed)
                && !failed.contains(&uid)
                && (!indexed || index.is_some())
                && policies::verdict(&self.spec, &pod) != Verdict::Ignore
            {
                failed.push(uid);
            }
            counted.push(pod);
            if new_indexes.len() + succeeded.len() + failed.len() >= UNCOUNTED {
                is_partial = true;
                break;
            }
        }
        let uncounted = self.status().uncounted_terminated_pods.get_or_insert_default();
        uncounted.succeeded = Some(succeeded).filter(|uids| !uids.is_empty());
        uncounted.failed = Some(failed).filter(|uids| !uids.is_empty());
        if indexed {
            let all = self.counted_indexes.with(new_indexes);
            let failed = self.failed_indexes.as_ref().map(ToString::to_string);
            let status = self.status();
            status.succeeded = Some(all.total()).filter(|total| *total != 0);
            status.completed_indexes = Some(all.to_string()).filter(|text| !text.is_empty());
            status.failed_indexes = failed;
        }
        (counted, is_partial)
    }

    /// Whether the finalizer of a pod may go: it has ended, or the Job has.
    fn may_release(&self, pod: &Pod) -> bool {
        if self.job.metadata.deletion_timestamp.is_some()
            || self.finished.is_some()
            || state::phase(pod) == "Succeeded"
        {
            return true;
        }
        let is_awaited = pods::index(pod).is_some_and(|index| {
            let awaited = self.awaiting_replacement.get(&index);
            awaited.is_some_and(|awaited| awaited.metadata.uid == pod.metadata.uid)
        });
        is_failed(pod, &self.spec) && !is_awaited
    }

    /// Notes that the Job will be over once its pods have ended.
    fn note_end(&mut self) {
        let Some(finished) = self.finished.clone() else { return };
        let now = self.now;
        let told = |text: &Option<String>| text.clone().unwrap_or_default();
        let ends_as = match finished.type_.as_str() {
            conditions::FAILURE_TARGET => conditions::FAILED,
            conditions::SUCCESS_CRITERIA_MET => conditions::COMPLETE,
            _ => return,
        };
        self.finished =
            Some(condition(ends_as, "True", &told(&finished.reason), &told(&finished.message), now));
        let conditions = &mut self.status().conditions;
        if conditions::find(conditions.as_deref(), &finished.type_).is_none() {
            conditions.get_or_insert_default().push(finished);
        }
    }

    /// Counts the pods in `uncountedTerminatedPods` that no finalizer holds any more. Whether there are such.
    pub(super) fn forget_released(&mut self) -> bool {
        let held: BTreeSet<String> = self
            .pods
            .iter()
            .filter(|pod| is_tracked(pod))
            .filter_map(|pod| pod.metadata.uid.clone())
            .collect();
        let status = self.status();
        let uncounted = status.uncounted_terminated_pods.get_or_insert_default();
        let release = |uids: &mut Option<Vec<String>>| {
            let before = uids.as_ref().map_or(0, Vec::len);
            if let Some(uids) = uids {
                uids.retain(|uid| held.contains(uid));
            }
            uids.take_if(|uids| uids.is_empty());
            number(before - uids.as_ref().map_or(0, Vec::len))
        };
        let (succeeded, failed) = (release(&mut uncounted.succeeded), release(&mut uncounted.failed));
        if succeeded > 0 {
            status.succeeded = Some(status.succeeded.unwrap_or(0) + succeeded);
        }
        if failed > 0 {
            status.failed = Some(status.failed.unwrap_or(0) + failed);
        }
        succeeded + failed > 0
    }

    /// Ends the Job if all its pods have ended and are counted. How it ended.
    pub(super) fn end(&mut self) -> Option<JobCondition> {
        let finished = self.finished.clone()?;
        let status = self.status();
        let uncounted = status.uncounted_terminated_pods.clone().unwrap_or_default();
        let is_settled = uncounted.succeeded.is_none() && uncounted.failed.is_none();
        if !is_settled || status.terminating.unwrap_or(0) > 0 {
            return None;
        }
        conditions::ensure(&mut status.conditions, finished.clone());
        if finished.type_ == conditions::COMPLETE {
            status.completion_time.clone_from(&finished.last_transition_time);
        }
        Some(finished)
    }
}

/// Uids in a status at one time.
const UNCOUNTED: usize = 500;
