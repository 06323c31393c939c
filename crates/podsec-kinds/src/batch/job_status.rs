//! The status of a Job, which controllers of others may write too: what contradicts itself is refused
//! (`ValidateJobUpdateStatus`). What was wrong before and has not changed may stay.

use std::collections::BTreeSet;

use jiff::Timestamp;
use podsec_apimachinery::field::{Error, Path, json};
use serde_json::Value;

use super::indexes;
use crate::object::{Fields, same};
use crate::{formats, metadata as meta, workload};

/// The rules of a change of the status.
pub(super) fn validate_update(job: &Value, old: &Value) -> Vec<Error> {
    let path = Path::new("status");
    let change = Change { spec: job.at("spec"), now: job.at("status"), then: old.at("status") };
    let mut errors = meta::validate_update(job, old);
    errors.extend(workload::nonnegative(change.now, COUNTS, &path));
    errors.extend(uncounted_pods(change.now, &path.child("uncountedTerminatedPods")));
    errors.extend(change.ends(&path));
    errors.extend(change.finished(&path));
    errors.extend(change.indexes(&path));
    errors.extend(change.late_counts(&path));
    errors.extend(change.conditions(&path.child("conditions")));
    errors.extend(change.undone(&path));
    errors
}

fn uncounted_pods(status: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let mut seen = BTreeSet::new();
    for list in ["succeeded", "failed"] {
        for (index, uid) in status.at("uncountedTerminatedPods").list(list).iter().enumerate() {
            let path = path.child(list).index(index);
            if uid == "" {
                errors.push(Error::invalid(path, uid, "must not be empty"));
            } else if !seen.insert(uid.as_str()) {
                errors.push(Error::duplicate(path, uid));
            }
        }
    }
    errors
}

/// A status and the one before it.
struct Change<'a> {
    spec: &'a Value,
    now: &'a Value,
    then: &'a Value,
}

fn is(status: &Value, condition: &str) -> bool {
    has(status, condition, "True")
}

fn has(status: &Value, condition: &str, value: &str) -> bool {
    let conditions = status.list("conditions").iter();
    conditions.into_iter().any(|own| own.text("type") == condition && own.text("status") == value)
}

fn is_finished(status: &Value) -> bool {
    is(status, "Complete") || is(status, "Failed")
}

