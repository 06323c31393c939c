//! Nodes: their networks, taints and capacity, and what of that may change.

use jiff::Timestamp;
use podsec_apimachinery::field::{Error, Path};
use podsec_apimachinery::name::NameRule;
use podsec_apimachinery::quote::quoted;
use serde_json::{Map, Value};

use crate::core::{config_sources, taints};
use crate::generic::BASE;
use crate::object::{Fields, FieldsMut, metadata};
use crate::pod_spec::defaults::canonical_quantities;
use crate::printing::{self, NONE, column, wide};
use crate::quantity::Quantity;
use crate::strategy::{Column, SelectableField, Strategy, Subresource};
use crate::{internal, ip, metadata as meta, workload};

/// Nodes.
pub(crate) static STRATEGY: Strategy = Strategy {
    resource: "nodes",
    default,
    // Unlike other kinds, nodes bring their status when they register.
    prepare_for_create: |node| {
        forget(node, "spec", "configSource");
        forget(node, "status", "config");
    },
    prepare_for_update: |node, old| {
        workload::keep_status(node, old);
        if !old.at("spec").has("configSource") {
            forget(node, "spec", "configSource");
        }
    },
    validate,
    validate_update: |node, old| {
        let mut errors = meta::common_update(node, old);
        errors.extend(validate(node));
        errors.extend(validate_change(node, old));
        errors
    },
    warnings_on_create: warnings,
    warnings_on_update: |node, _| warnings(node),
    subresources: &[Subresource {
        name: "status",
        prepare_for_update: |node, old| {
            workload::keep_all_but_status(node, old);
            if !old.at("status").has("config") {
                forget(node, "status", "config");
            }
        },
        validate_update: |node, old| {
            let mut errors = meta::common_update(node, old);
            errors.extend(validate_change(node, old));
            errors
        },
    }],
    columns: COLUMNS,
    cells,
    selectable_fields: &[SelectableField {
        label: "spec.unschedulable",
        value: |node, _| node.at("spec").flag("unschedulable").to_string(),
    }],
    ..BASE
};

/// What a node says of itself is written even when it says nothing.
fn write_unknown(status: &mut Map<String, Value>) {
    if let Some(kubelet) = status.ensure("daemonEndpoints").and_then(|ends| ends.ensure("kubeletEndpoint")) {
        kubelet.fill("Port", 0);
    }
    if let Some(info) = status.ensure("nodeInfo") {
        for field in NODE_INFO {
            info.fill(field, "");
        }
    }
}

const NODE_INFO: &[&str] = &[
    "machineID",
    "systemUUID",
    "bootID",
    "kernelVersion",
    "osImage",
    "containerRuntimeVersion",
    "kubeletVersion",
    "kubeProxyVersion",
    "operatingSystem",
    "architecture",
];

fn default(node: &mut Value) {
    let Some(node) = node.as_object_mut() else { return };
    if let Some(spec) = node.ensure("spec") {
        // The older of the two fields wins where they differ.
        let (first, networks) = (spec.at("podCIDR").clone(), spec.list("podCIDRs").first().cloned());
        match (first.as_str().unwrap_or_default(), networks) {
            ("", Some(network)) => drop(spec.insert("podCIDR".to_owned(), network)),
            ("", None) => {}
            (_, Some(network)) if network == first => {}
            _ => drop(spec.insert("podCIDRs".to_owned(), vec![first].into())),
        }
    }
    if let Some(status) = node.ensure("status") {
        write_unknown(status);
        canonical_quantities(status, "capacity");
        canonical_quantities(status, "allocatable");
        let capacity = status.at("capacity").clone();
        if capacity.is_object() {
            status.fill("allocatable", capacity);
        }
    }
}

fn forget(node: &mut Value, part: &str, field: &str) {
    if let Some(part) = node.as_object_mut().and_then(|node| node.object_mut(part)) {
        part.remove(field);
    }
}

fn validate(node: &Value) -> Vec<Error> {
    let mut errors = meta::validate(node, false, NameRule::Dns1123Subdomain);
    let (spec, status) = (node.at("spec"), node.at("status"));
    errors.extend(taints::annotation(node));
    errors.extend(taints::validate(spec.list("taints"), &taints_path()));
    errors.extend(amounts(status));
    if let Some(capacity) = status.at("nodeInfo").at("swap").integer("capacity").filter(|size| *size <= 0) {
        let path = Path::new("metadata").child("nodeSwapStatus").child("capacity");
        errors.push(Error::invalid(path, &capacity.into(), "must be greater than zero"));
    }
    errors.extend(declared_features(status));
    errors.extend(pod_networks(spec));
    errors
}

