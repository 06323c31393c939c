//! The devices of a ResourceSlice.

use std::collections::BTreeSet;

use podsec_apimachinery::field::{Error, Path, json};
use serde_json::Value;

use super::claim_spec::EFFECTS;
use super::{lists, names, request_policy};
use crate::object::{Fields, same};
use crate::{formats, internal, node_selector};

/// What is wrong with a device; `old` is the stored one of the same name.
pub(super) fn device(device: &Value, old: &Value, per_device: bool, path: &Path) -> Vec<Error> {
    let mut errors = names::label(device.text("name"), &path.child("name"));
    let entries = device.entries("attributes").count() + device.entries("capacity").count();
    if entries > MOST_ENTRIES {
        let detail = format!("the total number of attributes and capacities must not exceed {MOST_ENTRIES}");
        errors.push(Error::invalid(path.clone(), &entries.into(), &detail));
    }
    let values: usize = device.entries("attributes").map(|(_, attribute)| count_values(attribute)).sum();
    if values > MOST_VALUES {
        let detail = format!("the total number of attribute values must not exceed {MOST_VALUES}");
        errors.push(Error::invalid(path.clone(), &values.into(), &detail));
    }
    let attributes = path.child("attributes");
    for (name, attribute) in device.entries("attributes") {
        errors.extend(names::qualified(name, &attributes));
        errors.extend(self::attribute(attribute, &attributes.key(&shortened(name, 96))));
    }
    let capacities = path.child("capacity");
    for (name, capacity) in device.entries("capacity") {
        errors.extend(names::qualified(name, &capacities));
        let path = capacities.key(&shortened(name, 96));
        if !capacity.has("requestPolicy") {
            continue;
        }
        if device.flag("allowMultipleAllocations") {
            errors.extend(request_policy::validate(capacity, &path));
        } else {
            let detail = "allowMultipleAllocations must be true";
            errors.push(Error::forbidden(path.child("requestPolicy"), detail));
        }
    }
    if old.is_null() || !same(old.at("taints"), device.at("taints")) {
        errors.extend(lists::items(device.list("taints"), MOST_TAINTS, &path.child("taints"), taint));
    }
    let consumes = device.list("consumesCounters");
    errors.extend(lists::set(
        consumes,
        2,
        &path.child("consumesCounters"),
        |consumption, path| counters(consumption, "counterSet", path),
        |consumption| consumption.text("counterSet"),
    ));
    errors.extend(nodes(device, per_device, path));
    errors.extend(binding_conditions(device, path));
    errors
}

/// A named set of counters, or the counters of one that a device takes.
pub(super) fn counters(holder: &Value, name_field: &str, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let (name, name_path) = (holder.text(name_field), path.child(name_field));
    if name.is_empty() {
        errors.push(Error::required(name_path, ""));
    } else {
        errors.extend(names::label(name, &name_path));
    }
    let path = path.child("counters");
    let count = holder.entries("counters").count();
    if count == 0 {
        errors.push(Error::required(path, ""));
    } else if count > MOST_COUNTERS {
        errors.push(Error::too_many(path, count, MOST_COUNTERS));
    } else {
        errors.extend(holder.entries("counters").flat_map(|(name, _)| names::label(name, &path)));
    }
    errors
}

/// The conditions that a device waits for before it is bound, and those that make the binding fail.
pub(super) fn binding_conditions(holder: &Value, path: &Path) -> Vec<Error> {
    let (binding_path, failure_path) =
        (path.child("bindingConditions"), path.child("bindingFailureConditions"));
    let (binding, failure) = (holder.list("bindingConditions"), holder.list("bindingFailureConditions"));
    let name = |condition: &Value, path: &Path| {
        let text = lists::text(condition);
        formats::invalid(path, text, formats::qualified_name(text))
    };
    let mut errors = lists::items(binding, 4, &binding_path, name);
    errors.extend(lists::items(failure, 4, &failure_path, name));
    let mut seen = BTreeSet::new();
    for (index, condition) in binding.iter().enumerate() {
        if !seen.insert(lists::text(condition)) {
            errors.push(Error::duplicate(binding_path.index(index), condition));
        }
    }
    let mut failures = BTreeSet::new();
    for (index, condition) in failure.iter().enumerate() {
        let path = failure_path.index(index);
        if !failures.insert(lists::text(condition)) {
            errors.push(Error::duplicate(path.clone(), condition));
        }
        if seen.contains(lists::text(condition)) {
            let detail = "bindingFailureConditions must not overlap with bindingConditions";
            errors.push(Error::invalid(path, condition, detail));
        }
    }
    if binding.is_empty() && !failure.is_empty() {
        let detail = "bindingConditions are required to use bindingFailureConditions";
        errors.push(Error::invalid_json(binding_path, &json(holder.at("bindingConditions")), detail));
    } else if failure.is_empty() && !binding.is_empty() {
        let detail = "bindingFailureConditions are required to use bindingConditions";
        errors.push(Error::invalid_json(failure_path, &json(holder.at("bindingFailureConditions")), detail));
    }
    errors
}

