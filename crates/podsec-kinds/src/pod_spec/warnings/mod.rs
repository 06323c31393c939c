//! What the author of a pod spec should be told, though the pod is accepted.

mod ports;
mod virtual_paths;

use std::collections::BTreeSet;

use podsec_apimachinery::field::Path;
use podsec_apimachinery::quote::quoted;
use serde_json::Value;

use super::annotations::{self, APP_ARMOR, SECCOMP_CONTAINER, SECCOMP_POD, deprecated_app_armor};
use super::containers;
use crate::core::claim_spec;
use crate::object::{Fields, metadata};
use crate::quantity::Quantity;
use crate::{formats, ip, node_selector};

/// Warnings about the annotations of a new pod that become fields, before anybody looks whether it is valid.
pub(crate) fn of_app_armor(pod: &Value) -> Vec<String> {
    let annotations = Path::new("metadata").child("annotations");
    let keys = deprecated_app_armor(pod);
    keys.iter().map(|key| format!("{}: {APP_ARMOR_DEPRECATED}", annotations.key(key))).collect()
}

/// Warnings about a new pod.
pub(crate) fn for_pod(pod: &Value) -> Vec<String> {
    let mut warnings = Vec::new();
    let name = metadata(pod).text("name");
    let wrong = formats::label(name);
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
    warnings.extend(volumes(spec, &spec_path.child("volumes")));
    warnings.extend(virtual_paths::overlaps(spec.list("volumes")));
    warnings.extend(repeated(spec, &spec_path, "hostAliases", "ip"));
    warnings.extend(repeated(spec, &spec_path, "imagePullSecrets", "name"));
    for (index, secret) in spec.list("imagePullSecrets").iter().enumerate() {
        if secret.text("name").is_empty() {
            let path = spec_path.child("imagePullSecrets").index(index).child("name");
            warnings.push(format!("{path}: invalid empty name \"\""));
        }
    }
    for resource in BYTES {
        warnings.extend(fractional(spec.at("overhead"), resource, &spec_path.child("overhead")));
    }
    if !spec.at("securityContext").has("seccompProfile") && annotations.has(SECCOMP_POD) {
        warnings.push(format!("{}: {SECCOMP_DEAD}", annotations_path.key(SECCOMP_POD)));
    }
    for (container, path) in containers(spec, &spec_path) {
        warnings.extend(profile_annotations(owner, container, &annotations_path, is_template));
        for resource in BYTES {
            for list in ["limits", "requests"] {
                let path = path.child("resources").child(list);
                warnings.extend(fractional(container.at("resources").at(list), resource, &path));
            }
        }
        warnings.extend(hidden_variables(container, &path));
    }
    warnings.extend(ports::warnings(spec, &spec_path));
    if spec.number("terminationGracePeriodSeconds") < 0 {
        let path = spec_path.child("terminationGracePeriodSeconds");
        warnings.push(format!("{path}: must be >= 0; negative values are invalid and will be treated as 1"));
    }
    warnings.extend(affinity_terms(spec.at("affinity"), &spec_path.child("affinity")));
    for (index, server) in spec.at("dnsConfig").list("nameservers").iter().enumerate() {
        let path = spec_path.child("dnsConfig").child("nameservers").index(index);
        warnings.extend(ip::warnings(server.as_str().unwrap_or_default(), &path));
    }
    for (index, alias) in spec.list("hostAliases").iter().enumerate() {
        let path = spec_path.child("hostAliases").index(index).child("ip");
        warnings.extend(ip::warnings(alias.text("ip"), &path));
    }
    warnings
}

/// About labels of nodes that have newer names.
fn deprecated_labels(spec: &Value, path: &Path) -> Vec<String> {
    let mut warnings = Vec::new();
    for (label, _) in spec.entries("nodeSelector") {
        if let Some(message) = node_selector::deprecated_label(label) {
            warnings.push(format!("{}: {message}", path.child("nodeSelector").key(label)));
        }
    }
    let affinity = spec.at("affinity").at("nodeAffinity");
    let affinity_path = path.child("affinity").child("nodeAffinity");
    let required = affinity.at(REQUIRED).list("nodeSelectorTerms").iter().enumerate();
    let required_path = affinity_path.child(REQUIRED).child("nodeSelectorTerms");
    warnings
        .extend(required.flat_map(|(index, term)| {
            node_selector::term_warnings(term, false, &required_path.index(index))
        }));
    let preferred = affinity.list(PREFERRED).iter().enumerate();
    warnings.extend(preferred.flat_map(|(index, term)| {
        let path = affinity_path.child(PREFERRED).index(index).child("preference");
        node_selector::term_warnings(term.at("preference"), true, &path)
    }));
    for (index, constraint) in spec.list("topologySpreadConstraints").iter().enumerate() {
        let path = path.child("topologySpreadConstraints").index(index);
        warnings
            .extend(node_selector::key_warning(constraint.text("topologyKey"), &path.child("topologyKey")));
        warnings.extend(null_selector(constraint, &path));
    }
    warnings
}

