//! What `pods/resize` may change: processor time and memory of containers, and nothing that makes the pod another one.

use podsec_apimachinery::field::{Error, Path};
use serde_json::Value;

use super::{qos, validation};
use crate::metadata as meta;
use crate::object::{Fields, metadata, same};

/// What is wrong with a change of a pod's resources.
pub(crate) fn validate_update(pod: &Value, old: &Value) -> Vec<Error> {
    let mut errors = meta::validate_update(pod, old);
    errors.extend(validation::validate_pod(pod));
    let (spec, old_spec, path) = (pod.at("spec"), old.at("spec"), Path::new("spec"));
    let nowhere = Path::new("");
    if metadata(old).at("annotations").has(MIRROR_POD) {
        return vec![Error::forbidden(nowhere, "static pods cannot be resized")];
    }
    if old_spec.at("os").text("name") == "windows" {
        return vec![Error::forbidden(nowhere, "windows pods cannot be resized")];
    }
    let class = match old.at("status").text("qosClass") {
        "" => qos::class(old_spec),
        known => known,
    };
    if class != qos::class(spec) {
        let shown = pod.at("status").text("qosClass").into();
        errors.push(Error::invalid(
            path.clone(),
            &shown,
            "Pod QOS Class may not change as a result of resizing",
        ));
    }
    let mut running = old.at("status").list("containerStatuses").iter();
    if running.find(|status| status.at("state").has("running")).is_some_and(|status| !status.has("resources"))
    {
        errors.push(Error::forbidden(path.clone(), "Pod running on node without support for resize"));
    }
    errors.extend(pod_level(spec, old_spec, &path));
    if !old.at("status").list("nodeAllocatableResourceClaimStatuses").is_empty() {
        let detail = "pods with node allocatable resource claims cannot be resized";
        errors.push(Error::forbidden(path.clone(), detail));
    }
    let reordered = order(spec, old_spec, &path);
    if !reordered.is_empty() {
        errors.extend(reordered);
        return errors;
    }
    errors.extend(containers(spec, old_spec, &path));
    errors
}

fn order(spec: &Value, old: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    for list in ["containers", "initContainers"] {
        let (new, old, path) = (spec.list(list), old.list(list), path.child(list));
        if new.len() != old.len() {
            errors.push(Error::forbidden(path, &format!("{list} may not be added or removed on resize")));
            continue;
        }
        for (index, (new, old)) in new.iter().zip(old).enumerate() {
            if new.text("name") != old.text("name") {
                let detail = format!("{list} may not be renamed or reordered on resize");
                errors.push(Error::forbidden(path.index(index).child("name"), &detail));
            }
        }
    }
    errors
}

/// The resources of the pod as a whole.
fn pod_level(spec: &Value, old: &Value, path: &Path) -> Vec<Error> {
    let (new, old, path) = (spec.at("resources"), old.at("resources"), path.child("resources"));
    let mut errors = Vec::new();
    if !old.is_null() {
        if new.is_null() {
            return vec![Error::forbidden(path, "pod-level resources cannot be removed")];
        }
        for (list, what) in [("requests", "requests"), ("limits", "limits")] {
            if is_removed(new.at(list), old.at(list)) {
                let detail = format!("pod-level resource {what} cannot be removed");
                errors.push(Error::forbidden(path.child(list), &detail));
            }
        }
    }
    if !same(&with_cpu_and_memory_of(new, old), old) {
        let detail = "only cpu and memory resources are mutable at pod-level";
        errors.push(Error::forbidden(Path::new("spec"), detail));
    }
    errors
}

