//! Which of a CronJob's times is due, and when to look again.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::batch::v1::CronJob;

use super::schedule::Schedule;

/// The last time that has come since a Job was made, if any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) time: Option<Timestamp>,
    /// From where the times were counted.
    earliest: Timestamp,
    missed: i64,
}

impl Due {
    /// Whether so many times have passed that something is wrong.
    pub(super) fn has_missed_many(self) -> bool {
        self.missed > 100
    }
}

/// Finds the last time that has come. Those before the starting deadline do not count, if `with_deadline`.
pub(super) fn due(cron_job: &CronJob, schedule: &Schedule, now: Timestamp, with_deadline: bool) -> Due {
    let status = cron_job.status.as_ref();
    let last = status.and_then(|status| status.last_schedule_time.as_ref());
    let created = cron_job.metadata.creation_timestamp.as_ref();
    let mut earliest = last.or(created).map_or(now, |time| time.0);
    if let Some(deadline) = cron_job.spec.starting_deadline_seconds.filter(|_| with_deadline) {
        let bound = now.checked_sub(SignedDuration::from_secs(deadline)).unwrap_or(Timestamp::MIN);
        earliest = earliest.max(bound);
    }
    let none = Due { time: None, earliest, missed: 0 };
    let Some(first) = schedule.next(earliest).filter(|first| *first <= now) else { return none };
    let second = match schedule.next(first) {
        Some(second) if second <= now => second,
        _ => return Due { time: Some(first), ..none },
    };
    let between = second.duration_since(first).as_secs().max(1);
    let missed = now.duration_since(first).as_secs() / between + 1;
    // Not one after the other: there may have been millions.
    let near = first.checked_add(SignedDuration::from_secs((missed - 2).max(0).saturating_mul(between)));
    let mut time = near.ok().filter(|near| *near <= now).unwrap_or(first);
    let mut last = (time <= first).then_some(first);
    while let Some(next) = schedule.next(time).filter(|next| *next <= now) {
        time = next;
        last = Some(next);
    }
    Due { time: last, earliest, missed }
}

/// After what time the next Job may be due.
pub(super) fn until_next(cron_job: &CronJob, schedule: &Schedule, now: Timestamp) -> Option<Duration> {
    let due = due(cron_job, schedule, now, false);
    let from = due.time.unwrap_or(if due.missed == 0 { due.earliest } else { now });
    let next = schedule.next(from)?;
    // A little later, so that the time has surely come.
    Some(Duration::try_from(next.duration_since(now)).unwrap_or_default() + DELTA)
}

const DELTA: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use serde_json::json;

    use super::*;

    fn cron_job(last: Option<&str>, deadline: Option<i64>) -> CronJob {
        serde_json::from_value(json!({
            "metadata": {"name": "c", "creationTimestamp": "2026-01-01T10:00:30Z"},
            "spec": {"schedule": "", "jobTemplate": {}, "startingDeadlineSeconds": deadline},
            "status": {"lastScheduleTime": last},
        }))
        .unwrap()
    }

    fn told(
        schedule: &str,
        last: Option<&str>,
        deadline: Option<i64>,
        now: &str,
    ) -> (Option<String>, i64, u64) {
        let schedule = Schedule::parse(schedule, &TimeZone::UTC).unwrap();
        let (cron_job, now) = (cron_job(last, deadline), now.parse().unwrap());
        let due = due(&cron_job, &schedule, now, true);
        let wait = until_next(&cron_job, &schedule, now).unwrap().as_secs();
        (due.time.map(|time| time.to_string()), due.missed, wait)
    }

    #[test]
    fn the_last_time_that_has_come_is_due() {
        let at = |text: &str| Some(text.to_owned());
        assert_eq!(told("* * * * *", None, None, "2026-01-01T10:00:50Z"), (None, 0, 10));
        assert_eq!(
            told("* * * * *", None, None, "2026-01-01T10:01:00Z"),
            (at("2026-01-01T10:01:00Z"), 0, 60)
        );
        assert_eq!(
            told("* * * * *", None, None, "2026-01-01T10:05:20Z"),
            (at("2026-01-01T10:05:00Z"), 5, 40)
        );
        let last = Some("2026-01-01T10:05:00Z");
        assert_eq!(told("* * * * *", last, None, "2026-01-01T10:05:20Z"), (None, 0, 40));
        assert_eq!(told("0 * * * *", None, Some(60), "2026-01-01T11:05:00Z"), (None, 0, 3300));
        assert_eq!(told("* * * * *", None, None, "2036-01-01T00:00:00Z").0, at("2036-01-01T00:00:00Z"));
    }
}
