//! What is wrong with a pod spec, in Kubernetes' order and words.

use podsec_apimachinery::field::{Error, Path};
use podsec_apimachinery::name::NameRule;
use serde_json::Value;

use super::surroundings::Surroundings;
use super::{annotations, containers, environment, os, resources, scheduling, security_context, volumes};
use crate::object::{Fields, metadata};
use crate::{formats, metadata as meta};

/// What is wrong with a new pod.
pub(crate) fn validate_pod_create(pod: &Value) -> Vec<Error> {
    let spec = pod.at("spec");
    let path = Path::new("spec");
    let mut errors = validate_pod(pod);
    if !spec.list("ephemeralContainers").is_empty() {
        errors.push(Error::forbidden(path.child("ephemeralContainers"), "cannot be set on create"));
    }
    if !spec.text("nodeName").is_empty() && !spec.list("schedulingGates").is_empty() {
        let detail = "cannot be set until all schedulingGates have been cleared";
        errors.push(Error::forbidden(path.child("nodeName"), detail));
    }
    errors.extend(annotations::seccomp_fields_match(pod, &path));
    errors.extend(annotations::app_armor_fields_match(pod, &path));
    errors
}

/// What holds for a pod whenever it is written.
pub(crate) fn validate_pod(pod: &Value) -> Vec<Error> {
    let spec = pod.at("spec");
    let path = Path::new("spec");
    let mut errors = meta::validate(pod, true, NameRule::Dns1123Subdomain);
    errors.extend(annotations::validate(metadata(pod), spec, &Path::new("metadata").child("annotations")));
    errors.extend(validate_spec(spec, &path, Some(metadata(pod))));
    if spec.text("serviceAccountName").is_empty() {
        errors.extend(volumes::tokens_without_service_account(spec, &path.child("volumes")));
    }
    for list in ["containers", "initContainers"] {
        for (index, container) in spec.list(list).iter().enumerate() {
            errors.extend(containers::validate_only_for_pod(container, &path.child(list).index(index)));
        }
    }
    errors
}

/// What is wrong with a pod template: its labels, annotations and spec.
pub(crate) fn validate_template(template: &Value, path: &Path) -> Vec<Error> {
    // Kubernetes leaves `metadata` out of these paths.
    let mut errors = meta::labels(metadata(template), &path.child("labels"));
    errors.extend(meta::annotations(metadata(template), &path.child("annotations")));
    let spec = template.at("spec");
    errors.extend(annotations::validate(metadata(template), spec, &path.child("annotations")));
    errors.extend(validate_spec(spec, &path.child("spec"), None));
    errors.extend(annotations::seccomp_fields_match(template, &path.child("spec")));
    if !spec.list("ephemeralContainers").is_empty() {
        let path = path.child("spec").child("ephemeralContainers");
        errors.push(Error::forbidden(path, "ephemeral containers not allowed in pod template"));
    }
    errors
}

/// What is wrong with a spec. The metadata is a pod's own; templates have none that counts.
fn validate_spec(spec: &Value, path: &Path, pod: Option<&Value>) -> Vec<Error> {
    let mut errors = Vec::new();
    if !spec.has("terminationGracePeriodSeconds") {
        errors.push(Error::required(path.child("terminationGracePeriodSeconds"), ""));
    }
    let (volumes, wrong) = volumes::validate(spec.list("volumes"), pod, &path.child("volumes"));
    errors.extend(wrong);
    errors.extend(resources::validate_claims(spec.list("resourceClaims"), &path.child("resourceClaims")));
    let surroundings = Surroundings::new(spec, volumes);
    errors.extend(containers::validate(spec, &surroundings, &path.child("containers")));
    errors.extend(containers::validate_init(spec, &surroundings, &path.child("initContainers")));
    errors.extend(containers::validate_ephemeral(spec, &surroundings, &path.child("ephemeralContainers")));
    errors.extend(resources::validate_pod_level(spec, &path.child("resources")));
    errors.extend(host_network_ports(spec, &path.child("containers"), pod.is_some()));
    errors.extend(formats::one_of(
        &path.child("restartPolicy"),
        spec.text("restartPolicy"),
        &["Always", "OnFailure", "Never"],
    ));
    errors.extend(formats::one_of(
        &path.child("dnsPolicy"),
        spec.text("dnsPolicy"),
        &["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"],
    ));
    errors.extend(meta::label_map(spec.at("nodeSelector"), &path.child("nodeSelector")));
    errors.extend(security_context::validate_pod(spec, &path.child("securityContext")));
    errors.extend(scheduling::affinity(spec.at("affinity"), &path.child("affinity")));
    errors.extend(scheduling::dns_config(spec, &path.child("dnsConfig")));
    errors.extend(scheduling::gates(spec, path));
    errors.extend(scheduling::topology_spread(
        spec.list("topologySpreadConstraints"),
        &path.child("topologySpreadConstraints"),
    ));
    errors.extend(os::validate_host_process(spec, path));
    errors.extend(os::validate_host_users(spec, path));
    errors.extend(hostname_override(spec, &path.child("hostnameOverride")));
    errors.extend(names(spec, path));
    errors.extend(os::validate(spec, path));
    errors.extend(environment::validate_files(spec, path));
    errors
}