/// Kubernetes calls the taints a part of the metadata.
fn taints_path() -> Path {
    Path::new("metadata").child("taints")
}

fn amounts(status: &Value) -> Vec<Error> {
    let mut errors = Vec::new();
    for list in ["capacity", "allocatable"] {
        for (name, amount) in status.texts(list) {
            let path = Path::new("status").child(list).child(name);
            errors.extend(
                Quantity::parse(amount).into_iter().flat_map(|amount| amount.validate_for(name, &path)),
            );
        }
    }
    errors
}

fn declared_features(status: &Value) -> Vec<Error> {
    let path = Path::new("status").child("declaredFeatures");
    let features: Vec<&str> = status.list("declaredFeatures").iter().filter_map(Value::as_str).collect();
    let mut errors = Vec::new();
    for (index, feature) in features.iter().enumerate() {
        errors.extend(wrong_feature(feature).map(|why| {
            let detail = format!("invalid feature name {}: {why}", quoted(feature));
            Error::invalid(path.index(index), &(*feature).into(), &detail)
        }));
        if let Some(next) = features.get(index + 1) {
            let path = path.index(index + 1);
            if feature == next {
                errors.push(Error::duplicate(path, &(*next).into()));
            } else if feature > next {
                errors.push(Error::invalid(path, &(*next).into(), "list must be sorted alphabetically"));
            }
        }
    }
    errors
}

fn wrong_feature(name: &str) -> Option<&'static str> {
    if name.len() > 253 {
        return Some("must be no more than 253 characters");
    }
    let mut parts = name.split('/');
    let word = |part: &str| part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let first =
        parts.next().is_some_and(|part| part.starts_with(|c: char| c.is_ascii_uppercase()) && word(part));
    let rest = parts.all(|part| part.starts_with(|c: char| c.is_ascii_alphabetic()) && word(part));
    (!(first && rest)).then_some(
        "must start with an UpperCamelCase segment, with subsequent segments separated by '/' (e.g., MyFeature or \
         MyFeature/mySubFeature), and contain only alphanumeric characters and slashes",
    )
}

/// One network of each family.
fn pod_networks(spec: &Value) -> Vec<Error> {
    let path = Path::new("spec").child("podCIDRs");
    let networks: Vec<&str> = spec.list("podCIDRs").iter().filter_map(Value::as_str).collect();
    let indexed = networks.iter().enumerate();
    let mut errors: Vec<Error> =
        indexed.flat_map(|(index, text)| ip::validate_legacy_cidr(text, &path.index(index), &[])).collect();
    if networks.len() > 1 {
        let parsed: Option<Vec<bool>> =
            networks.iter().map(|text| Some(ip::sloppy_cidr(text)?.0.is_ipv6())).collect();
        let dual = if let Some(families) = parsed {
            families.contains(&true) && families.contains(&false)
        } else {
            let wrong = networks.iter().find(|text| ip::sloppy_cidr(text).is_none()).copied();
            errors.push(Error::internal(
                path.clone(),
                &format!(
                    "invalid PodCIDRs. failed to check with dual stack with error:invalid CIDR value: {}",
                    quoted(wrong.unwrap_or_default())
                ),
            ));
            false
        };
        if !dual || networks.len() > 2 {
            let detail = "may specify no more than one CIDR for each IP family";
            errors.push(Error::invalid(path, spec.at("podCIDRs"), detail));
        }
    }
    errors
}

fn validate_change(node: &Value, old: &Value) -> Vec<Error> {
    let (spec, then, status) = (node.at("spec"), old.at("spec"), node.at("status"));
    let path = Path::new("spec");
    let mut errors = meta::own_update(node, old);
    errors.extend(taints::annotation(node));
    errors.extend(amounts(status));
    errors.extend(declared_features(status));
    let addresses = status.list("addresses");
    for (index, address) in addresses.iter().enumerate() {
        if addresses.iter().take(index).any(|other| other == address) {
            let shown = internal::json("NodeAddress", address);
            errors.push(Error::duplicate_json(Path::new("status").child("addresses").index(index), &shown));
        }
    }
    let (now_networks, old_networks) = (spec.list("podCIDRs"), then.list("podCIDRs"));
    if !old_networks.is_empty() {
        let changes = if now_networks.len() == old_networks.len() {
            now_networks.iter().zip(old_networks).filter(|(now, then)| now != then).count()
        } else {
            1
        };
        let detail = "node updates may not change podCIDR except from \"\" to valid";
        errors.extend((0..changes).map(|_| Error::forbidden(path.child("podCIDRs"), detail)));
    }
    let provider = then.text("providerID");
    if !provider.is_empty() && provider != spec.text("providerID") {
        let detail = "node updates may not change providerID except from \"\" to valid";
        errors.push(Error::forbidden(path.child("providerID"), detail));
    }
    if let Some(source) = spec.field("configSource") {
        errors.extend(config_sources::validate(source, false, &path.child("configSource")));
    }
    for field in ["assigned", "active", "lastKnownGood"] {
        if let Some(source) = status.at("config").field(field) {
            let path = Path::new("status").child("config").child(field);
            errors.extend(config_sources::validate(source, true, &path));
        }
    }
    errors.extend(taints::validate(spec.list("taints"), &taints_path()));
    if spec.text("externalID") != then.text("externalID") {
        errors.push(Error::forbidden(path.child("externalID"), "may not be updated"));
    }
    errors
}

