//! What claims and their templates ask for: requests, constraints and configuration.

use std::collections::BTreeMap;

use podsec_apimachinery::field::{Error, Path};
use serde_json::{Map, Value};

use super::selectors::{configuration, selectors};
use super::{lists, names};
use crate::formats;
use crate::object::{Fields, FieldsMut, null_if_empty};

/// The names of the requests, and of the alternatives below each.
pub(super) type Requests<'a> = BTreeMap<&'a str, Vec<&'a str>>;

/// Fills what is absent.
pub(super) fn default(spec: &mut Map<String, Value>) {
    let Some(devices) = spec.ensure("devices") else { return };
    null_if_empty(devices, "requests");
    for request in devices.objects_mut("requests") {
        request.fill("name", "");
        if let Some(exactly) = request.object_mut("exactly") {
            default_request(exactly);
        }
        request.objects_mut("firstAvailable").for_each(default_request);
    }
}

fn default_request(request: &mut Map<String, Value>) {
    request.fill("deviceClassName", "");
    for toleration in request.objects_mut("tolerations") {
        toleration.fill_zero("operator", "Equal");
    }
    request.fill_zero("allocationMode", "ExactCount");
    if request.text("allocationMode") == "ExactCount" {
        request.fill_zero("count", 1);
    }
}

/// The requests of a spec by name.
pub(super) fn requests(spec: &Value) -> Requests<'_> {
    let requests = spec.at("devices").list("requests").iter();
    requests
        .map(|request| {
            let alternatives = request.list("firstAvailable").iter();
            (request.text("name"), alternatives.map(|alternative| alternative.text("name")).collect())
        })
        .collect()
}

/// What is wrong with a spec.
pub(super) fn validate(spec: &Value, path: &Path) -> Vec<Error> {
    let (path, devices) = (path.child("devices"), spec.at("devices"));
    let known = requests(spec);
    let list = devices.list("requests");
    let mut errors =
        lists::set(list, MOST_REQUESTS, &path.child("requests"), request, |request| request.text("name"));
    let constraints_path = path.child("constraints");
    errors.extend(lists::items(devices.list("constraints"), MOST_OTHERS, &constraints_path, |constraint, path| {
        let mut errors = references(constraint, &known, path);
        match (constraint.at("matchAttribute").as_str(), constraint.at("distinctAttribute").as_str()) {
            (Some(name), _) => errors.extend(names::fully_qualified(name, &path.child("matchAttribute"))),
            (None, Some(name)) => {
                errors.extend(names::fully_qualified(name, &path.child("distinctAttribute")));
            }
            (None, None) => {
                let detail = "exactly one of \"matchAttribute\" or \"distinctAttribute\" is required, but multiple fields are set";
                errors.push(Error::required(path.clone(), detail));
            }
        }
        errors
    }));
    errors.extend(lists::items(
        devices.list("config"),
        MOST_OTHERS,
        &path.child("config"),
        |config, path| {
            let mut errors = references(config, &known, path);
            errors.extend(configuration(config, false, path));
            errors
        },
    ));
    errors
}

/// What is wrong with the names under `requests`.
pub(super) fn references(holder: &Value, known: &Requests<'_>, path: &Path) -> Vec<Error> {
    let list = holder.list("requests");
    let item = |name: &Value, path: &Path| reference(lists::text(name), known, path);
    lists::set(list, MOST_REQUESTS, &path.child("requests"), item, lists::text)
}

/// What is wrong with the name of a request, or of an alternative below one.
pub(super) fn reference(name: &str, known: &Requests<'_>, path: &Path) -> Vec<Error> {
    let detail = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";
    let unknown = || Error::invalid(path.clone(), &name.into(), detail);
    let segments: Vec<&str> = name.split('/').collect();
    if segments.len() > 2 {
        return vec![unknown()];
    }
    let mut errors: Vec<Error> = segments.iter().flat_map(|segment| names::label(segment, path)).collect();
    let found = match segments.as_slice() {
        [request] => known.contains_key(request),
        [request, alternative] => {
            known.get(request).is_some_and(|alternatives| alternatives.contains(alternative))
        }
        _ => false,
    };
    if !found {
        errors.push(unknown());
    }
    errors
}

