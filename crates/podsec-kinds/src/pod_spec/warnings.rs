//! What the author of a pod spec should be told, though the pod is accepted.

use std::collections::{BTreeMap, BTreeSet};

use podsec_apimachinery::field::Path;
use podsec_apimachinery::quote::quoted;
use serde_json::Value;

use super::annotations::{APP_ARMOR, SECCOMP_CONTAINER, SECCOMP_POD, deprecated_app_armor};
use super::containers;
use crate::object::{Fields, metadata};
use crate::quantity::Quantity;

/// Warnings about a new pod.
pub(crate) fn for_pod(pod: &Value) -> Vec<String> {
    let annotations = Path::new("metadata").child("annotations");
    let mut warnings: Vec<String> = deprecated_app_armor(pod)
        .iter()
        .map(|key| format!("{}: {APP_ARMOR_DEPRECATED}", annotations.key(key)))
        .collect();
    let name = metadata(pod).text("name");
    let wrong = crate::formats::label(name);
    if !wrong.is_empty() {
        warnings.push(format!(
            "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: [{}]",
            wrong.join(" ")
        ));
    }
    warnings.extend(for_owner(pod, &Path::default(), false));
    warnings
}

/// Warnings about a pod template at `path`.
pub(crate) fn for_template(template: &Value, path: &Path) -> Vec<String> {
    for_owner(template, path, true)
}

fn for_owner(owner: &Value, path: &Path, is_template: bool) -> Vec<String> {
    let spec = owner.at("spec");
    let spec_path = path.child("spec");
    let mut warnings = deprecated_labels(spec, &spec_path);
    let annotations = metadata(owner).at("annotations");
    let annotations_path = path.child("metadata").child("annotations");
    for (key, message) in DEAD_ANNOTATIONS {
        if annotations.has(key) {
            warnings.push(format!("{}: {message}", annotations_path.key(key)));
        }
    }
    for (index, volume) in spec.list("volumes").iter().enumerate() {
        for (kind, message) in DEAD_VOLUMES {
            if volume.has(kind) {
                warnings.push(format!("{}: {message}", spec_path.child("volumes").index(index).child(kind)));
            }
        }
    }
    warnings.extend(repeated(spec, &spec_path, "hostAliases", "ip"));
    warnings.extend(repeated(spec, &spec_path, "imagePullSecrets", "name"));
    for (index, secret) in spec.list("imagePullSecrets").iter().enumerate() {
        if secret.text("name").is_empty() {
            let path = spec_path.child("imagePullSecrets").index(index).child("name");
            warnings.push(format!("{path}: invalid empty name \"\""));
        }
    }
    warnings.extend(fractional(spec.at("overhead"), &spec_path.child("overhead")));
    let context = spec.at("securityContext");
    if !context.has("seccompProfile") && annotations.has(SECCOMP_POD) {
        warnings.push(format!("{}: {SECCOMP_DEAD}", annotations_path.key(SECCOMP_POD)));
    }
    for (container, path) in containers(spec, &spec_path) {
        let own = container.at("securityContext");
        let name = container.text("name");
        let seccomp = format!("{SECCOMP_CONTAINER}{name}");
        if !own.has("seccompProfile") && annotations.has(&seccomp) {
            warnings.push(format!("{}: {SECCOMP_DEAD}", annotations_path.key(&seccomp)));
        }
        let app_armor = format!("{APP_ARMOR}{name}");
        let has_field = context.has("appArmorProfile") || own.has("appArmorProfile");
        if is_template && !has_field && annotations.has(&app_armor) {
            warnings.push(format!("{}: {APP_ARMOR_DEPRECATED}", annotations_path.key(&app_armor)));
        }
        for list in ["limits", "requests"] {
            warnings
                .extend(fractional(container.at("resources").at(list), &path.child("resources").child(list)));
        }
        warnings.extend(hidden_variables(container, &path));
    }
    warnings.extend(overlapping_ports(spec, &spec_path));
    warnings
}

fn deprecated_labels(spec: &Value, path: &Path) -> Vec<String> {
    let message =
        |label: &str| DEPRECATED_LABELS.iter().find(|(old, _)| *old == label).map(|(_, message)| message);
    let mut warnings = Vec::new();
    for (label, _) in spec.entries("nodeSelector") {
        if let Some(message) = message(label) {
            warnings.push(format!("{}: {message}", path.child("nodeSelector").key(label)));
        }
    }
    for (index, constraint) in spec.list("topologySpreadConstraints").iter().enumerate() {
        let path = path.child("topologySpreadConstraints").index(index);
        let key = constraint.text("topologyKey");
        if let Some(message) = message(key) {
            warnings.push(format!("{}: {key} is {message}", path.child("topologyKey")));
        }
        if !constraint.has("labelSelector") {
            let path = path.child("labelSelector");
            warnings.push(format!("{path}: a null labelSelector results in matching no pod"));
        }
    }
    warnings
}

