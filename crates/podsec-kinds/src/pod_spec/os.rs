//! What an operating system allows: `spec.os`, host-process containers and user namespaces.

use podsec_apimachinery::field::{Error, Path};
use serde_json::Value;

use super::containers;
use crate::formats;
use crate::object::Fields;

/// The rules of `spec.os`.
pub(super) fn validate(spec: &Value, path: &Path) -> Vec<Error> {
    let Some(os) = spec.field("os") else { return Vec::new() };
    match os.text("name") {
        "" => vec![Error::required(path.child("os").child("name"), "")],
        "linux" => linux(spec, path),
        "windows" => windows(spec, path),
        other => vec![formats::unsupported(&path.child("os"), other, &["linux", "windows"])],
    }
}

/// Host-process containers come all or none, and on the host's network.
pub(super) fn validate_host_process(spec: &Value, path: &Path) -> Vec<Error> {
    let host_process =
        |owner: &Value| owner.at("securityContext").at("windowsOptions").at("hostProcess").as_bool();
    let pod = host_process(spec);
    let mut errors = Vec::new();
    let (mut all, mut found) = (0, 0);
    for (container, path) in containers(spec, path) {
        let own = host_process(container);
        if let (Some(pod), Some(own)) = (pod, own)
            && pod != own
        {
            let path = path.child("securityContext").child("windowsOptions").child("hostProcess");
            let detail = format!("pod hostProcess value must be identical if both are specified, was {pod}");
            errors.push(Error::invalid(path, &own.into(), &detail));
        }
        all += 1;
        found += usize::from(own.or(pod) == Some(true));
    }
    if found > 0 {
        if found != all {
            let detail = "If pod contains any hostProcess containers then all containers must be HostProcess containers";
            errors.push(Error::invalid(path.clone(), &"".into(), detail));
        }
        if !spec.flag("hostNetwork") {
            let detail = "hostNetwork must be true if pod contains any hostProcess containers";
            errors.push(Error::invalid(path.child("hostNetwork"), &false.into(), detail));
        }
    }
    errors
}

/// A pod with its own users shares no other namespace with the host.
pub(super) fn validate_host_users(spec: &Value, path: &Path) -> Vec<Error> {
    if spec.at("hostUsers") != false {
        return Vec::new();
    }
    // Two of the paths are written as Kubernetes' own struct has them.
    [("hostNetwork", "hostNetwork"), ("hostPID", "HostPID"), ("hostIPC", "HostIPC")]
        .iter()
        .filter(|(field, _)| spec.flag(field))
        .map(|(_, shown)| Error::forbidden(path.child(shown), "when `hostUsers` is false"))
        .collect()
}

fn linux(spec: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let mut check = |owner: &Value, path: &Path| {
        if owner.at("securityContext").has("windowsOptions") {
            let path = path.child("securityContext").child("windowsOptions");
            errors.push(Error::forbidden(path, "windows options cannot be set for a linux pod"));
        }
    };
    check(spec, path);
    for (container, path) in containers(spec, path) {
        check(container, &path);
    }
    errors
}

fn windows(spec: &Value, path: &Path) -> Vec<Error> {
    const DETAIL: &str = "cannot be set for a windows pod";
    let mut errors = Vec::new();
    for (in_context, field) in NOT_IN_WINDOWS_PODS {
        let (owner, path) = if *in_context {
            (spec.at("securityContext"), path.child("securityContext"))
        } else {
            (spec, path.clone())
        };
        let set = match *field {
            "hostPID" | "hostIPC" => owner.flag(field),
            "sysctls" => !owner.list(field).is_empty(),
            _ => owner.has(field),
        };
        if set {
            errors.push(Error::forbidden(path.child(field), DETAIL));
        }
    }
    for (container, path) in containers(spec, path) {
        let context = container.at("securityContext");
        for field in NOT_IN_WINDOWS_CONTAINERS {
            if context.has(field) {
                errors.push(Error::forbidden(path.child("securityContext").child(field), DETAIL));
            }
        }
    }
    errors
}

/// In Kubernetes' order; the flag says that the field is one of the security context.
const NOT_IN_WINDOWS_PODS: &[(bool, &str)] = &[
    (true, "appArmorProfile"),
    (true, "seLinuxOptions"),
    (false, "hostUsers"),
    (false, "hostPID"),
    (false, "hostIPC"),
    (true, "seccompProfile"),
    (true, "fsGroup"),
    (true, "fsGroupChangePolicy"),
    (true, "sysctls"),
    (false, "shareProcessNamespace"),
    (true, "runAsUser"),
    (true, "runAsGroup"),
    (true, "supplementalGroups"),
    (true, "supplementalGroupsPolicy"),
    (true, "seLinuxChangePolicy"),
];

const NOT_IN_WINDOWS_CONTAINERS: &[&str] = &[
    "appArmorProfile",
    "seLinuxOptions",
    "seccompProfile",
    "capabilities",
    "readOnlyRootFilesystem",
    "privileged",
    "allowPrivilegeEscalation",
    "procMount",
    "runAsUser",
    "runAsGroup",
];