fn warnings(node: &Value) -> Vec<String> {
    let spec = node.at("spec");
    let mut warnings = Vec::new();
    if spec.has("configSource") {
        warnings.push("spec.configSource: the feature is removed".to_owned());
    }
    if !spec.text("externalID").is_empty() {
        warnings.push("spec.externalID: this field is deprecated, and is unused by Kubernetes".to_owned());
    }
    for (index, network) in spec.list("podCIDRs").iter().enumerate() {
        let path = Path::new("spec").child("podCIDRs").index(index);
        warnings.extend(ip::cidr_warnings(network.as_str().unwrap_or_default(), &path));
    }
    warnings
}

const ADDRESSES: &str = "List of addresses reachable to the node. Queried from cloud provider, if available. More info: \
         https://kubernetes.io/docs/reference/node/node-status/#addresses Note: This field is declared as \
         mergeable, but the merge key is not sufficiently unique, which can cause data corruption when it is \
         merged. Callers should instead use a full-replacement patch. See https://pr.k8s.io/79391 for an \
         example. Consumers should assume that addresses can change during the lifetime of a Node. However, \
         there are some exceptions where this may not be possible, such as Pods that inherit a Node's \
         address in its own status or consumers of the downward API (status.hostIP).";

const COLUMNS: &[Column] = &[
    printing::NAME,
    column("Status", "The status of the node"),
    column("Roles", "The roles of the node"),
    printing::AGE,
    column("Version", "Kubelet Version reported by the node."),
    wide("Internal-IP", ADDRESSES),
    wide("External-IP", ADDRESSES),
    wide(
        "OS-Image",
        "OS Image reported by the node from /etc/os-release (e.g. Debian GNU/Linux 7 (wheezy)).",
    ),
    wide(
        "Kernel-Version",
        "Kernel Version reported by the node from 'uname -r' (e.g. 3.16.0-0.bpo.4-amd64).",
    ),
    wide(
        "Container-Runtime",
        "ContainerRuntime Version reported by the node through runtime remote API (e.g. containerd://1.4.2).",
    ),
];

fn cells(node: &Value, now: Timestamp) -> Vec<Value> {
    let status = node.at("status");
    let info = status.at("nodeInfo");
    let unknown = |field: &str| match info.text(field) {
        "" => "<unknown>".into(),
        text => Value::from(text),
    };
    let address = |kind: &str| {
        let address = status.list("addresses").iter().find(|address| address.text("type") == kind);
        printing::or_none(address.map_or("", |address| address.text("address")))
    };
    vec![
        printing::name(node),
        state(node).into(),
        roles(node).into(),
        printing::age(node, now),
        info.text("kubeletVersion").into(),
        address("InternalIP"),
        address("ExternalIP"),
        unknown("osImage"),
        unknown("kernelVersion"),
        unknown("containerRuntimeVersion"),
    ]
}

fn state(node: &Value) -> String {
    let ready =
        node.at("status").list("conditions").iter().find(|condition| condition.text("type") == "Ready");
    let mut state = match ready.map(|condition| condition.text("status")) {
        Some("True") => "Ready",
        Some(_) => "NotReady",
        None => "Unknown",
    }
    .to_owned();
    if node.at("spec").flag("unschedulable") {
        state.push_str(",SchedulingDisabled");
    }
    state
}

fn roles(node: &Value) -> String {
    let mut roles: Vec<&str> = metadata(node)
        .texts("labels")
        .filter_map(|(label, value)| match label.strip_prefix("node-role.kubernetes.io/") {
            Some(role) => Some(role),
            None => (label == "kubernetes.io/role").then_some(value),
        })
        .filter(|role| !role.is_empty())
        .collect();
    roles.sort_unstable();
    if roles.is_empty() { NONE.to_owned() } else { roles.join(",") }
}
