//! What is to be done about a CronJob.

use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::batch::v1::{CronJob, Job};
use kube::ResourceExt as _;
use kube::core::ObjectMeta;

use super::due::{due, until_next};
use super::schedule::Schedule;
use crate::clock::time;
use crate::events::{EventType, reference};
use crate::job::end_of;
use crate::ownership::controller_reference;

/// What people are told.
pub(super) type Told = (EventType, &'static str, String);

/// What is to be done.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) told: Vec<Told>,
    /// Jobs that make room for the next one.
    pub(super) replace: Vec<Arc<Job>>,
    /// The next Job and its time.
    pub(super) create: Option<(Box<Job>, Timestamp)>,
    /// When to look again.
    pub(super) next: Option<Duration>,
}

/// Brings the list of active Jobs up to date. What people are told, and the Jobs that nobody knows of.
pub(super) fn observe(cron_job: &mut CronJob, jobs: &[Arc<Job>]) -> (Vec<Told>, Vec<Arc<Job>>) {
    let (mut told, mut unknown) = (Vec::new(), Vec::new());
    let status = cron_job.status.get_or_insert_default();
    for job in jobs {
        let active = status.active.get_or_insert_default();
        let position = active.iter().position(|active| active.uid == job.metadata.uid);
        let Some(end) = end_of(job) else {
            if position.is_none() {
                unknown.push(Arc::clone(job));
            }
            continue;
        };
        if let Some(position) = position {
            active.remove(position);
            let message = format!("Saw completed job: {}, condition: {}", job.name_any(), end.type_);
            told.push((EventType::Normal, "SawCompletedJob", message));
        }
        let completed = job.status.as_ref().and_then(|status| status.completion_time.clone());
        if end.type_ == "Complete" && completed > status.last_successful_time {
            status.last_successful_time = completed;
        }
    }
    let active = status.active.get_or_insert_default();
    active.retain(|active| {
        let is_there = jobs.iter().any(|job| job.metadata.uid == active.uid);
        if !is_there {
            let name = active.name.as_deref().unwrap_or_default();
            told.push((EventType::Normal, "MissingJob", format!("Active job went missing: {name}")));
        }
        is_there
    });
    status.active.take_if(|active| active.is_empty());
    (told, unknown)
}

/// Whether the next Job is due, and what stands in its way.
pub(super) fn plan(cron_job: &CronJob, jobs: &[Arc<Job>], now: Timestamp) -> Plan {
    let mut plan = Plan::default();
    if cron_job.metadata.deletion_timestamp.is_some() {
        return plan;
    }
    let zone = cron_job.spec.time_zone.as_deref().unwrap_or("UTC");
    let Ok(zone) = TimeZone::get(zone) else {
        let message = format!("invalid timeZone: {zone:?}: unknown time zone {zone}");
        plan.told.push((EventType::Warning, "UnknownTimeZone", message));
        return plan;
    };
    if cron_job.spec.suspend == Some(true) {
        return plan;
    }
    let text = &cron_job.spec.schedule;
    if text.contains("TZ") {
        let message = format!(
            "CRON_TZ or TZ used in schedule {text:?} is not officially supported, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details"
        );
        plan.told.push((EventType::Warning, "UnsupportedSchedule", message));
    }
    let schedule = match Schedule::parse(text, &zone) {
        Ok(schedule) => schedule,
        Err(wrong) => {
            let message = format!("unparseable schedule: {text:?} : {wrong}");
            plan.told.push((EventType::Warning, "UnparseableSchedule", message));
            return plan;
        }
    };
    let last = due(cron_job, &schedule, now, true);
    plan.next = until_next(cron_job, &schedule, now);
    let Some(due) = last.time else { return plan };
    if last.has_missed_many() {
        let message =
            "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew";
        plan.told.push((EventType::Warning, "TooManyMissedTimes", message.to_owned()));
    }
    let deadline = cron_job.spec.starting_deadline_seconds.map(SignedDuration::from_secs);
    if deadline.is_some_and(|deadline| now.duration_since(due) > deadline) {
        let when = due.to_zoned(TimeZone::UTC).strftime("%a, %d %b %Y %H:%M:%S +0000").to_string();
        let message = format!("Missed scheduled time to start a job: {when}");
        plan.told.push((EventType::Warning, "MissSchedule", message));
        return plan;
    }
    let status = cron_job.status.clone().unwrap_or_default();
    let active = status.active.unwrap_or_default();
    let job = job(cron_job, due, &zone);
    let is_made = active.iter().any(|active| active.name == job.metadata.name);
    if is_made || status.last_schedule_time.is_some_and(|last| last.0 == due) {
        return plan;
    }
    match cron_job.spec.concurrency_policy.as_deref() {
        Some("Forbid") if !active.is_empty() => {
            let message =
                "Not starting job because prior execution is running and concurrency policy is Forbid";
            plan.told.push((EventType::Normal, "JobAlreadyActive", message.to_owned()));
            return plan;
        }
        Some("Replace") => {
            let is_active = |job: &Arc<Job>| active.iter().any(|active| active.uid == job.metadata.uid);
            plan.replace = jobs.iter().filter(|job| is_active(job)).cloned().collect();
        }
        _ => {}
    }
    plan.create = Some((Box::new(job), due));
    plan
}

