//! What may change in a pod once it exists.

use std::collections::BTreeSet;

use podsec_apimachinery::field::{Error, Path};
use podsec_apimachinery::quote::quoted;
use serde_json::Value;

use super::annotations::APP_ARMOR;
use super::{CONTAINER_LISTS, scheduling, validation};
use crate::metadata as meta;
use crate::object::{Fields, FieldsMut, metadata, same};
use crate::{formats, internal, ip};

/// What is wrong with a change of a pod.
pub(crate) fn validate_pod_update(pod: &Value, old: &Value) -> Vec<Error> {
    let mut errors = meta::validate_update(pod, old);
    errors.extend(validation::validate_pod(pod));
    errors.extend(annotation_updates(pod, old));
    let path = Path::new("spec");
    let (spec, old_spec) = (pod.at("spec"), old.at("spec"));
    for list in ["containers", "initContainers"] {
        if spec.list(list).len() != old_spec.list(list).len() {
            let detail = "pod updates may not add or remove containers";
            errors.push(Error::forbidden(path.child(list), detail));
            return errors;
        }
    }
    let (now, then) = (spec.integer("activeDeadlineSeconds"), old_spec.integer("activeDeadlineSeconds"));
    let deadline_path = path.child("activeDeadlineSeconds");
    let wrong = match (now, then) {
        (Some(now), _) if !(0..=i64::from(i32::MAX)).contains(&now) => {
            Some("must be between 0 and 2147483647, inclusive")
        }
        (Some(now), Some(then)) if then < now => Some("must be less than or equal to previous value"),
        (None, Some(_)) => {
            let detail = "must not update from a positive integer to nil value";
            errors.push(Error::invalid(deadline_path.clone(), &Value::Null, detail));
            None
        }
        _ => None,
    };
    if let Some(wrong) = wrong {
        errors.push(Error::invalid(deadline_path, spec.at("activeDeadlineSeconds"), wrong));
        return errors;
    }
    errors.extend(only_added_tolerations(spec, old_spec, &path.child("tolerations")));
    errors.extend(only_removed_gates(spec, old_spec, &path.child("schedulingGates")));
    if !old_spec.list("schedulingGates").is_empty() {
        errors.extend(only_narrower(spec, old_spec, &path));
    }
    let kept = with_updatable_fields_of(spec, old_spec);
    // Kubernetes tells an empty structure from none, where it does not tell an empty list from none.
    let appears = |field: &&str| kept.has(field) != old_spec.has(field);
    if !same(&kept, old_spec) || STRUCTURES.iter().any(appears) {
        let diff = internal::diff("PodSpec", &internal::pod_spec(old_spec), &internal::pod_spec(&kept));
        errors.push(Error::forbidden(path, &format!("{UPDATABLE}\n{diff}")));
    }
    errors
}

/// What is wrong with a change through `pods/ephemeralcontainers`: they may only be added.
pub(crate) fn validate_ephemeral_containers_update(pod: &Value, old: &Value) -> Vec<Error> {
    let mut errors = meta::validate_update(pod, old);
    errors.extend(validation::validate_pod(pod));
    errors.extend(annotation_updates(pod, old));
    let path = Path::new("spec").child("ephemeralContainers");
    let (now, then) =
        (pod.at("spec").list("ephemeralContainers"), old.at("spec").list("ephemeralContainers"));
    for container in then {
        let name = container.text("name");
        match now.iter().find(|other| other.text("name") == name) {
            None => {
                let detail = format!("existing ephemeral containers {} may not be removed\n", quoted(name));
                errors.push(Error::forbidden(path.clone(), &detail));
            }
            Some(other) if !same(other, container) => {
                let diff = internal::diff("EphemeralContainer", container, other);
                let detail =
                    format!("existing ephemeral containers {} may not be changed\n{diff}", quoted(name));
                errors.push(Error::forbidden(path.clone(), &detail));
            }
            Some(_) => {}
        }
    }
    errors
}

/// What is wrong with a change of a pod's status.
pub(crate) fn validate_status_update(pod: &Value, old: &Value) -> Vec<Error> {
    let mut errors = meta::validate_update(pod, old);
    errors.extend(annotation_updates(pod, old));
    for (index, condition) in pod.at("status").list("conditions").iter().enumerate() {
        let kind = condition.text("type");
        if !matches!(kind, "PodScheduled" | "Ready" | "Initialized") {
            let path = Path::new("metadata").child("conditions").index(index).child("Type");
            errors.extend(formats::invalid(&path, kind, formats::qualified_name(kind)));
        }
    }
    let path = Path::new("status");
    let (status, old_status) = (pod.at("status"), old.at("status"));
    let nominated = status.text("nominatedNodeName");
    if !nominated.is_empty() && nominated != old_status.text("nominatedNodeName") {
        let reasons = formats::subdomain(nominated);
        errors.extend(formats::invalid(&path.child("nominatedNodeName"), nominated, reasons));
    }
    if status.text("qosClass") != old_status.text("qosClass") {
        let class = status.text("qosClass").into();
        errors.push(Error::invalid(path.child("qosClass"), &class, formats::IMMUTABLE));
    }
    errors.extend(claim_statuses(pod, &path.child("resourceClaimStatuses")));
    let restart_policy = old.at("spec").text("restartPolicy");
    for (list, policy) in [
        ("containerStatuses", restart_policy),
        ("initContainerStatuses", restart_policy),
        ("ephemeralContainerStatuses", "Never"),
    ] {
        errors.extend(ended_stays_ended(status.list(list), old_status.list(list), policy, &path.child(list)));
    }
    for list in ["podIPs", "hostIPs"] {
        for (index, address) in status.list(list).iter().enumerate() {
            errors.extend(ip::validate_legacy(
                address.text("ip"),
                &path.child(list).index(index).child("ip"),
                &[],
            ));
        }
    }
    errors
}

