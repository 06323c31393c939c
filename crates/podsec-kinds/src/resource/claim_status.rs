//! The status of a claim: the devices that it has, and who uses them.

use std::collections::BTreeSet;

use podsec_apimachinery::field::{Error, Path};
use serde_json::{Map, Value};

use super::claim_spec::{Requests, reference, references};
use super::devices::binding_conditions;
use super::selectors::{configuration, free_object};
use super::{lists, names};
use crate::object::{Fields, FieldsMut, same};
use crate::{conditions, formats, internal, ip, node_selector};

/// What is wrong with a changed status.
pub(super) fn validate(claim: &Value, old: &Value, requests: &Requests<'_>) -> Vec<Error> {
    let path = Path::new("status");
    let (status, old_status) = (claim.at("status"), old.at("status"));
    let reserved_path = path.child("reservedFor");
    let reserved = status.list("reservedFor");
    let mut errors =
        lists::set(reserved, MOST_CONSUMERS, &reserved_path, consumer, |consumer| consumer.text("uid"));
    let allocated: BTreeSet<[&str; 4]> =
        status.at("allocation").at("devices").list("results").iter().map(device_id).collect();
    errors.extend(devices(status.list("devices"), &allocated, &path.child("devices")));
    if !reserved.is_empty() {
        if !status.has("allocation") {
            let detail = "may not be specified when `allocated` is not set";
            errors.push(Error::forbidden(reserved_path, detail));
        } else if claim.at("metadata").has("deletionTimestamp") {
            let before = old_status.list("reservedFor");
            if reserved.iter().any(|consumer| !before.contains(consumer)) {
                let detail = "new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set";
                errors.push(Error::forbidden(reserved_path, detail));
            }
        }
    }
    let path = path.child("allocation");
    match (status.field("allocation"), old_status.field("allocation")) {
        (Some(new), Some(old)) if !same(new, old) => {
            errors.push(internal::invalid(path, "resource.AllocationResult", new, formats::IMMUTABLE));
        }
        (Some(new), None) => errors.extend(allocation(new, requests, &path)),
        _ => {}
    }
    errors
}

/// Go writes the devices of an allocation also when there are none.
pub(super) fn default(claim: &mut Map<String, Value>) {
    let Some(status) = claim.ensure("status") else { return };
    if let Some(allocation) = status.object_mut("allocation") {
        allocation.ensure("devices");
    }
}

/// Devices that are no longer allocated have no status of their own.
pub(super) fn drop_deallocated(claim: &mut Value, old: &Value) {
    let results = |claim: &'_ Value| -> BTreeSet<[String; 4]> {
        let results = claim.at("status").at("allocation").at("devices").list("results").iter();
        results.map(|result| device_id(result).map(str::to_owned)).collect()
    };
    let gone: BTreeSet<[String; 4]> = results(old).difference(&results(claim)).cloned().collect();
    let Some(status) = claim.get_mut("status").and_then(Value::as_object_mut) else { return };
    let Some(devices) = status.get_mut("devices").and_then(Value::as_array_mut) else { return };
    devices.retain(|device| !gone.contains(&device_id(device).map(str::to_owned)));
    if devices.is_empty() {
        status.remove("devices");
    }
}

fn device_id(device: &Value) -> [&str; 4] {
    ["driver", "pool", "device", "shareID"].map(|field| device.text(field))
}

fn shown(id: [&str; 4]) -> String {
    let fields = ["Driver", "Pool", "Device", "ShareID"].iter().zip(id);
    let fields: Vec<String> = fields
        .map(|(name, text)| format!("\"{name}\":{}", podsec_apimachinery::field::json(&text.into())))
        .collect();
    format!("{{{}}}", fields.join(","))
}

fn consumer(consumer: &Value, path: &Path) -> Vec<Error> {
    let fields = ["resource", "name", "uid"].iter();
    fields
        .filter(|field| consumer.text(field).is_empty())
        .map(|field| Error::required(path.child(field), ""))
        .collect()
}

fn devices(devices: &[Value], allocated: &BTreeSet<[&str; 4]>, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    for (index, device) in devices.iter().enumerate() {
        errors.extend(self::device(device, allocated, &path.index(index)));
    }
    let mut seen = BTreeSet::new();
    for (index, device) in devices.iter().enumerate() {
        let id = device_id(device);
        if !seen.insert(id) {
            errors.push(Error::duplicate_json(path.index(index), &shown(id)));
        }
    }
    errors
}

fn device(device: &Value, allocated: &BTreeSet<[&str; 4]>, path: &Path) -> Vec<Error> {
    let mut errors = names::driver(device.text("driver"), &path.child("driver"));
    errors.extend(names::pool(device.text("pool"), &path.child("pool")));
    errors.extend(names::label(device.text("device"), &path.child("device")));
    if let Some(share) = device.at("shareID").as_str() {
        errors.extend(names::share(share, &path.child("shareID")));
    }
    let id = device_id(device);
    if !allocated.contains(&id) {
        let detail = "must be an allocated device in the claim";
        errors.push(Error::invalid_json(path.clone(), &shown(id), detail));
    }
    let conditions_path = path.child("conditions");
    let list = device.list("conditions");
    if list.len() > MOST_CONDITIONS {
        errors.push(Error::too_many(conditions_path.clone(), list.len(), MOST_CONDITIONS));
    }
    errors.extend(conditions::validate(list, &conditions_path));
    if let Some(data) = device.field("data") {
        errors.extend(free_object(data, false, &path.child("data")));
    }
    if let Some(network) = device.field("networkData") {
        let path = path.child("networkData");
        for (field, most) in [("interfaceName", 256), ("hardwareAddress", 128)] {
            if network.text(field).len() > most {
                errors.push(Error::too_long(path.child(field), most));
            }
        }
        let address =
            |address: &Value, path: &Path| ip::validate_interface_address(lists::text(address), path);
        errors.extend(lists::set(network.list("ips"), 16, &path.child("ips"), address, lists::text));
    }
    errors
}

fn allocation(allocation: &Value, requests: &Requests<'_>, path: &Path) -> Vec<Error> {
    let (devices, devices_path) = (allocation.at("devices"), path.child("devices"));
    let mut errors = lists::items(
        devices.list("results"),
        MOST_RESULTS,
        &devices_path.child("results"),
        |result, path| {
            let mut errors = reference(result.text("request"), requests, &path.child("request"));
            errors.extend(names::driver(result.text("driver"), &path.child("driver")));
            errors.extend(names::pool(result.text("pool"), &path.child("pool")));
            errors.extend(names::label(result.text("device"), &path.child("device")));
            errors.extend(binding_conditions(result, path));
            if let Some(share) = result.at("shareID").as_str() {
                errors.extend(names::share(share, &path.child("shareID")));
            }
            errors
        },
    );
    errors.extend(lists::items(
        devices.list("config"),
        MOST_CONFIG,
        &devices_path.child("config"),
        |config, path| {
            let source = config.text("source");
            let mut errors: Vec<Error> =
                formats::one_of(&path.child("source"), source, &["FromClaim", "FromClass"])
                    .into_iter()
                    .collect();
            errors.extend(references(config, requests, path));
            errors.extend(configuration(config, false, path));
            errors
        },
    ));
    if let Some(selector) = allocation.field("nodeSelector") {
        errors.extend(node_selector::validate(selector, &path.child("nodeSelector")));
    }
    errors
}

const MOST_CONSUMERS: usize = 256;
const MOST_CONDITIONS: usize = 8;
const MOST_RESULTS: usize = 32;
const MOST_CONFIG: usize = 64;
