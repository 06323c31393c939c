//! Nodes.

use jiff::Timestamp;
use podsec_apimachinery::name::NameRule;
use serde_json::Value;

use crate::generic::BASE;
use crate::object::{Fields, FieldsMut, metadata};
use crate::printing::{self, NONE, column, wide};
use crate::strategy::{Column, SelectableField, Strategy, Subresource};
use crate::{metadata as meta, workload};

/// Nodes.
pub(crate) static STRATEGY: Strategy = Strategy {
    resource: "nodes",
    default: |node| {
        if let Some(status) = node.as_object_mut().and_then(|node| node.ensure("status")) {
            let capacity = status.at("capacity").clone();
            if capacity.is_object() {
                status.fill("allocatable", capacity);
            }
        }
    },
    // Unlike other kinds, nodes bring their status when they register.
    prepare_for_create: |_| {},
    prepare_for_update: workload::keep_status,
    validate: |node| meta::validate(node, false, NameRule::Dns1123Subdomain),
    subresources: &[Subresource {
        name: "status",
        prepare_for_update: workload::keep_all_but_status,
        validate_update: meta::validate_update,
    }],
    columns: COLUMNS,
    cells,
    selectable_fields: &[SelectableField {
        label: "spec.unschedulable",
        value: |node, _| node.at("spec").flag("unschedulable").to_string(),
    }],
    ..BASE
};

const COLUMNS: &[Column] = &[
    printing::NAME,
    column("Status", "The status of the node"),
    column("Roles", "The roles of the node"),
    printing::AGE,
    column("Version", "The version of its kubelet."),
    wide("Internal-IP", "Its address inside the cluster."),
    wide("External-IP", "Its address outside."),
    wide("OS-Image", "Its operating system."),
    wide("Kernel-Version", "Its kernel."),
    wide("Container-Runtime", "What runs its containers."),
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