/// Each status of a claim is that of a claim of the pod.
fn claim_statuses(pod: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let mut seen = BTreeSet::new();
    for (index, status) in pod.at("status").list("resourceClaimStatuses").iter().enumerate() {
        let path = path.index(index);
        let name = status.text("name");
        if !pod.at("spec").list("resourceClaims").iter().any(|claim| claim.text("name") == name) {
            let detail = "must match the name of an entry in `spec.resourceClaims`";
            errors.push(Error::invalid(path.child("name"), &name.into(), detail));
        }
        if !seen.insert(name) {
            errors.push(Error::duplicate(path.child("name"), &name.into()));
        }
        if let Some(claim) = status.at("resourceClaimName").as_str() {
            let reasons = formats::subdomain(claim);
            errors.extend(formats::invalid(&path.child("resourceClaimName"), claim, reasons));
        }
    }
    errors
}

fn ended_stays_ended(now: &[Value], then: &[Value], restart_policy: &str, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    if restart_policy == "Always" {
        return errors;
    }
    for (index, old) in then.iter().enumerate() {
        let Some(ended) = old.at("state").field("terminated") else { continue };
        if ended.number("exitCode") != 0 && restart_policy == "OnFailure" {
            continue;
        }
        let runs = |new: &&Value| new.text("name") == old.text("name") && !new.at("state").has("terminated");
        for _ in now.iter().filter(runs) {
            let detail = "may not be transitioned to non-terminated state";
            errors.push(Error::forbidden(path.index(index).child("state"), detail));
        }
    }
    errors
}

/// AppArmor and mirror-pod annotations stay as they are.
fn annotation_updates(pod: &Value, old: &Value) -> Vec<Error> {
    let path = Path::new("metadata").child("annotations");
    let (now, then) = (metadata(pod).at("annotations"), metadata(old).at("annotations"));
    let kind = |key: &str| match key {
        "kubernetes.io/config.mirror" => Some("mirror pod annotation"),
        _ => key.starts_with(APP_ARMOR).then_some("AppArmor annotations"),
    };
    let mut errors = Vec::new();
    for (key, value) in metadata(old).entries("annotations") {
        if let Some(kind) = kind(key).filter(|_| now.at(key) != value) {
            errors.push(Error::forbidden(path.key(key), &format!("may not remove or update {kind}")));
        }
    }
    for (key, _) in metadata(pod).entries("annotations") {
        if let Some(kind) = kind(key).filter(|_| !then.has(key)) {
            errors.push(Error::forbidden(path.key(key), &format!("may not add {kind}")));
        }
    }
    errors
}

fn only_added_tolerations(spec: &Value, old: &Value, path: &Path) -> Vec<Error> {
    let without_seconds = |toleration: &Value| {
        let mut fields = toleration.as_object().cloned().unwrap_or_default();
        fields.remove("tolerationSeconds");
        Value::Object(fields)
    };
    let kept = old.list("tolerations").iter().all(|toleration| {
        let toleration = without_seconds(toleration);
        spec.list("tolerations").iter().any(|other| same(&without_seconds(other), &toleration))
    });
    if kept {
        scheduling::tolerations(spec.list("tolerations"), path)
    } else {
        let detail = "existing toleration can not be modified except its tolerationSeconds";
        vec![Error::forbidden(path.clone(), detail)]
    }
}

fn only_removed_gates(spec: &Value, old: &Value, path: &Path) -> Vec<Error> {
    let known = |gate: &Value| {
        old.list("schedulingGates").iter().any(|other| other.text("name") == gate.text("name"))
    };
    spec.list("schedulingGates")
        .iter()
        .enumerate()
        .filter(|(_, gate)| !known(gate))
        .map(|(index, gate)| {
            let detail =
                format!("only deletion is allowed, but found new scheduling gate '{}'", gate.text("name"));
            Error::forbidden(path.index(index).child("name"), &detail)
        })
        .collect()
}