/// The name of a node.
pub(super) fn node_name(name: &str, path: &Path) -> Vec<Error> {
    formats::invalid(path, name, formats::subdomain(name))
}

fn nodes(device: &Value, per_device: bool, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let any = ["nodeName", "nodeSelector", "allNodes"].iter().any(|field| device.has(field));
    if !per_device {
        if any {
            let detail = "`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec";
            errors.push(Error::invalid_json(path.clone(), "null", detail));
        }
        return errors;
    }
    let mut set = Vec::new();
    match device.at("nodeName").as_str() {
        None => {}
        Some("") => {
            errors.push(Error::invalid(path.child("nodeName"), &"".into(), "must not be empty"));
        }
        Some(name) => {
            set.push("`nodeName`");
            errors.extend(node_name(name, &path.child("nodeName")));
        }
    }
    if let Some(selector) = device.field("nodeSelector") {
        set.push("`nodeSelector`");
        errors.extend(node_selector::validate(selector, &path.child("nodeSelector")));
    }
    match device.at("allNodes").as_bool() {
        Some(true) => set.push("`allNodes`"),
        Some(false) => {
            let detail = "must be either unset or set to true";
            errors.push(Error::invalid(path.child("allNodes"), &false.into(), detail));
        }
        None => {}
    }
    let detail = "exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true in the ResourceSlice spec";
    match set.len() {
        0 => errors.push(Error::required(path.clone(), detail)),
        1 => {}
        _ => {
            let shown = format!("{{{}}}", set.join(", "));
            errors.push(Error::invalid(path.clone(), &shown.into(), detail));
        }
    }
    errors
}

fn attribute(attribute: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let set = ["bool", "int", "string", "version", "bools", "ints", "strings", "versions"]
        .iter()
        .filter(|field| attribute.has(field))
        .count();
    if let Some(text) = attribute.at("string").as_str() {
        errors.extend(attribute_length(text, &path.child("string")));
    }
    if let Some(text) = attribute.at("version").as_str() {
        errors.extend(version(text, &path.child("version")));
    }
    let detail = "exactly one value must be specified";
    match set {
        0 => errors.push(Error::invalid(path.clone(), &"".into(), detail)),
        1 => {}
        _ => errors.push(internal::invalid(path.clone(), "resource.DeviceAttribute", attribute, detail)),
    }
    errors
}

fn count_values(attribute: &Value) -> usize {
    let lists = ["bools", "ints", "strings", "versions"].iter().map(|field| attribute.list(field).len());
    lists.sum::<usize>().max(1)
}

fn attribute_length(text: &str, path: &Path) -> Option<Error> {
    (text.len() > 64).then(|| Error::too_long(path.clone(), 64))
}

fn version(text: &str, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    if !is_semantic_version(text) {
        let detail = "must be a string compatible with semver.org spec 2.0.0";
        errors.push(Error::invalid(path.clone(), &text.into(), detail));
    }
    errors.extend(attribute_length(text, path));
    errors
}

fn is_semantic_version(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let number = |part: &str| digits(part) && (part == "0" || !part.starts_with('0'));
    let word = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte == b'-' || byte.is_ascii_alphanumeric())
    };
    let (text, build) = text.split_once('+').map_or((text, None), |(text, build)| (text, Some(build)));
    let (core, release) = text.split_once('-').map_or((text, None), |(core, release)| (core, Some(release)));
    let parts: Vec<&str> = core.split('.').collect();
    parts.len() == 3
        && parts.iter().all(|part| number(part))
        && release.is_none_or(|release| {
            release.split('.').all(|part| word(part) && (number(part) || !digits(part)))
        })
        && build.is_none_or(|build| build.split('.').all(word))
}

fn taint(taint: &Value, path: &Path) -> Vec<Error> {
    let (key, value) = (taint.text("key"), taint.text("value"));
    let mut errors = formats::invalid(&path.child("key"), key, formats::qualified_name(key));
    if !value.is_empty() {
        errors.extend(formats::invalid(&path.child("value"), value, formats::label_value(value)));
    }
    errors.extend(formats::one_of(&path.child("effect"), taint.text("effect"), EFFECTS));
    errors
}

/// A key that is too long loses its middle.
fn shortened(key: &str, most: usize) -> String {
    if key.len() <= most {
        return key.to_owned();
    }
    let rest = most - 3;
    let mut start = rest.div_ceil(2);
    let mut end = key.len() - rest / 2;
    // Go cuts bytes; here a cut character goes as a whole.
    while !key.is_char_boundary(start) {
        start -= 1;
    }
    while !key.is_char_boundary(end) {
        end += 1;
    }
    format!("{}...{}", key.get(..start).unwrap_or_default(), key.get(end..).unwrap_or_default())
}

const MOST_ENTRIES: usize = 32;
const MOST_VALUES: usize = 48;
const MOST_TAINTS: usize = 16;
const MOST_COUNTERS: usize = 32;
