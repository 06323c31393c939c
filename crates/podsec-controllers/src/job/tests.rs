//! Jobs as tables: what there is, and what is made, deleted and written.

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use serde_json::{Value, json};

use super::backoff::Failures;
use super::status::Outcome;
use super::sync::Sync;
use super::work::Work;

fn job(spec: &Value, status: &Value) -> Job {
    let mut value = json!({
        "metadata": {"name": "j", "namespace": "n", "uid": "u"},
        "spec": {"parallelism": 2, "completions": 3, "backoffLimit": 2, "completionMode": "NonIndexed",
            "template": {"spec": {"containers": [], "restartPolicy": "Never"}}},
        "status": status,
    });
    for (name, field) in spec.as_object().unwrap() {
        value["spec"][name] = field.clone();
    }
    serde_json::from_value(value).unwrap()
}

fn pod(name: &str, phase: &str, index: Option<i32>, exit_code: i32) -> Arc<Pod> {
    let mut value = json!({
        "metadata": {"name": name, "namespace": "n", "uid": name, "finalizers": ["batch.kubernetes.io/job-tracking"]},
        "status": {"phase": phase, "containerStatuses": [{"name": "c", "image": "", "imageID": "", "ready": false,
            "restartCount": 0, "state": {"terminated": {"exitCode": exit_code, "finishedAt": "2026-01-01T00:00:00Z"}}}]},
    });
    if let Some(index) = index {
        value["metadata"]["annotations"] =
            json!({"batch.kubernetes.io/job-completion-index": index.to_string()});
    }
    Arc::new(serde_json::from_value(value).unwrap())
}

fn synced(spec: &Value, status: &Value, pods: Vec<Arc<Pod>>, at: &str) -> Sync {
    let now: Timestamp = format!("2026-01-01T00:0{at}Z").parse().unwrap();
    Sync::new(&job(spec, status), pods, Failures::default(), now)
}

fn work(spec: &Value, pods: Vec<Arc<Pod>>, at: &str) -> String {
    let sync = synced(spec, &json!({"startTime": "2026-01-01T00:00:00Z"}), pods, at);
    match sync.work() {
        Work::Nothing => "nothing".to_owned(),
        Work::Wait(delay) => format!("wait {}", delay.as_secs()),
        Work::Create(pods) => {
            let names = pods.iter().map(|pod| pod.metadata.generate_name.clone().unwrap());
            format!("create {}", names.collect::<Vec<_>>().join(" "))
        }
        Work::Delete(pods) => format!("delete {}", pods.len()),
        Work::End(pods) => format!("end {} {}", pods.len(), sync.finished.unwrap().reason.unwrap()),
    }
}

#[test]
fn as_many_pods_are_made_as_may_run_and_are_wanted_yet() {
    let plain = json!({});
    assert_eq!(work(&plain, vec![], "0:00"), "create j- j-");
    let running =
        |count: i32| (0..count).map(|number| pod(&number.to_string(), "Running", None, 0)).collect();
    assert_eq!(work(&plain, running(1), "0:00"), "create j-");
    assert_eq!(work(&plain, running(2), "0:00"), "nothing");
    assert_eq!(work(&plain, running(4), "0:00"), "delete 2");
    assert_eq!(work(&json!({"suspend": true}), running(2), "0:00"), "delete 2");
    let two_ended = vec![pod("a", "Succeeded", None, 0), pod("b", "Succeeded", None, 0)];
    assert_eq!(work(&plain, two_ended, "0:00"), "create j-");
}

#[test]
fn a_failed_pod_is_replaced_after_a_while_and_too_many_end_the_job() {
    let failed = |count: i32| (0..count).map(|number| pod(&number.to_string(), "Failed", None, 1)).collect();
    let plain = json!({});
    assert_eq!(work(&plain, failed(1), "0:04"), "wait 6");
    assert_eq!(work(&plain, failed(1), "0:11"), "create j- j-");
    assert_eq!(work(&plain, failed(3), "0:11"), "end 0 BackoffLimitExceeded");
    assert_eq!(work(&json!({"activeDeadlineSeconds": 30}), failed(0), "0:30"), "end 0 DeadlineExceeded");
    let policy = |action: &str| {
        json!({"podFailurePolicy": {"rules": [
        {"action": action, "onExitCodes": {"operator": "In", "values": [1]}}]}})
    };
    assert_eq!(work(&policy("FailJob"), failed(1), "0:04"), "end 0 PodFailurePolicy");
    // What is ignored counts towards no limit.
    assert_eq!(work(&policy("Ignore"), failed(9), "9:59").split(' ').next(), Some("wait"));
}

