//! The conditions of a Job.

use jiff::Timestamp;
use k8s_openapi::api::batch::v1::{Job, JobCondition};

use crate::clock::time;

/// A condition as of now.
pub(super) fn condition(
    condition_type: &str,
    status: &str,
    reason: &str,
    message: &str,
    now: Timestamp,
) -> JobCondition {
    JobCondition {
        type_: condition_type.to_owned(),
        status: status.to_owned(),
        reason: Some(reason.to_owned()),
        message: Some(message.to_owned()),
        last_probe_time: Some(time(now)),
        last_transition_time: Some(time(now)),
    }
}

/// A condition of this type that holds.
pub(super) fn find<'a>(
    conditions: Option<&'a [JobCondition]>,
    condition_type: &str,
) -> Option<&'a JobCondition> {
    let mut conditions = conditions.unwrap_or_default().iter();
    conditions.find(|condition| condition.type_ == condition_type && condition.status == "True")
}

/// Puts a condition in the place of the one of its type, or at the end if it holds. Whether that is news.
pub(super) fn ensure(conditions: &mut Option<Vec<JobCondition>>, condition: JobCondition) -> bool {
    let known = conditions.iter_mut().flatten().find(|known| known.type_ == condition.type_);
    match known {
        Some(known) => {
            let is_news = known.status != condition.status
                || known.reason != condition.reason
                || known.message != condition.message;
            if is_news {
                *known = condition;
            }
            is_news
        }
        None if condition.status == "False" => false,
        None => {
            conditions.get_or_insert_default().push(condition);
            true
        }
    }
}

/// How a Job has ended, if it has: a condition `Complete` or `Failed`.
pub(crate) fn end_of(job: &Job) -> Option<&JobCondition> {
    let conditions = job.status.as_ref()?.conditions.as_deref();
    find(conditions, COMPLETE).or_else(|| find(conditions, FAILED))
}

pub(super) const COMPLETE: &str = "Complete";
pub(super) const FAILED: &str = "Failed";
/// It has failed, and its pods are ending.
pub(super) const FAILURE_TARGET: &str = "FailureTarget";
/// It has succeeded, and its pods are ending.
pub(super) const SUCCESS_CRITERIA_MET: &str = "SuccessCriteriaMet";
pub(super) const SUSPENDED: &str = "Suspended";