/// The Job of a time; its name tells the minute.
fn job(cron_job: &CronJob, due: Timestamp, zone: &TimeZone) -> Job {
    let template = cron_job.spec.job_template.clone();
    let metadata = template.metadata.unwrap_or_default();
    let mut annotations = metadata.annotations.unwrap_or_default();
    let zoned = due.to_zoned(zone.clone());
    let offset =
        if zoned.offset().seconds() == 0 { "Z".to_owned() } else { zoned.strftime("%:z").to_string() };
    let written = format!("{}{offset}", zoned.strftime("%Y-%m-%dT%H:%M:%S"));
    annotations.insert("batch.kubernetes.io/cronjob-scheduled-timestamp".to_owned(), written);
    Job {
        metadata: ObjectMeta {
            name: Some(format!("{}-{}", cron_job.name_any(), due.as_second().div_euclid(60))),
            namespace: cron_job.namespace(),
            labels: metadata.labels,
            annotations: Some(annotations),
            owner_references: Some(vec![controller_reference(cron_job)]),
            ..ObjectMeta::default()
        },
        spec: template.spec,
        status: None,
    }
}

/// Notes that a Job has been made for a time.
pub(super) fn note_created(cron_job: &mut CronJob, job: &Job, due: Timestamp) {
    let status = cron_job.status.get_or_insert_default();
    status.active.get_or_insert_default().push(reference(job));
    status.last_schedule_time = Some(time(due));
}

/// Notes that a Job is gone.
pub(super) fn note_deleted(cron_job: &mut CronJob, job: &Job) {
    let status = cron_job.status.get_or_insert_default();
    if let Some(active) = &mut status.active {
        active.retain(|active| active.uid != job.metadata.uid);
    }
    status.active.take_if(|active| active.is_empty());
}