fn request(request: &Value, path: &Path) -> Vec<Error> {
    let mut errors = names::label(request.text("name"), &path.child("name"));
    let alternatives = request.list("firstAvailable");
    match (request.field("exactly"), alternatives) {
        (None, []) => {
            let detail = "exactly one of `exactly` or `firstAvailable` is required";
            errors.push(Error::required(path.clone(), detail));
        }
        (Some(exactly), []) => errors.extend(device_request(exactly, &path.child("exactly"))),
        (None, alternatives) => {
            let item = |alternative: &Value, path: &Path| {
                let mut errors = names::label(alternative.text("name"), &path.child("name"));
                errors.extend(device_request(alternative, path));
                errors
            };
            let path = path.child("firstAvailable");
            let key = |alternative: &'_ Value| alternative.text("name").to_owned();
            errors.extend(lists::items(alternatives, MOST_ALTERNATIVES, &path, item));
            let mut seen = std::collections::BTreeSet::new();
            for (index, alternative) in alternatives.iter().enumerate().take(MOST_ALTERNATIVES) {
                if alternatives.len() <= MOST_ALTERNATIVES && !seen.insert(key(alternative)) {
                    errors.push(Error::duplicate(path.index(index), alternative.at("name")));
                }
            }
        }
        (Some(_), _) => {
            let detail =
                "exactly one of `exactly` or `firstAvailable` is required, but multiple fields are set";
            errors.push(Error::invalid_json(path.clone(), "null", detail));
        }
    }
    errors
}

fn device_request(request: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let (class, class_path) = (request.text("deviceClassName"), path.child("deviceClassName"));
    if class.is_empty() {
        errors.push(Error::required(class_path, ""));
    } else {
        errors.extend(formats::invalid(&class_path, class, formats::subdomain(class)));
    }
    errors.extend(selectors(request, path));
    let count = request.number("count");
    let mut wrong = |detail: &str| {
        errors.push(Error::invalid(path.child("count"), &count.into(), detail));
    };
    match request.text("allocationMode") {
        "All" if count != 0 => wrong("must not be specified when allocationMode is 'All'"),
        "ExactCount" if count <= 0 => wrong("must be greater than zero"),
        "All" | "ExactCount" => {}
        mode => {
            errors.push(formats::unsupported(&path.child("allocationMode"), mode, &["All", "ExactCount"]));
        }
    }
    for (index, each) in request.list("tolerations").iter().enumerate() {
        errors.extend(toleration(each, &path.child("tolerations").index(index)));
    }
    errors
}

fn toleration(toleration: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let (key, value) = (toleration.text("key"), toleration.text("value"));
    if !key.is_empty() {
        errors.extend(formats::invalid(&path.child("key"), key, formats::qualified_name(key)));
    }
    let value_path = path.child("value");
    match toleration.text("operator") {
        "Exists" if !value.is_empty() => {
            errors.push(Error::invalid(value_path, &value.into(), "must be empty for operator `Exists`"));
        }
        "Exists" => {}
        "Equal" => errors.extend(formats::invalid(&value_path, value, formats::label_value(value))),
        operator => errors.extend(formats::one_of(&path.child("operator"), operator, &["Equal", "Exists"])),
    }
    let effect = toleration.text("effect");
    if !effect.is_empty() && !EFFECTS.contains(&effect) {
        errors.push(formats::unsupported(&path.child("effect"), effect, EFFECTS));
    }
    errors
}

/// Where in a claim's spec administrative access is asked for, which only some namespaces allow.
pub(super) fn admin_access(spec: &Value) -> Option<Error> {
    let requests = spec.at("devices").list("requests");
    let index = requests.iter().position(|request| request.at("exactly").flag("adminAccess"))?;
    let path = Path::new("spec").child("devices").child("requests").index(index).child("adminAccess");
    let detail = "admin access to devices requires the `resource.kubernetes.io/admin-access: true` label on the containing namespace";
    Some(Error::forbidden(path, detail))
}

/// The effects of a taint on a device.
pub(super) const EFFECTS: &[&str] = &["NoExecute", "NoSchedule", "None"];
const MOST_REQUESTS: usize = 32;
const MOST_OTHERS: usize = 32;
const MOST_ALTERNATIVES: usize = 8;