#[test]
fn an_indexed_job_makes_the_first_indexes_that_are_missing() {
    let indexed = json!({"completionMode": "Indexed", "completions": 5, "parallelism": 3});
    assert_eq!(work(&indexed, vec![], "0:00"), "create j-0- j-1- j-2-");
    let some = vec![pod("a", "Succeeded", Some(0), 0), pod("b", "Running", Some(2), 0)];
    assert_eq!(work(&indexed, some, "0:00"), "create j-1- j-3-");
    let twice = vec![pod("a", "Running", Some(1), 0), pod("b", "Running", Some(1), 0)];
    assert_eq!(work(&indexed, twice, "0:00"), "delete 1");
    let one_is_enough = json!({"completionMode": "Indexed", "completions": 5, "successPolicy":
        {"rules": [{"succeededIndexes": "1-4", "succeededCount": 1}]}});
    assert_eq!(work(&one_is_enough, vec![pod("a", "Succeeded", Some(3), 0)], "0:00"), "end 0 SuccessPolicy");
    let per_index = json!({"completionMode": "Indexed", "completions": 2, "backoffLimitPerIndex": 0});
    let all = vec![pod("a", "Succeeded", Some(0), 0), pod("b", "Failed", Some(1), 1)];
    assert_eq!(work(&per_index, all, "0:00"), "end 0 FailedIndexes");
}

#[test]
fn a_pod_is_counted_once_by_way_of_its_uid() {
    let status = json!({"startTime": "2026-01-01T00:00:00Z", "ready": 0});
    let pods = vec![pod("a", "Succeeded", None, 0), pod("b", "Failed", None, 1)];
    let mut sync = synced(&json!({}), &status, pods, "0:30");
    let tracked = sync.track(Outcome { active: 2, is_done: true, ..Outcome::default() });
    assert!(tracked.is_changed);
    assert_eq!(tracked.counted.len(), 2);
    let written = serde_json::to_value(&sync.job.status).unwrap();
    assert_eq!(written["uncountedTerminatedPods"], json!({"succeeded": ["a"], "failed": ["b"]}));
    assert_eq!((&written["succeeded"], &written["failed"]), (&Value::Null, &Value::Null));
    // The same again, as after a restart: nothing is counted twice.
    let mut again = synced(&json!({}), &written, sync.pods.clone(), "0:30");
    again.track(Outcome { active: 2, is_done: true, ..Outcome::default() });
    assert_eq!(serde_json::to_value(&again.job.status).unwrap(), written);
    // The finalizers are off.
    sync.pods.clear();
    assert!(sync.forget_released());
    let written = serde_json::to_value(&sync.job.status).unwrap();
    assert_eq!((&written["succeeded"], &written["failed"]), (&json!(1), &json!(1)));
    assert_eq!(written["uncountedTerminatedPods"], json!({}));
}

#[test]
fn a_job_is_complete_once_all_its_pods_are_counted() {
    let status = json!({"startTime": "2026-01-01T00:00:00Z", "ready": 0, "succeeded": 2});
    let mut sync = synced(&json!({}), &status, vec![pod("a", "Succeeded", None, 0)], "0:30");
    assert!(matches!(sync.work(), Work::Nothing));
    sync.track(Outcome { is_done: true, ..Outcome::default() });
    assert_eq!(sync.end(), None);
    sync.pods.clear();
    sync.forget_released();
    assert_eq!(sync.end().map(|end| end.type_).as_deref(), Some("Complete"));
    let status = sync.job.status.unwrap();
    let conditions = status.conditions.unwrap();
    let types: Vec<&str> = conditions.iter().map(|condition| condition.type_.as_str()).collect();
    assert_eq!(types, ["SuccessCriteriaMet", "Complete"]);
    assert_eq!(status.succeeded, Some(3));
    assert!(status.completion_time.is_some());
}
