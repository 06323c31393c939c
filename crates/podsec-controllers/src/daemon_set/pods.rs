//! The pods of a DaemonSet.

use k8s_openapi::api::apps::v1::DaemonSet;
use k8s_openapi::api::core::v1::{
    Affinity, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm, Pod, PodSpec, PodTemplateSpec,
    Toleration,
};
use kube::ResourceExt as _;

use crate::ownership::controller_reference;
use crate::pods::{pod_from_template, state};

/// The template with what every pod of a DaemonSet has: it stays on nodes that have trouble.
pub(super) fn template(set: &DaemonSet, hash: &str) -> PodTemplateSpec {
    let mut template = set.spec.template.clone();
    if let Some(spec) = &mut template.spec {
        for (key, effect) in TOLERATED {
            tolerate(spec, key, effect);
        }
        if spec.host_network == Some(true) {
            tolerate(spec, "node.kubernetes.io/network-unavailable", "NoSchedule");
        }
    }
    let labels = template.metadata.get_or_insert_default().labels.get_or_insert_default();
    if let Some(generation) = generation(set) {
        labels.insert(GENERATION_LABEL.to_owned(), generation.to_string());
    }
    if !hash.is_empty() {
        labels.insert(HASH_LABEL.to_owned(), hash.to_owned());
    }
    template
}

/// A pod for a node.
pub(super) fn pod(set: &DaemonSet, template: &PodTemplateSpec, node: &str) -> Pod {
    let namespace = set.metadata.namespace.as_deref().unwrap_or_default();
    let mut pod = pod_from_template(template, namespace, controller_reference(set));
    let affinity: &mut Affinity = pod.spec.get_or_insert_default().affinity.get_or_insert_default();
    let node_affinity = affinity.node_affinity.get_or_insert_default();
    let requirement = NodeSelectorRequirement {
        key: "metadata.name".to_owned(),
        operator: "In".to_owned(),
        values: Some(vec![node.to_owned()]),
    };
    node_affinity.required_during_scheduling_ignored_during_execution = Some(NodeSelector {
        node_selector_terms: vec![NodeSelectorTerm {
            match_expressions: None,
            match_fields: Some(vec![requirement]),
        }],
    });
    pod
}

/// The node that a pod is for.
pub(super) fn target_node(pod: &Pod) -> Option<&str> {
    let bound = state::node_name(pod);
    if !bound.is_empty() {
        return Some(bound);
    }
    let affinity = pod.spec.as_ref()?.affinity.as_ref()?.node_affinity.as_ref()?;
    let required = affinity.required_during_scheduling_ignored_during_execution.as_ref()?;
    let fields = required.node_selector_terms.iter().flat_map(|term| term.match_fields.iter().flatten());
    let mut named = fields.filter(|field| field.key == "metadata.name" && field.operator == "In");
    match named.next()?.values.as_deref()? {
        [node] => Some(node),
        _ => None,
    }
}

/// The hash of the revision of a pod.
pub(super) fn revision(pod: &Pod) -> &str {
    pod.labels().get(HASH_LABEL).map_or("", String::as_str)
}

/// Whether a pod is of the newest revision.
pub(super) fn is_updated(pod: &Pod, set: &DaemonSet, hash: &str) -> bool {
    let is_of_generation = generation(set)
        .is_some_and(|generation| pod.labels().get(GENERATION_LABEL) == Some(&generation.to_string()));
    is_of_generation || !hash.is_empty() && revision(pod) == hash
}

fn generation(set: &DaemonSet) -> Option<i64> {
    set.annotations().get("deprecated.daemonset.template.generation")?.parse().ok()
}

fn tolerate(spec: &mut PodSpec, key: &str, effect: &str) {
    let toleration = Toleration {
        key: Some(key.to_owned()),
        operator: Some("Exists".to_owned()),
        effect: Some(effect.to_owned()),
        ..Toleration::default()
    };
    let tolerations = spec.tolerations.get_or_insert_default();
    if !tolerations.contains(&toleration) {
        tolerations.push(toleration);
    }
}

/// The label with the hash of the revision.
pub(super) const HASH_LABEL: &str = "controller-revision-hash";
const GENERATION_LABEL: &str = "pod-template-generation";
const TOLERATED: &[(&str, &str)] = &[
    ("node.kubernetes.io/not-ready", "NoExecute"),
    ("node.kubernetes.io/unreachable", "NoExecute"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"),
    ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"),
    ("node.kubernetes.io/unschedulable", "NoSchedule"),
];