fn repeated(spec: &Value, path: &Path, list: &str, field: &str) -> Vec<String> {
    let mut seen = BTreeSet::new();
    spec.list(list)
        .iter()
        .enumerate()
        .filter(|(_, item)| !seen.insert(item.text(field)))
        .map(|(index, item)| {
            format!(
                "{}: duplicate {field} {}",
                path.child(list).index(index).child(field),
                quoted(item.text(field))
            )
        })
        .collect()
}

fn fractional(amounts: &Value, path: &Path) -> Vec<String> {
    ["memory", "ephemeral-storage"]
        .iter()
        .filter_map(|name| Some((name, Quantity::parse(amounts.text(name))?)))
        .filter(|(_, amount)| !amount.is_integer())
        .map(|(name, amount)| {
            format!("{}: fractional byte value \"{amount}\" is invalid, must be an integer", path.key(name))
        })
        .collect()
}

fn hidden_variables(container: &Value, path: &Path) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut warnings = Vec::new();
    for (index, variable) in container.list("env").iter().enumerate() {
        let name = variable.text("name");
        let reference = format!("$({name})");
        let value = variable.text("value");
        // X="$(X)123" adds to the earlier X and hides nothing.
        let adds = !variable.has("valueFrom") && value != reference && value.contains(&reference);
        if !seen.insert(name) && !adds {
            warnings.push(format!(
                "{}: hides previous definition of {}, which may be dropped when using apply",
                path.child("env").index(index),
                quoted(name)
            ));
        }
    }
    warnings
}

fn overlapping_ports(spec: &Value, path: &Path) -> Vec<String> {
    let mut seen: BTreeMap<String, Vec<(Path, &Value)>> = BTreeMap::new();
    let mut warnings = Vec::new();
    for (container, path) in containers(spec, path) {
        for (index, port) in container.list("ports").iter().enumerate() {
            let path = path.child("ports").index(index);
            let key = format!("{}/{}", port.number("containerPort"), port.text("protocol"));
            let others = seen.entry(key).or_default();
            for (other_path, other) in others.iter() {
                let (own, theirs) = (port.number("hostPort"), other.number("hostPort"));
                if port.text("hostIP") == other.text("hostIP") && own == theirs {
                    warnings.push(format!("{path}: duplicate port definition with {other_path}"));
                } else if own == 0 || theirs == 0 {
                    warnings.push(format!("{path}: overlapping port definition with {other_path}"));
                }
            }
            others.push((path, port));
        }
    }
    warnings
}

const SECCOMP_DEAD: &str = "non-functional in v1.27+; use the \"seccompProfile\" field instead";
const APP_ARMOR_DEPRECATED: &str = "deprecated since v1.30; use the \"appArmorProfile\" field instead";

const DEAD_ANNOTATIONS: &[(&str, &str)] = &[
    (
        "scheduler.alpha.kubernetes.io/critical-pod",
        "non-functional in v1.16+; use the \"priorityClassName\" field instead",
    ),
    ("security.alpha.kubernetes.io/sysctls", "non-functional in v1.11+; use the \"sysctls\" field instead"),
    (
        "security.alpha.kubernetes.io/unsafe-sysctls",
        "non-functional in v1.11+; use the \"sysctls\" field instead",
    ),
];

const DEAD_VOLUMES: &[(&str, &str)] = &[
    ("photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"),
    ("gitRepo", "deprecated in v1.11"),
    ("scaleIO", "deprecated in v1.16, non-functional in v1.22+"),
    ("flocker", "deprecated in v1.22, non-functional in v1.25+"),
    ("storageos", "deprecated in v1.22, non-functional in v1.25+"),
    ("quobyte", "deprecated in v1.22, non-functional in v1.25+"),
    ("glusterfs", "deprecated in v1.25, non-functional in v1.26+"),
    ("cephfs", "deprecated in v1.28, non-functional in v1.31+"),
    ("rbd", "deprecated in v1.28, non-functional in v1.31+"),
];

const DEPRECATED_LABELS: &[(&str, &str)] = &[
    ("beta.kubernetes.io/arch", "deprecated since v1.14; use \"kubernetes.io/arch\" instead"),
    ("beta.kubernetes.io/os", "deprecated since v1.14; use \"kubernetes.io/os\" instead"),
    (
        "failure-domain.beta.kubernetes.io/region",
        "deprecated since v1.17; use \"topology.kubernetes.io/region\" instead",
    ),
    (
        "failure-domain.beta.kubernetes.io/zone",
        "deprecated since v1.17; use \"topology.kubernetes.io/zone\" instead",
    ),
    (
        "beta.kubernetes.io/instance-type",
        "deprecated since v1.17; use \"node.kubernetes.io/instance-type\" instead",
    ),
];