/// The finished Jobs beyond the limits, the oldest first.
pub(super) fn forgotten(cron_job: &CronJob, jobs: &[Arc<Job>]) -> Vec<Arc<Job>> {
    let of = |condition: &str, limit: Option<i32>| -> Vec<Arc<Job>> {
        let Some(limit) = limit.and_then(|limit| usize::try_from(limit).ok()) else { return Vec::new() };
        let ended = jobs.iter().filter(|job| end_of(job).is_some_and(|end| end.type_ == condition));
        let mut ended: Vec<_> = ended.cloned().collect();
        ended.sort_by_key(|job| {
            let start = job.status.as_ref().and_then(|status| status.start_time.as_ref().map(|time| time.0));
            (start.is_none(), start, job.name_any())
        });
        let too_many = ended.len().saturating_sub(limit);
        ended.truncate(too_many);
        ended
    };
    let mut forgotten = of("Complete", cron_job.spec.successful_jobs_history_limit);
    forgotten.extend(of("Failed", cron_job.spec.failed_jobs_history_limit));
    forgotten
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn cron_job(spec: &Value, status: &Value) -> CronJob {
        let mut value = json!({
            "metadata": {"name": "c", "namespace": "n", "uid": "u", "creationTimestamp": "2026-01-01T00:00:30Z"},
            "spec": {"schedule": "* * * * *", "jobTemplate": {"spec": {"template": {}}}},
            "status": status,
        });
        for (name, field) in spec.as_object().unwrap() {
            value["spec"][name] = field.clone();
        }
        serde_json::from_value(value).unwrap()
    }

    fn made(name: &str, end: Option<&str>) -> Arc<Job> {
        let conditions = end.map(|end| json!([{"type": end, "status": "True"}]));
        let value = json!({"metadata": {"name": name, "uid": name}, "status": {"conditions": conditions}});
        Arc::new(serde_json::from_value(value).unwrap())
    }

    /// The Job that is made, the Jobs that go, and why something is told.
    fn told(cron_job: &CronJob, jobs: &[Arc<Job>]) -> (Option<String>, usize, Vec<&'static str>) {
        let plan = plan(cron_job, jobs, "2026-01-01T00:05:10Z".parse().unwrap());
        let reasons = plan.told.iter().map(|(_, reason, _)| *reason).collect();
        (plan.create.map(|(job, _)| job.name_any()), plan.replace.len(), reasons)
    }

    #[test]
    fn a_job_is_made_at_its_time_unless_something_stands_in_the_way() {
        let name = Some("c-29453765".to_owned());
        let running = json!({"active": [{"name": "x", "uid": "x"}]});
        let nothing = json!({});
        assert_eq!(told(&cron_job(&nothing, &nothing), &[]), (name.clone(), 0, vec![]));
        assert_eq!(told(&cron_job(&json!({"suspend": true}), &nothing), &[]), (None, 0, vec![]));
        let forbid = json!({"concurrencyPolicy": "Forbid"});
        assert_eq!(told(&cron_job(&forbid, &running), &[]), (None, 0, vec!["JobAlreadyActive"]));
        let replace = json!({"concurrencyPolicy": "Replace"});
        assert_eq!(told(&cron_job(&replace, &running), &[made("x", None)]), (name.clone(), 1, vec![]));
        let late = json!({"schedule": "4 * * * *", "startingDeadlineSeconds": 60});
        assert_eq!(told(&cron_job(&late, &nothing), &[]), (None, 0, vec![]));
        let done = json!({"lastScheduleTime": "2026-01-01T00:05:00Z"});
        assert_eq!(told(&cron_job(&nothing, &done), &[]), (None, 0, vec![]));
        let zone = json!({"timeZone": "Nowhere/Town"});
        assert_eq!(told(&cron_job(&zone, &nothing), &[]), (None, 0, vec!["UnknownTimeZone"]));
    }

    #[test]
    fn jobs_that_have_ended_or_gone_are_active_no_more() {
        let active = json!({"active": [{"name": "a", "uid": "a"}, {"name": "b", "uid": "b"}, {"name": "c", "uid": "c"}]});
        let mut cron_job = cron_job(&json!({}), &active);
        let jobs = [made("a", Some("Complete")), made("b", None), made("d", None)];
        let (told, unknown) = observe(&mut cron_job, &jobs);
        let messages: Vec<&str> = told.iter().map(|(_, _, message)| message.as_str()).collect();
        assert_eq!(messages, ["Saw completed job: a, condition: Complete", "Active job went missing: c"]);
        assert_eq!(unknown[0].name_any(), "d");
        assert_eq!(cron_job.status.unwrap().active.unwrap().len(), 1);
    }

    #[test]
    fn ended_jobs_beyond_the_limits_go() {
        let limits = json!({"successfulJobsHistoryLimit": 1, "failedJobsHistoryLimit": 0});
        let jobs = [
            made("a", Some("Complete")),
            made("b", Some("Complete")),
            made("f", Some("Failed")),
            made("r", None),
        ];
        let gone = forgotten(&cron_job(&limits, &json!({})), &jobs);
        assert_eq!(gone.iter().map(|job| job.name_any()).collect::<Vec<_>>(), ["a", "f"]);
    }
}
