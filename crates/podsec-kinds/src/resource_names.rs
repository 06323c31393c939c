//! The names of resources that containers ask for, quotas count and limit ranges bound.

use podsec_apimachinery::field::{Error, Path};

use crate::formats;

/// What is wrong with the name of a resource anywhere.
pub(crate) fn any(name: &str, path: &Path) -> Vec<Error> {
    let errors = formats::invalid(path, name, formats::qualified_name(name));
    if errors.is_empty() && !name.contains('/') && !is_standard(name) {
        return formats::invalid(path, name, ["must be a standard resource type or fully qualified"]);
    }
    errors
}

/// What is wrong with the name of a resource that a container asks for.
pub(crate) fn of_container(name: &str, path: &Path) -> Vec<Error> {
    let mut errors = any(name, path);
    if !name.contains('/') {
        if !is_standard_for_containers(name) {
            errors.extend(formats::invalid(path, name, ["must be a standard resource for containers"]));
        }
    } else if !is_native(name) && !is_extended(name) {
        errors.extend(formats::invalid(path, name, ["doesn't follow extended resource name standard"]));
    }
    errors
}

/// What is wrong with the name of a resource that a quota counts.
pub(crate) fn of_quota(name: &str, path: &Path) -> Vec<Error> {
    let mut errors = any(name, path);
    if !name.contains('/') && !is_standard_for_quotas(name) {
        errors.extend(formats::invalid(path, name, ["must be a standard resource for quota"]));
    }
    errors
}

/// Whether quotas know the resource without a prefix.
pub(crate) fn is_standard_for_quotas(name: &str) -> bool {
    (STANDARD.contains(&name) && name != "storage") || is_quota_huge_pages(name)
}

/// Whether a pod as a whole may ask for it.
pub(crate) fn is_supported_for_pods(name: &str) -> bool {
    matches!(name, "cpu" | "memory") || is_huge_pages(name)
}

/// Whether the resource is counted in whole numbers.
pub(crate) fn is_integer(name: &str) -> bool {
    INTEGERS.contains(&name) || is_extended(name)
}

/// Whether it is memory in pages of one size.
pub(crate) fn is_huge_pages(name: &str) -> bool {
    name.starts_with("hugepages-")
}

/// Whether it is Kubernetes' own: without a prefix, or with `kubernetes.io/`.
pub(crate) fn is_native(name: &str) -> bool {
    !name.contains('/') || name.contains("kubernetes.io/")
}

/// Whether it is somebody's own, and a name that a quota could count.
pub(crate) fn is_extended(name: &str) -> bool {
    !is_native(name)
        && !name.starts_with("requests.")
        && formats::qualified_name(&format!("requests.{name}")).is_empty()
}

/// Whether containers may get less of it than their limit.
pub(crate) fn may_overcommit(name: &str) -> bool {
    is_native(name) && !is_huge_pages(name)
}

fn is_standard(name: &str) -> bool {
    STANDARD.contains(&name) || is_quota_huge_pages(name)
}

fn is_standard_for_containers(name: &str) -> bool {
    matches!(name, "cpu" | "memory" | "ephemeral-storage") || is_huge_pages(name)
}

fn is_quota_huge_pages(name: &str) -> bool {
    is_huge_pages(name) || name.starts_with("requests.hugepages-")
}

const STANDARD: &[&str] = &[
    "configmaps",
    "cpu",
    "ephemeral-storage",
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "memory",
    "persistentvolumeclaims",
    "pods",
    "replicationcontrollers",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
    "requests.storage",
    "resourcequotas",
    "secrets",
    "services",
    "services.loadbalancers",
    "services.nodeports",
    "storage",
];

const INTEGERS: &[&str] = &[
    "configmaps",
    "persistentvolumeclaims",
    "pods",
    "replicationcontrollers",
    "resourcequotas",
    "secrets",
    "services",
    "services.loadbalancers",
    "services.nodeports",
];
