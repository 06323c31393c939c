//! The kinds that Kubernetes' webhook can decode: an object of one of them where another is due is refused as the
//! wrong one, any other as unreadable.

use podsec_standards::Workload;

/// Whether Kubernetes' webhook can decode this kind.
pub(crate) fn is_known(group: &str, version: &str, kind: &str) -> bool {
    UNVERSIONED.contains(&kind) || (version == "v1" && is_known_in_v1(group, kind))
}

fn is_known_in_v1(group: &str, kind: &str) -> bool {
    let (listed, single): (&[&str], &[&str]) = match group {
        "" => (CORE, CORE_WITHOUT_LIST),
        "admission.k8s.io" => (&[], &["AdmissionReview"]),
        "apps" => (&["ControllerRevision"], &[]),
        "batch" => (&[], &[]),
        _ => return false,
    };
    let is_item = |kind: &str| listed.contains(&kind) || Workload::from_kind(group, kind).is_some();
    single.contains(&kind)
        || IN_EVERY_GROUP.contains(&kind)
        || is_item(kind)
        || kind.strip_suffix("List").is_some_and(is_item)
}

/// What is the same under every group and version.
const UNVERSIONED: &[&str] = &["APIGroup", "APIGroupList", "APIResourceList", "APIVersions", "Status"];

/// What every group has of its own.
const IN_EVERY_GROUP: &[&str] = &[
    "CreateOptions",
    "DeleteOptions",
    "GetOptions",
    "ListOptions",
    "PatchOptions",
    "UpdateOptions",
    "WatchEvent",
];

/// Core kinds without a pod template.
const CORE: &[&str] = &[
    "ComponentStatus",
    "ConfigMap",
    "Endpoints",
    "Event",
    "LimitRange",
    "Namespace",
    "Node",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "ResourceQuota",
    "Secret",
    "Service",
    "ServiceAccount",
];

const CORE_WITHOUT_LIST: &[&str] = &[
    "Binding",
    "List",
    "NodeProxyOptions",
    "PodAttachOptions",
    "PodExecOptions",
    "PodLogOptions",
    "PodPortForwardOptions",
    "PodProxyOptions",
    "PodStatusResult",
    "RangeAllocation",
    "SerializedReference",
    "ServiceProxyOptions",
];

#[cfg(test)]
mod tests {
    use super::is_known;

    #[test]
    fn what_the_webhook_can_decode_is_known() {
        for (group, version, kind) in [
            ("", "v1", "Pod"),
            ("", "v1", "NodeList"),
            ("", "v1", "PodExecOptions"),
            ("", "v1", "DeleteOptions"),
            ("apps", "v1", "DeploymentList"),
            ("batch", "v1", "WatchEvent"),
            ("admission.k8s.io", "v1", "ListOptions"),
            ("example.com", "v2", "Status"),
        ] {
            assert!(is_known(group, version, kind), "{group}/{version} {kind}");
        }
        for (group, version, kind) in [
            ("", "v1", "Deployment"),
            ("", "v2", "Pod"),
            ("", "v1", "BindingList"),
            ("", "v1", "PodListList"),
            ("apps", "v1beta1", "Deployment"),
            ("policy", "v1", "Eviction"),
            ("policy", "v1", "DeleteOptions"),
            ("example.com", "v2", "status"),
        ] {
            assert!(!is_known(group, version, kind), "{group}/{version} {kind}");
        }
    }
}