impl Change<'_> {
    fn turned(&self, condition: &str) -> bool {
        is(self.now, condition) != is(self.then, condition)
    }

    fn changed(&self, field: &str) -> bool {
        !same(self.now.at(field), self.then.at(field))
    }

    fn turned_finished(&self) -> bool {
        is_finished(self.now) != is_finished(self.then)
    }

    fn is_indexed(&self) -> bool {
        self.spec.text("completionMode") == "Indexed"
    }

    /// How a job ends, and when.
    fn ends(&self, path: &Path) -> Vec<Error> {
        let (now, mut errors) = (self.now, Vec::new());
        let (complete, failed) = (is(now, "Complete"), is(now, "Failed"));
        let conditions = path.child("conditions");
        let mut contradiction =
            |detail: &str| errors.push(Error::invalid_unshown(conditions.clone(), detail));
        if (self.turned("Complete") || self.turned("Failed")) && complete && failed {
            contradiction("cannot set Complete=True and Failed=true conditions");
        }
        if (self.turned("Complete") || self.turned("FailureTarget")) && complete && is(now, "FailureTarget") {
            contradiction("cannot set Complete=True and FailureTarget=true conditions");
        }
        let (time, time_path) = (now.at("completionTime"), path.child("completionTime"));
        if self.turned("Complete") || self.changed("completionTime") {
            if !time.is_null() && !complete {
                let detail = "cannot set completionTime when there is no Complete=True condition";
                errors.push(Error::invalid(time_path.clone(), time, detail));
            }
            if time.is_null() && complete {
                errors
                    .push(Error::required(time_path.clone(), "completionTime is required for Complete jobs"));
            }
        }
        let at = |field: &str| now.text(field).parse::<Timestamp>().ok();
        if (self.changed("startTime") || self.changed("completionTime"))
            && let (Some(start), Some(end)) = (at("startTime"), at("completionTime"))
            && end < start
        {
            errors.push(Error::invalid(time_path, time, "must be equal to or after `startTime`"));
        }
        let mut contradiction =
            |detail: &str| errors.push(Error::invalid_unshown(conditions.clone(), detail));
        if (self.turned("Failed") || self.changed("failedIndexes")) && failed && !is(now, "FailureTarget") {
            contradiction("cannot set Failed=True condition without the FailureTarget=true condition");
        }
        if (self.turned("Complete") || self.turned("SuccessCriteriaMet"))
            && complete
            && !is(now, "SuccessCriteriaMet")
        {
            contradiction("cannot set Complete=True condition without the SuccessCriteriaMet=true condition");
        }
        errors
    }

    /// What a job has no more when it is finished.
    fn finished(&self, path: &Path) -> Vec<Error> {
        let (now, mut errors) = (self.now, Vec::new());
        if !is_finished(now) {
            return errors;
        }
        if (self.turned_finished() || self.changed("active")) && now.number("active") > 0 {
            let detail = "active>0 is invalid for finished job";
            errors.push(Error::invalid(path.child("active"), now.at("active"), detail));
        }
        let idle = self.spec.flag("suspend") && self.spec.integer("completions") == Some(0);
        if (self.turned_finished() || self.changed("startTime")) && !idle && !now.has("startTime") {
            let detail = "startTime is required for finished job";
            errors.push(Error::required(path.child("startTime"), detail));
        }
        let pods = now.at("uncountedTerminatedPods");
        if (self.turned_finished() || self.changed("uncountedTerminatedPods"))
            && !(pods.list("succeeded").is_empty() && pods.list("failed").is_empty())
        {
            let shown = format!(
                "{{\"Succeeded\":{},\"Failed\":{}}}",
                json(pods.at("succeeded")),
                json(pods.at("failed"))
            );
            let path = path.child("uncountedTerminatedPods");
            errors.push(Error::invalid_json(path, &shown, "must be empty for finished job"));
        }
        errors
    }

    /// The indexes that have succeeded and failed.
    fn indexes(&self, path: &Path) -> Vec<Error> {
        let (now, mut errors) = (self.now, Vec::new());
        let completions = self.spec.integer("completions");
        let (completed, failed) = (now.text("completedIndexes"), now.text("failedIndexes"));
        let (completed_path, failed_path) = (path.child("completedIndexes"), path.child("failedIndexes"));
        let refuse =
            |path: &Path, text: &str, detail: &str| Error::invalid(path.clone(), &text.into(), detail);
        let per_index = self.spec.has("backoffLimitPerIndex");
        let unreadable = |field: &str, path: &Path, text: &str| {
            let why = completions.and_then(|completions| indexes::count(text, completions).err());
            why.map(|why| refuse(path, text, &format!("error parsing {field}: {why}")))
        };
        if self.changed("completedIndexes") {
            errors.extend(unreadable("completedIndexes", &completed_path, completed));
        }
        if self.changed("failedIndexes") && per_index && now.has("failedIndexes") {
            errors.extend(unreadable("failedIndexes", &failed_path, failed));
        }
        if self.changed("completedIndexes") && !completed.is_empty() && !self.is_indexed() {
            let detail = "cannot set non-empty completedIndexes when non-indexed completion mode";
            errors.push(refuse(&completed_path, completed, detail));
        }
        if self.changed("failedIndexes") && !per_index && now.has("failedIndexes") {
            let detail = "cannot set non-null failedIndexes when backoffLimitPerIndex is null";
            errors.push(refuse(&failed_path, failed, detail));
        }
        if (self.changed("failedIndexes") || self.changed("completedIndexes"))
            && let Some(completions) = completions
            && let Some(index) = indexes::overlap(completed, failed, completions)
        {
            let detail = format!("failedIndexes and completedIndexes overlap at index: {index}");
            errors.push(refuse(&failed_path, failed, &detail));
        }
        errors
    }

    fn late_counts(&self, path: &Path) -> Vec<Error> {
        let (now, mut errors) = (self.now, Vec::new());
        if (self.turned_finished() || self.changed("terminating"))
            && now.number("terminating") > 0
            && is_finished(now)
        {
            let detail = "terminating>0 is invalid for finished job";
            errors.push(Error::invalid(path.child("terminating"), now.at("terminating"), detail));
        }
        if (self.changed("ready") || self.changed("active")) && now.number("ready") > now.number("active") {
            let detail = "cannot set more ready pods than active";
            errors.push(Error::invalid(path.child("ready"), now.at("ready"), detail));
        }
        errors
    }

    fn conditions(&self, path: &Path) -> Vec<Error> {
        let mut errors = Vec::new();
        let met = is(self.now, "SuccessCriteriaMet");
        let mut refuse = |detail: &str| errors.push(Error::invalid_unshown(path.clone(), detail));
        if met && is(self.now, "Failed") {
            refuse("cannot set SuccessCriteriaMet=True and Failed=true conditions");
        }
        if met && is(self.now, "FailureTarget") {
            refuse("cannot set SuccessCriteriaMet=True and FailureTarget=true conditions");
        }
        if self.spec.has("successPolicy") && !met && is(self.now, "Complete") {
            refuse("cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True");
        }
        errors
    }

    /// What cannot be taken back.
    fn undone(&self, path: &Path) -> Vec<Error> {
        let (now, then, mut errors) = (self.now, self.then, Vec::new());
        let conditions = path.child("conditions");
        for condition in ["Failed", "Complete", "FailureTarget"] {
            if is(then, condition) && !is(now, condition) {
                let detail = format!("cannot disable the terminal {condition}=True condition");
                errors.push(Error::invalid_unshown(conditions.clone(), &detail));
            }
        }
        // The pods of an indexed job that shrinks with its parallelism are counted no more.
        let elastic = self.is_indexed() && self.spec.at("completions") == self.spec.at("parallelism");
        for count in ["failed", "succeeded"] {
            if now.number(count) < then.number(count) && !(count == "succeeded" && elastic) {
                let detail = format!("cannot decrease the {count} counter");
                errors.push(Error::invalid(path.child(count), &now.number(count).into(), &detail));
            }
        }
        let changed = |field: &str| now.has(field) && then.has(field) && self.changed(field);
        if changed("completionTime") {
            let path = path.child("completionTime");
            errors.push(Error::invalid(path, now.at("completionTime"), formats::IMMUTABLE));
        }
        let resumes = is(then, "Suspended") && has(now, "Suspended", "False");
        if then.has("startTime") && self.changed("startTime") && !resumes && !self.spec.flag("suspend") {
            let detail = "field is immutable for unsuspended job once set";
            errors.push(Error::invalid(path.child("startTime"), now.at("startTime"), detail));
        }
        let met = "SuccessCriteriaMet";
        if is(then, met) && !is(now, met) {
            let detail = "cannot disable the SuccessCriteriaMet=True condition";
            errors.push(Error::invalid_unshown(conditions.clone(), detail));
        }
        if is(then, "Complete") && !is(then, met) && is(now, met) {
            let detail = "cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions";
            errors.push(Error::invalid_unshown(conditions, detail));
        }
        errors
    }
}