/// On the host's network a container's port is the host's.
fn host_network_ports(spec: &Value, path: &Path, is_pod: bool) -> Vec<Error> {
    let mut errors = Vec::new();
    if !spec.flag("hostNetwork") {
        return errors;
    }
    for (index, container) in spec.list("containers").iter().enumerate() {
        for (port_index, port) in container.list("ports").iter().enumerate() {
            let host_port = port.number("hostPort");
            // In a template the port may wait for the pod's defaults.
            if (is_pod || host_port != 0) && host_port != port.number("containerPort") {
                let path = path.index(index).child("ports").index(port_index).child("hostPort");
                let detail = "must match `containerPort` when `hostNetwork` is true";
                errors.push(Error::invalid(path, &host_port.into(), detail));
            }
        }
    }
    errors
}

fn hostname_override(spec: &Value, path: &Path) -> Vec<Error> {
    let Some(name) = spec.at("hostnameOverride").as_str() else { return Vec::new() };
    let mut errors = Vec::new();
    if spec.flag("setHostnameAsFQDN") {
        errors.push(Error::forbidden(path.clone(), "may not be specified when setHostnameAsFQDN is true"));
    }
    if spec.flag("hostNetwork") {
        errors.push(Error::forbidden(path.clone(), "may not be specified when hostNetwork is true"));
    }
    if name.len() > 64 {
        errors.push(Error::too_long(path.clone(), 64));
    }
    errors.extend(formats::invalid(path, name, formats::subdomain(name)));
    errors
}

/// The fields that hold one name or number, in Kubernetes' order.
fn names(spec: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let mut name = |field: &str, rule: fn(&str) -> Vec<String>| {
        let value = spec.text(field);
        if !value.is_empty() {
            errors.extend(formats::invalid(&path.child(field), value, rule(value)));
        }
    };
    name("serviceAccountName", formats::subdomain);
    name("nodeName", formats::subdomain);
    if let Some(deadline) = spec.integer("activeDeadlineSeconds")
        && !(1..=i64::from(i32::MAX)).contains(&deadline)
    {
        let detail = "must be between 1 and 2147483647, inclusive";
        errors.push(Error::invalid(path.child("activeDeadlineSeconds"), &deadline.into(), detail));
    }
    for field in ["hostname", "subdomain"] {
        let value = spec.text(field);
        if !value.is_empty() {
            errors.extend(formats::invalid(&path.child(field), value, formats::label(value)));
        }
    }
    errors.extend(scheduling::tolerations(spec.list("tolerations"), &path.child("tolerations")));
    errors.extend(scheduling::host_aliases(spec.list("hostAliases"), &path.child("hostAliases")));
    let priority_class = spec.text("priorityClassName");
    if !priority_class.is_empty() {
        let reasons = formats::subdomain(priority_class);
        errors.extend(formats::invalid(&path.child("priorityClassName"), priority_class, reasons));
    }
    if let Some(runtime_class) = spec.at("runtimeClassName").as_str() {
        let reasons = formats::subdomain(runtime_class);
        errors.extend(formats::invalid(&path.child("runtimeClassName"), runtime_class, reasons));
    }
    if let Some(policy) = spec.at("preemptionPolicy").as_str() {
        let supported = ["PreemptLowerPriority", "Never"];
        errors.extend(formats::one_of(&path.child("preemptionPolicy"), policy, &supported));
    }
    if spec.has("overhead") {
        errors.extend(resources::validate_list(spec.at("overhead"), &path.child("overhead").child("limits")));
    }
    errors
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_mount_does_not_find_an_invalid_volume() {
        let mut pod = json!({ "metadata": { "name": "p", "namespace": "n" }, "spec": {
            "containers": [{ "name": "c", "image": "x", "volumeMounts": [{ "name": "v", "mountPath": "/v" }] }],
            "volumes": [{ "name": "v", "hostPath": { "path": "" } }]
        } });
        (crate::core::pods::STRATEGY.default)(&mut pod);
        let errors: Vec<String> = validate_pod_create(&pod).iter().map(Error::to_string).collect();
        assert_eq!(
            errors,
            [
                "spec.volumes[0].hostPath.path: Required value",
                "spec.containers[0].volumeMounts[0].name: Not found: \"v\""
            ]
        );
    }
}
