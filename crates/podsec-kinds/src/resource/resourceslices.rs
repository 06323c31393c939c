//! ResourceSlices: the devices that a driver offers on some nodes.

use podsec_apimachinery::field::{Error, Path, json};
use podsec_apimachinery::name::NameRule;
use podsec_apimachinery::quote::quoted;
use serde_json::Value;

use super::devices::{counters, device, node_name};
use super::{GROUP, lists, names};
use crate::generic::{BASE, count_content};
use crate::object::{Fields, FieldsMut};
use crate::printing::{self, column};
use crate::strategy::{DeletionAnswer, SelectableField, Strategy};
use crate::{immutable, internal, metadata as meta, node_selector, workload};

/// ResourceSlices.
pub(crate) static STRATEGY: Strategy = Strategy {
    group: GROUP,
    resource: "resourceslices",
    default: |slice| {
        let Some(spec) = slice.as_object_mut().and_then(|slice| slice.ensure("spec")) else { return };
        spec.fill("driver", "");
        if let Some(pool) = spec.ensure("pool") {
            pool.fill("name", "");
            pool.fill("generation", 0);
            pool.fill("resourceSliceCount", 0);
        }
        for device in spec.objects_mut("devices") {
            device.fill("name", "");
            let capacities =
                device.object_mut("capacity").into_iter().flat_map(|capacity| capacity.values_mut());
            capacities.filter_map(Value::as_object_mut).for_each(|capacity| capacity.fill("value", "0"));
        }
    },
    prepare_for_create: |slice| {
        without_alpha_fields(slice);
        stamp_taints(slice);
        workload::start_generation(slice);
    },
    prepare_for_update: |slice, old| {
        without_alpha_fields(slice);
        stamp_taints(slice);
        count_content(slice, old);
    },
    validate: |slice| {
        let mut errors = meta::validate(slice, false, NameRule::Dns1123Subdomain);
        errors.extend(spec(slice.at("spec"), &Value::Null, &Path::new("spec")));
        errors
    },
    validate_update: |slice, old| {
        let mut errors = meta::validate_update(slice, old);
        errors.extend(spec(slice.at("spec"), old.at("spec"), &Path::new("spec")));
        errors
    },
    warnings_on_create: warnings,
    warnings_on_update: |slice, _| warnings(slice),
    columns: &[
        printing::NAME,
        column(
            "Node",
            "NodeName identifies the node which provides the resources in this pool. A field selector can be used to \
             list only ResourceSlice objects belonging to a certain node.\n\nThis field can be used to limit access \
             from nodes to ResourceSlices with the same node name. It also indicates to autoscalers that adding new \
             nodes of the same type as some old node might also make new resources available.\n\nExactly one of \
             NodeName, NodeSelector, AllNodes, and PerDeviceNodeSelection must be set. This field is immutable.",
        ),
        column(
            "Driver",
            "Driver identifies the DRA driver providing the capacity information. A field selector can be used to \
             list only ResourceSlice objects with a certain driver name.\n\nMust be a DNS subdomain and should end \
             with a DNS domain owned by the vendor of the driver. It should use only lower case characters. This \
             field is immutable.",
        ),
        column(
            "Pool",
            "Name is used to identify the pool. For node-local devices, this is often the node name, but this is not \
             required.\n\nIt must not be longer than 253 characters and must consist of one or more DNS sub-domains \
             separated by slashes. This field is immutable.",
        ),
        printing::AGE,
    ],
    cells: |slice, now| {
        let spec = slice.at("spec");
        vec![
            printing::name(slice),
            spec.text("nodeName").into(),
            spec.text("driver").into(),
            spec.at("pool").text("name").into(),
            printing::age(slice, now),
        ]
    },
    selectable_fields: &[SelectableField::path("spec.nodeName"), SelectableField::path("spec.driver")],
    deletion_answer: DeletionAnswer::Object,
    ..BASE
};

/// Lists of values and mappings to the resources of nodes are off, as they are by default.
fn without_alpha_fields(slice: &mut Value) {
    let Some(spec) = slice.as_object_mut().and_then(|slice| slice.object_mut("spec")) else { return };
    for device in spec.objects_mut("devices") {
        device.remove("nodeAllocatableResourceMappings");
        let attributes =
            device.object_mut("attributes").into_iter().flat_map(|attributes| attributes.values_mut());
        for attribute in attributes.filter_map(Value::as_object_mut) {
            for field in ["bools", "ints", "strings", "versions"] {
                attribute.remove(field);
            }
        }
    }
}