/// Containers in the same order as before.
fn containers(spec: &Value, old_spec: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    for list in ["initContainers", "containers"] {
        for (index, (new, old)) in spec.list(list).iter().zip(old_spec.list(list)).enumerate() {
            let path = path.child(list).index(index).child("resources");
            let (new, old) = (new.at("resources"), old.at("resources"));
            for list in ["requests", "limits"] {
                if is_removed(new.at(list), old.at(list)) {
                    let detail = format!("resource {list} cannot be removed");
                    errors.push(Error::forbidden(path.child(list), &detail));
                }
            }
        }
    }
    for (new, old) in spec.list("containers").iter().zip(old_spec.list("containers")) {
        if !is_same_but_cpu_and_memory(new, old) {
            errors.push(Error::forbidden(path.clone(), ONLY_CPU_AND_MEMORY));
        }
    }
    for (index, (new, old)) in
        spec.list("initContainers").iter().zip(old_spec.list("initContainers")).enumerate()
    {
        let path = path.child("initContainers").index(index);
        if !is_same_but_cpu_and_memory(new, old) {
            let detail = "only cpu and memory resources for init or sidecar containers are mutable";
            errors.push(Error::forbidden(path.clone(), detail));
        }
        let restarts =
            new.list("resizePolicy").iter().any(|policy| policy.text("restartPolicy") == "RestartContainer");
        if restarts && new.text("restartPolicy") != "Always" && !same(new, old) {
            let detail =
                "non-sidecar init containers with a resize policy of RestartContainer cannot be resized";
            errors.push(Error::forbidden(path, detail));
        }
    }
    errors
}

fn is_same_but_cpu_and_memory(new: &Value, old: &Value) -> bool {
    let mut equalized = new.clone();
    if let Some(container) = equalized.as_object_mut() {
        let mut resources = with_cpu_and_memory_of(new.at("resources"), old.at("resources"));
        // A container with claims of devices is never the same, in Kubernetes either.
        if let Some(resources) = resources.as_object_mut() {
            resources.remove("claims");
        }
        container.insert("resources".to_owned(), resources);
    }
    same(&equalized, old)
}

/// Resources with the processor time and memory that others have.
fn with_cpu_and_memory_of(resources: &Value, others: &Value) -> Value {
    let mut equalized = resources.as_object().cloned().unwrap_or_default();
    for list in ["requests", "limits"] {
        let mut amounts = resources.at(list).as_object().cloned().unwrap_or_default();
        for name in ["cpu", "memory"] {
            match others.at(list).field(name) {
                Some(amount) => amounts.insert(name.to_owned(), amount.clone()),
                None => amounts.remove(name),
            };
        }
        equalized.insert(list.to_owned(), amounts.into());
    }
    equalized.into()
}

fn is_removed(new: &Value, old: &Value) -> bool {
    old.as_object().is_some_and(|old| old.keys().any(|name| !new.has(name)))
}

const MIRROR_POD: &str = "kubernetes.io/config.mirror";
const ONLY_CPU_AND_MEMORY: &str = "only cpu and memory resources are mutable";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What is wrong with giving a container of a pod other resources.
    fn resized(old: &Value, new: &Value) -> Vec<String> {
        let pod = |resources: &Value| {
            let mut pod = json!({
                "metadata": {"name": "p", "namespace": "n", "resourceVersion": "1"},
                "spec": {"containers": [{"name": "c", "image": "i", "resources": resources}]},
            });
            (crate::strategy("", "pods").default)(&mut pod);
            pod["spec"]["containers"][0]["resources"] = resources.clone();
            pod["status"] = json!({"qosClass": qos::class(&json!({"containers": [{"resources": old}]}))});
            pod
        };
        validate_update(&pod(new), &pod(old)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn only_processor_time_and_memory_change_and_the_class_of_the_pod_stays() {
        let burstable = json!({"requests": {"cpu": "100m"}, "limits": {"cpu": "200m"}});
        let class = |class: &str| {
            format!("spec: Invalid value: \"{class}\": Pod QOS Class may not change as a result of resizing")
        };
        for (old, new, errors) in [
            (&burstable, json!({"requests": {"cpu": "150m"}, "limits": {"cpu": "200m"}}), vec![]),
            (
                &burstable,
                json!({"requests": {"cpu": "100m", "ephemeral-storage": "1Gi"}, "limits": {"cpu": "200m"}}),
                vec!["spec: Forbidden: only cpu and memory resources are mutable".to_owned()],
            ),
            (&json!({}), json!({"requests": {"cpu": "1"}}), vec![class("BestEffort")]),
            (
                &burstable,
                json!({}),
                vec![
                    class("Burstable"),
                    "spec.containers[0].resources.requests: Forbidden: resource requests cannot be removed"
                        .to_owned(),
                    "spec.containers[0].resources.limits: Forbidden: resource limits cannot be removed"
                        .to_owned(),
                ],
            ),
        ] {
            assert_eq!(resized(old, &new), errors, "{old} {new}");
        }
    }
}
