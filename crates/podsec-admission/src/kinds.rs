//! The kinds that Kubernetes' webhook can decode: an object of one of them where another is due is refused as the
//! wrong one, any other as unreadable.

use podsec_standards::Workload;

/// Whether Kubernetes' webhook can decode this kind.
pub(crate) fn is_known(group: &str, version: &str, kind: &str) -> bool {
    let listed: &[&str] = match group {
        "" => CORE,
        "apps" => &["ControllerRevision"],
        _ => &[],
    };
    let single: &[&str] = match group {
        "" => CORE_WITHOUT_LIST,
        "admission.k8s.io" => &["AdmissionReview"],
        _ => &[],
    };
    let is_item = |kind: &str| listed.contains(&kind) || Workload::from_kind(group, kind).is_some();
    version == "v1"
        && (single.contains(&kind) || is_item(kind) || kind.strip_suffix("List").is_some_and(is_item))
}

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
    "Status",
];