/// A pod that waits at a gate may be told more narrowly where to go, and nowhere else.
fn only_narrower(spec: &Value, old: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let selector = spec.at("nodeSelector");
    if !old.entries("nodeSelector").all(|(key, value)| selector.at(key) == value) {
        let detail = "only additions to spec.nodeSelector are allowed (no mutations or deletions)";
        errors.push(Error::invalid(path.child("nodeSelector"), selector, detail));
    }
    let required = |spec: &Value| spec.at("affinity").at("nodeAffinity").at(REQUIRED).clone();
    let (now, then) = (required(spec), required(old));
    let (now, then) = (now.list("nodeSelectorTerms"), then.list("nodeSelectorTerms"));
    let path = path.child("affinity").child("nodeAffinity").child(REQUIRED).child("nodeSelectorTerms");
    if !then.is_empty() && now.len() != then.len() {
        let detail = "no additions/deletions to non-empty NodeSelectorTerms list are allowed";
        errors.push(Error::invalid(path, &Value::from(now.to_vec()), detail));
        return errors;
    }
    for (index, (now, then)) in now.iter().zip(then).enumerate() {
        let lists = ["matchExpressions", "matchFields"];
        let empty = |term: &Value| lists.iter().all(|list| term.list(list).is_empty());
        let grows = lists.iter().all(|list| now.list(list).starts_with(then.list(list)));
        if !grows || (empty(then) && !empty(now)) {
            let detail = "only additions are allowed (no mutations or deletions)";
            errors.push(Error::invalid(path.index(index), now, detail));
        }
    }
    errors
}

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";

/// The spec as it would be had none of the fields changed that may.
fn with_updatable_fields_of(spec: &Value, old: &Value) -> Value {
    let mut fields = spec.as_object().cloned().unwrap_or_default();
    for list in CONTAINER_LISTS {
        if let Some(containers) = fields.get_mut(list).and_then(Value::as_array_mut) {
            for (container, old) in containers.iter_mut().zip(old.list(list)) {
                if let (Some(container), true) = (container.as_object_mut(), list != "ephemeralContainers") {
                    container.copy("image", old);
                }
            }
        }
    }
    let mut updatable = vec!["activeDeadlineSeconds", "schedulingGates", "tolerations"];
    if old.number("terminationGracePeriodSeconds") < 0 && spec.number("terminationGracePeriodSeconds") == 1 {
        updatable.push("terminationGracePeriodSeconds");
    }
    // A pod that waits at a gate may still be told where to go, more narrowly.
    if !old.list("schedulingGates").is_empty() {
        updatable.push("nodeSelector");
        let mut affinity = fields.get("affinity").and_then(Value::as_object).cloned().unwrap_or_default();
        affinity.copy("nodeAffinity", old.at("affinity"));
        // An affinity that holds nothing besides is the same as none.
        if affinity.is_empty() && !old.has("affinity") {
            fields.remove("affinity");
        } else {
            fields.insert("affinity".to_owned(), Value::Object(affinity));
        }
    }
    for field in updatable {
        fields.copy(field, old);
    }
    Value::Object(fields)
}

/// The optional structures of a spec.
const STRUCTURES: &[&str] =
    &["affinity", "dnsConfig", "os", "resources", "schedulingGroup", "securityContext"];

/// A diff of the two specs follows it.
const UPDATABLE: &str = "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(spec: &Value) -> Value {
        let mut pod = json!({ "metadata": { "name": "p", "namespace": "n" }, "spec": {
            "containers": [{ "name": "c", "image": "x" }], "tolerations": [{ "key": "a", "operator": "Exists" }]
        } });
        for (field, value) in spec.as_object().unwrap() {
            pod["spec"][field] = value.clone();
        }
        (crate::core::pods::STRATEGY.default)(&mut pod);
        pod
    }

    fn errors(change: &Value) -> Vec<String> {
        validate_pod_update(&pod(change), &pod(&json!({}))).iter().map(Error::to_string).collect()
    }

    #[test]
    fn images_deadlines_and_more_tolerations_may_change() {
        assert_eq!(
            errors(&json!({ "containers": [{ "name": "c", "image": "y:1", "imagePullPolicy": "Always" }] })),
            [""; 0]
        );
        assert_eq!(errors(&json!({ "activeDeadlineSeconds": 5 })), [""; 0]);
        let more = json!([{ "key": "a", "operator": "Exists" }, { "key": "b", "operator": "Exists" }]);
        assert_eq!(errors(&json!({ "tolerations": more })), [""; 0]);
    }

    #[test]
    fn nothing_else_may_change() {
        let host_network = errors(&json!({ "hostNetwork": true })).concat();
        assert!(host_network.starts_with(&format!("spec: Forbidden: {UPDATABLE}\n@@ -")), "{host_network}");
        let change = "  \"SecurityContext\": {\n-  \"HostNetwork\": false,\n+  \"HostNetwork\": true,\n   \"HostPID\": false,\n";
        assert!(host_network.contains(change.trim_start_matches(' ')), "{host_network}");
        assert_eq!(
            errors(&json!({ "tolerations": [] })),
            [
                "spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds"
            ]
        );
        let two = json!([{ "name": "c", "image": "x" }, { "name": "d", "image": "x" }]);
        assert_eq!(
            errors(&json!({ "containers": two })),
            ["spec.containers: Forbidden: pod updates may not add or remove containers"]
        );
    }
}