fn volumes(spec: &Value, path: &Path) -> Vec<String> {
    let mut warnings = Vec::new();
    for (index, volume) in spec.list("volumes").iter().enumerate() {
        let path = path.index(index);
        let dead = DEAD_VOLUMES.iter().filter(|(kind, ..)| volume.has(kind));
        warnings.extend(dead.map(|(_, shown, message)| format!("{}: {message}", path.child(shown))));
        let claim = volume.at("ephemeral").at("volumeClaimTemplate");
        let path = path.child("ephemeral").child("volumeClaimTemplate").child("spec");
        warnings.extend(claim_spec::warnings(claim.at("spec"), &path));
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

fn fractional(amounts: &Value, resource: &str, path: &Path) -> Option<String> {
    let amount = Quantity::parse(amounts.text(resource))?;
    // Kubernetes looks at thousandths.
    (!amount.round_up_to_milli().is_integer()).then(|| {
        format!("{}: fractional byte value \"{amount}\" is invalid, must be an integer", path.key(resource))
    })
}

/// About annotations of a container that say what a field says now.
fn profile_annotations(owner: &Value, container: &Value, path: &Path, is_template: bool) -> Vec<String> {
    let annotations = metadata(owner).at("annotations");
    let context = container.at("securityContext");
    let name = container.text("name");
    let mut warnings = Vec::new();
    let seccomp = format!("{SECCOMP_CONTAINER}{name}");
    if !context.has("seccompProfile") && annotations.has(&seccomp) {
        warnings.push(format!("{}: {SECCOMP_DEAD}", path.key(&seccomp)));
    }
    let app_armor = format!("{APP_ARMOR}{name}");
    // About a pod, `of_app_armor` has said it.
    if is_template
        && !context.has("appArmorProfile")
        && let Some(annotation) = annotations.at(&app_armor).as_str()
    {
        let of_pod = owner.at("spec").at("securityContext").field("appArmorProfile");
        if of_pod.is_none() || of_pod != annotations::app_armor_field(annotation).as_ref() {
            warnings.push(format!("{}: {APP_ARMOR_DEPRECATED}", path.key(&app_armor)));
        }
    }
    warnings
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

/// About terms of pod affinities that select nothing.
fn affinity_terms(affinity: &Value, path: &Path) -> Vec<String> {
    let mut warnings = Vec::new();
    for kind in ["podAffinity", "podAntiAffinity"] {
        let (affinity, path) = (affinity.at(kind), path.child(kind));
        for (index, term) in affinity.list(REQUIRED).iter().enumerate() {
            warnings.extend(null_selector(term, &path.child(REQUIRED).index(index)));
        }
        for (index, term) in affinity.list(PREFERRED).iter().enumerate() {
            let path = path.child(PREFERRED).index(index).child("podAffinityTerm");
            warnings.extend(null_selector(term.at("podAffinityTerm"), &path));
        }
    }
    warnings
}

fn null_selector(owner: &Value, path: &Path) -> Option<String> {
    let path = path.child("labelSelector");
    (!owner.has("labelSelector")).then(|| format!("{path}: a null labelSelector results in matching no pod"))
}

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";
/// The resources that are counted in bytes, and so in whole numbers.
const BYTES: [&str; 2] = ["memory", "ephemeral-storage"];
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

/// Kinds of volumes that work no longer, as they are shown, and since when.
const DEAD_VOLUMES: &[(&str, &str, &str)] = &[
    ("photonPersistentDisk", "photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"),
    ("gitRepo", "gitRepo", "deprecated in v1.11, and disabled by default in v1.33+"),
    ("scaleIO", "scaleIO", "deprecated in v1.16, non-functional in v1.22+"),
    ("flocker", "flocker", "deprecated in v1.22, non-functional in v1.25+"),
    ("storageos", "storageOS", "deprecated in v1.22, non-functional in v1.25+"),
    ("quobyte", "quobyte", "deprecated in v1.22, non-functional in v1.25+"),
    ("glusterfs", "glusterfs", "deprecated in v1.25, non-functional in v1.26+"),
    ("cephfs", "cephfs", "deprecated in v1.28, non-functional in v1.31+"),
    ("rbd", "rbd", "deprecated in v1.28, non-functional in v1.31+"),
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[expect(clippy::needless_pass_by_value, reason = "tests write it in place")]
    fn of(spec: Value) -> Vec<String> {
        for_template(&json!({ "spec": spec }), &Path::new("template"))
    }

    #[test]
    fn labels_of_nodes_with_newer_names_are_told_wherever_they_select() {
        let expression =
            |key: &str, value: &str| json!([{ "key": key, "operator": "In", "values": [value] }]);
        let spec = json!({
            "nodeSelector": { "node-role.kubernetes.io/master": "" },
            "affinity": { "nodeAffinity": {
                (REQUIRED): { "nodeSelectorTerms": [
                    { "matchExpressions": expression("beta.kubernetes.io/os", "not a label") }
                ] },
                (PREFERRED): [{ "preference": { "matchExpressions": expression("a", "a b") } }],
            } },
        });
        assert_eq!(
            of(spec),
            [
                "template.spec.nodeSelector[node-role.kubernetes.io/master]: use \"node-role.kubernetes.io/control-plane\" instead",
                "template.spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0].key: beta.kubernetes.io/os is deprecated since v1.14; use \"kubernetes.io/os\" instead",
                "template.spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].preference.matchExpressions[0].values[0]: a b is invalid, a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
            ]
        );
    }

    #[test]
    fn volumes_that_work_no_longer_and_claims_of_a_part_of_a_byte_are_told() {
        let claim = json!({ "spec": { "resources": { "requests": { "storage": "1500m" } } } });
        let spec = json!({ "volumes": [
            { "gitRepo": {} }, { "storageos": {} }, { "ephemeral": { "volumeClaimTemplate": claim } }
        ] });
        assert_eq!(
            of(spec),
            [
                "template.spec.volumes[0].gitRepo: deprecated in v1.11, and disabled by default in v1.33+",
                "template.spec.volumes[1].storageOS: deprecated in v1.22, non-functional in v1.25+",
                "template.spec.volumes[2].ephemeral.volumeClaimTemplate.spec.resources.requests[storage]: fractional byte value \"1500m\" is invalid, must be an integer",
            ]
        );
    }

    #[test]
    fn what_selects_nothing_and_grace_below_zero_are_told() {
        let term = json!({ "topologyKey": "zone" });
        let spec = json!({
            "terminationGracePeriodSeconds": -1,
            "affinity": {
                "podAffinity": { (REQUIRED): [term] },
                "podAntiAffinity": { (PREFERRED): [{ "podAffinityTerm": term }] },
            },
        });
        assert_eq!(
            of(spec),
            [
                "template.spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1",
                "template.spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].labelSelector: a null labelSelector results in matching no pod",
                "template.spec.affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].podAffinityTerm.labelSelector: a null labelSelector results in matching no pod",
            ]
        );
    }

    #[test]
    fn addresses_are_told_that_are_not_written_as_one_writes_them() {
        let spec = json!({
            "dnsConfig": { "nameservers": ["::ffff:1.2.3.4"] },
            "hostAliases": [{ "ip": "010.0.0.1" }, { "ip": "2001:DB8::1" }],
        });
        assert_eq!(
            of(spec),
            [
                "template.spec.dnsConfig.nameservers[0]: non-standard IP address \"::ffff:1.2.3.4\" is invalid: use \"1.2.3.4\"",
                "template.spec.hostAliases[0].ip: non-standard IP address \"010.0.0.1\" is invalid: use \"10.0.0.1\"",
                "template.spec.hostAliases[1].ip: IPv6 address \"2001:DB8::1\" should be in RFC 5952 canonical format (\"2001:db8::1\")",
            ]
        );
    }

    #[test]
    fn the_app_armor_annotation_of_a_template_is_told_unless_its_pod_says_the_same() {
        let template = |annotation: &str| {
            json!({
                "metadata": { "annotations": { (format!("{APP_ARMOR}c")): annotation } },
                "spec": {
                    "securityContext": { "appArmorProfile": { "type": "RuntimeDefault" } },
                    "containers": [{ "name": "c" }],
                },
            })
        };
        let of = |annotation: &str| for_template(&template(annotation), &Path::new("template"));
        assert!(of("runtime/default").is_empty());
        assert_eq!(of("unconfined").len(), 1);
    }

    #[test]
    fn bytes_are_whole_to_the_thousandth_as_kubernetes_looks_at_them() {
        let of = |memory: &str| of(json!({ "overhead": { "memory": memory } })).len();
        assert_eq!([of("1"), of("1500m"), of("1m"), of("999999u")], [0, 1, 1, 0]);
    }
}