const COUNTS: &[&str] = &["active", "succeeded", "failed", "ready", "terminating"];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(spec: &Value, now: &Value, then: &Value) -> Vec<String> {
        let meta = json!({ "name": "x", "namespace": "n", "uid": "u" });
        let job = |status: &Value| json!({ "metadata": meta, "spec": spec, "status": status });
        validate_update(&job(now), &job(then)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_status_that_contradicts_itself_is_refused_when_it_comes() {
        let condition = |kind: &str| json!({ "type": kind, "status": "True" });
        let spec = json!({ "completions": 3, "parallelism": 1 });
        let complete = json!({ "active": 1, "conditions": [condition("Complete")] });
        assert_eq!(
            said(&spec, &complete, &json!({})),
            [
                "status.completionTime: Required value: completionTime is required for Complete jobs",
                "status.conditions: Invalid value: cannot set Complete=True condition without the \
                 SuccessCriteriaMet=true condition",
                "status.active: Invalid value: 1: active>0 is invalid for finished job",
                "status.startTime: Required value: startTime is required for finished job",
            ]
        );
        assert_eq!(said(&spec, &complete, &complete), [""; 0]);
        assert_eq!(
            said(&spec, &json!({ "failed": 1 }), &json!({ "failed": 2 })),
            ["status.failed: Invalid value: 1: cannot decrease the failed counter"]
        );
        let overlap = json!({ "completedIndexes": "0-1", "failedIndexes": "1" });
        let indexed = json!({ "completions": 3, "completionMode": "Indexed", "backoffLimitPerIndex": 1 });
        assert_eq!(
            said(&indexed, &overlap, &json!({})),
            [
                "status.failedIndexes: Invalid value: \"1\": failedIndexes and completedIndexes overlap at index: 1"
            ]
        );
    }
}
