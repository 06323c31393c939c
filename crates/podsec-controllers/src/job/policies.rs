//! What a Job makes of failed pods, and when it has succeeded early.

use k8s_openapi::api::batch::v1::{JobSpec, PodFailurePolicyOnExitCodesRequirement, PodFailurePolicyRule};
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use kube::ResourceExt as _;

use super::intervals::Intervals;

/// What a failed pod means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It counts towards the limit.
    Count,
    /// It does not.
    Ignore,
    /// The whole Job has failed, and why.
    FailJob(String),
    /// Its index has failed.
    FailIndex,
}

/// What the pod failure policy says of a failed pod: the first rule that matches decides.
pub(super) fn verdict(spec: &JobSpec, pod: &Pod) -> Verdict {
    let rules = spec.pod_failure_policy.iter().flat_map(|policy| &policy.rules);
    for (index, rule) in rules.enumerate() {
        let Some(reason) = matched(rule, pod) else { continue };
        match rule.action.as_str() {
            "Ignore" => return Verdict::Ignore,
            "FailIndex" => return Verdict::FailIndex,
            "FailJob" => {
                return Verdict::FailJob(format!("{reason} matching FailJob rule at index {index}"));
            }
            _ => return Verdict::Count,
        }
    }
    Verdict::Count
}

fn matched(rule: &PodFailurePolicyRule, pod: &Pod) -> Option<String> {
    let status = pod.status.as_ref()?;
    let name = format!("{}/{}", pod.namespace().unwrap_or_default(), pod.name_any());
    if let Some(codes) = &rule.on_exit_codes {
        let failed = failed_container(status.container_statuses.as_deref(), codes)
            .or_else(|| failed_container(status.init_container_statuses.as_deref(), codes))?;
        let code = exit_code(failed)?;
        return Some(format!("Container {} for pod {name} failed with exit code {code}", failed.name));
    }
    let mut conditions = status.conditions.iter().flatten();
    let patterns = rule.on_pod_conditions.as_ref()?;
    let condition = conditions.find(|condition| {
        patterns.iter().any(|pattern| {
            pattern.type_ == condition.type_
                && pattern.status.as_deref().unwrap_or("True") == condition.status
        })
    })?;
    Some(format!("Pod {name} has condition {}", condition.type_))
}

fn failed_container<'a>(
    statuses: Option<&'a [ContainerStatus]>,
    codes: &PodFailurePolicyOnExitCodesRequirement,
) -> Option<&'a ContainerStatus> {
    statuses?.iter().find(|status| {
        let is_meant = codes.container_name.as_ref().is_none_or(|name| *name == status.name);
        is_meant
            && exit_code(status).is_some_and(|code| {
                let is_listed = codes.values.contains(&code);
                code != 0 && if codes.operator == "NotIn" { !is_listed } else { is_listed }
            })
    })
}

fn exit_code(status: &ContainerStatus) -> Option<i32> {
    Some(status.state.as_ref()?.terminated.as_ref()?.exit_code)
}

/// By which rule of the success policy the Job has succeeded, if by any.
pub(super) fn success(spec: &JobSpec, succeeded: &Intervals) -> Option<String> {
    let policy = spec.success_policy.as_ref().filter(|_| !succeeded.is_empty())?;
    let met = policy.rules.iter().position(|rule| match (&rule.succeeded_indexes, rule.succeeded_count) {
        (Some(indexes), count) => {
            let wanted = Intervals::parse(indexes, spec.completions.unwrap_or(0));
            let common = wanted.common(succeeded);
            !wanted.is_empty() && (common == wanted.total() || count.is_some_and(|count| common >= count))
        }
        (None, Some(count)) => succeeded.total() >= count,
        (None, None) => false,
    })?;
    Some(format!("Matched rules at index {met}"))
}
