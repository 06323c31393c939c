//! What a Job asks of its pods.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::batch::v1::{Job, JobSpec};
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use kube::ResourceExt as _;

use crate::pods::state::{condition, phase};

/// Whether a Job's pods have indexes.
pub(super) fn is_indexed(spec: &JobSpec) -> bool {
    spec.completion_mode.as_deref() == Some("Indexed")
}

/// Whether a pod is replaced only once it has failed, not while it is ending.
pub(super) fn replaces_failed_only(spec: &JobSpec) -> bool {
    spec.pod_replacement_policy.as_deref() == Some("Failed") || spec.pod_failure_policy.is_some()
}

/// Whether a pod has not been counted in the Job's status yet.
pub(super) fn is_tracked(pod: &Pod) -> bool {
    pod.finalizers().iter().any(|finalizer| finalizer == FINALIZER)
}

/// Whether a pod counts as failed.
pub(super) fn is_failed(pod: &Pod, spec: &JobSpec) -> bool {
    phase(pod) == "Failed"
        || !replaces_failed_only(spec)
            && pod.metadata.deletion_timestamp.is_some()
            && phase(pod) != "Succeeded"
}

/// The completion index of a pod, if it has one.
pub(super) fn index(pod: &Pod) -> Option<i32> {
    number(pod, INDEX)
}

/// The completion index of a pod of this Job, if it is one of those that the Job has.
pub(super) fn valid_index(pod: &Pod, spec: &JobSpec) -> Option<i32> {
    index(pod).filter(|index| *index < spec.completions.unwrap_or(0))
}

/// How often pods of this index have failed before.
pub(super) fn failures_before(pod: &Pod) -> i32 {
    number(pod, INDEX_FAILURES).unwrap_or(0)
}

/// How often they have failed in a way that does not count.
pub(super) fn ignored_before(pod: &Pod) -> i32 {
    number(pod, INDEX_IGNORED).unwrap_or(0)
}

fn number(pod: &Pod, annotation: &str) -> Option<i32> {
    pod.annotations().get(annotation)?.parse().ok().filter(|number| *number >= 0)
}

/// When a pod has ended, as far as that is known.
pub(super) fn finished_at(pod: &Pod) -> Timestamp {
    containers_finished(pod)
        .or_else(|| {
            let ready = condition(pod, "Ready").filter(|condition| condition.status == "False")?;
            ready.last_transition_time.as_ref().map(|time| time.0)
        })
        .or_else(|| {
            let grace = pod.metadata.deletion_grace_period_seconds.unwrap_or(0);
            let deleted = pod.metadata.deletion_timestamp.as_ref()?.0;
            deleted.checked_sub(SignedDuration::from_secs(grace)).ok()
        })
        .or_else(|| pod.metadata.creation_timestamp.as_ref().map(|time| time.0))
        .unwrap_or(Timestamp::UNIX_EPOCH)
}

fn containers_finished(pod: &Pod) -> Option<Timestamp> {
    let status = pod.status.as_ref()?;
    let sidecars = pod.spec.iter().flat_map(|spec| spec.init_containers.iter().flatten());
    let sidecars: Vec<&str> = sidecars
        .filter(|container| container.restart_policy.as_deref() == Some("Always"))
        .map(|container| container.name.as_str())
        .collect();
    let inits = status.init_container_statuses.iter().flatten();
    let inits = inits.filter(|status| sidecars.contains(&status.name.as_str()));
    let mut last = None;
    for container in status.container_statuses.iter().flatten().chain(inits) {
        let finished = terminated(container)?;
        last = last.max(Some(finished));
    }
    last
}

fn terminated(container: &ContainerStatus) -> Option<Timestamp> {
    let terminated = container.state.as_ref()?.terminated.as_ref()?;
    terminated.finished_at.as_ref().map(|time| time.0)
}

/// Whether a Job is to have no pods for now.
pub(super) fn is_suspended(job: &Job) -> bool {
    job.spec.as_ref().and_then(|spec| spec.suspend) == Some(true)
}

/// What keeps a pod until its Job has counted it.
pub(super) const FINALIZER: &str = "batch.kubernetes.io/job-tracking";
pub(super) const INDEX: &str = "batch.kubernetes.io/job-completion-index";
pub(super) const INDEX_FAILURES: &str = "batch.kubernetes.io/job-index-failure-count";
pub(super) const INDEX_IGNORED: &str = "batch.kubernetes.io/job-index-ignored-failure-count";