/// A taint says when it was added: now, unless it says otherwise.
fn stamp_taints(slice: &mut Value) {
    let now = meta::last_written(slice);
    let Some(spec) = slice.as_object_mut().and_then(|slice| slice.object_mut("spec")) else { return };
    for device in spec.objects_mut("devices") {
        for taint in device.objects_mut("taints") {
            taint.fill("timeAdded", now.clone());
        }
    }
}

fn spec(spec: &Value, old: &Value, path: &Path) -> Vec<Error> {
    let mut errors = names::driver(spec.text("driver"), &path.child("driver"));
    let (pool, pool_path) = (spec.at("pool"), path.child("pool"));
    errors.extend(names::pool(pool.text("name"), &pool_path.child("name")));
    let count = pool.number("resourceSliceCount");
    if count <= 0 {
        let detail = "must be greater than zero";
        errors.push(Error::invalid(pool_path.child("resourceSliceCount"), &count.into(), detail));
    }
    let generation = pool.number("generation");
    if generation < 0 {
        let detail = "must be greater than or equal to zero";
        errors.push(Error::invalid(pool_path.child("generation"), &generation.into(), detail));
    }
    if !old.is_null() {
        errors.extend(immutable::text(pool, old.at("pool"), "name", &pool_path));
        errors.extend(immutable::text(spec, old, "driver", path));
        errors.extend(immutable::value(spec.at("nodeName"), old.at("nodeName"), &path.child("nodeName")));
    }
    errors.extend(nodes(spec, path));
    if spec.has("sharedCounters") && spec.has("devices") {
        let detail = "only one of `sharedCounters` or `devices` is allowed";
        errors.push(Error::invalid(path.clone(), &"".into(), detail));
    }
    let devices = spec.list("devices");
    let advanced = devices
        .iter()
        .any(|device| !device.list("taints").is_empty() || !device.list("consumesCounters").is_empty());
    let per_device = spec.flag("perDeviceNodeSelection");
    let known = |name: &str| {
        old.list("devices").iter().find(|device| device.text("name") == name).unwrap_or(&Value::Null)
    };
    errors.extend(lists::set(
        devices,
        if advanced { 64 } else { 128 },
        &path.child("devices"),
        |each, path| device(each, known(each.text("name")), per_device, path),
        |device| device.text("name"),
    ));
    errors.extend(lists::set(
        spec.list("sharedCounters"),
        8,
        &path.child("sharedCounters"),
        |set, path| counters(set, "name", path),
        |set| set.text("name"),
    ));
    errors
}

/// Where the devices are: said in one way alone.
fn nodes(spec: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let mut set = Vec::new();
    match spec.at("nodeName").as_str() {
        None => {}
        Some("") => {
            let detail = "must be either unset or set to a non-empty string";
            errors.push(Error::invalid(path.child("nodeName"), &"".into(), detail));
        }
        Some(name) => {
            set.push("`nodeName`");
            errors.extend(node_name(name, &path.child("nodeName")));
        }
    }
    if let Some(selector) = spec.field("nodeSelector") {
        set.push("`nodeSelector`");
        let path = path.child("nodeSelector");
        errors.extend(node_selector::validate(selector, &path));
        if selector.list("nodeSelectorTerms").len() != 1 {
            let terms = selector.at("nodeSelectorTerms");
            let shown =
                if terms.is_null() { json(terms) } else { internal::json("[]NodeSelectorTerm", terms) };
            let detail = "must have exactly one node selector term";
            errors.push(Error::invalid_json(path.child("nodeSelectorTerms"), &shown, detail));
        }
    }
    for (field, shown) in [("allNodes", "`allNodes`"), ("perDeviceNodeSelection", "`perDeviceNodeSelection`")]
    {
        match spec.at(field).as_bool() {
            Some(true) => set.push(shown),
            Some(false) => {
                let detail = "must be either unset or set to true";
                errors.push(Error::invalid(path.child(field), &false.into(), detail));
            }
            None => {}
        }
    }
    let detail =
        "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required";
    match set.len() {
        0 => errors.push(Error::required(path.clone(), detail)),
        1 => {}
        _ => {
            let shown = format!("{{{}}}", set.join(", "));
            let detail = format!("{detail}, but multiple fields are set");
            errors.push(Error::invalid(path.clone(), &shown.into(), &detail));
        }
    }
    errors
}

fn warnings(slice: &Value) -> Vec<String> {
    let driver = slice.at("spec").text("driver");
    let shouted = driver.chars().any(char::is_uppercase);
    let warning = || {
        format!(
            "spec.driver: driver names should be lowercase; {} contains uppercase characters",
            quoted(driver)
        )
    };
    shouted.then(warning).into_iter().collect()
}
