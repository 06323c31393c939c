//! What the kinds that make pods from a template share.

use podsec_apimachinery::field::{Error, Path};
use podsec_apimachinery::name::NameRule;
use serde_json::Value;

use crate::label_selector;
use crate::metadata;
use crate::object::{self, Fields, FieldsMut, same};
use crate::pod_spec::{validation, warnings};

/// The status of a new object is what the server says, whatever the client sent.
pub(crate) fn reset_status(object: &mut Value, status: Value) {
    if let Some(object) = object.as_object_mut() {
        object.insert("status".to_owned(), status);
    }
}

/// A new object is the first of its generation.
pub(crate) fn start_generation(object: &mut Value) {
    if let Some(metadata) = object.as_object_mut().and_then(|fields| fields.ensure("metadata")) {
        metadata.insert("generation".to_owned(), 1.into());
    }
}

/// Keeps the stored status.
pub(crate) fn keep_status(object: &mut Value, old: &Value) {
    if let Some(object) = object.as_object_mut() {
        object.copy("status", old);
    }
}

/// Keeps the stored status, and counts the generation when the spec changed.
pub(crate) fn prepare_for_update(object: &mut Value, old: &Value) {
    keep_status(object, old);
    let changed = !same(object.at("spec"), old.at("spec"));
    count_generation(object, old, changed);
}

/// Keeps the stored generation, if there is one.
pub(crate) fn keep_generation(object: &mut Value, old: &Value) {
    if let Some(fields) = object.as_object_mut().and_then(|fields| fields.object_mut("metadata")) {
        fields.copy("generation", object::metadata(old));
    }
}

/// The stored generation, and one more when `changed`.
pub(crate) fn count_generation(object: &mut Value, old: &Value, changed: bool) {
    let generation = object::metadata(old).number("generation") + i64::from(changed);
    if let Some(metadata) = object.as_object_mut().and_then(|fields| fields.ensure("metadata")) {
        metadata.insert("generation".to_owned(), generation.into());
    }
}

/// Through `status` only the status changes; spec and generation stay.
pub(crate) fn keep_all_but_status(object: &mut Value, old: &Value) {
    if let Some(fields) = object.as_object_mut() {
        for field in ["spec", "template"] {
            fields.copy(field, old);
        }
    }
    keep_generation(object, old);
}

/// What is wrong with the metadata of a workload.
pub(crate) fn validate_metadata(object: &Value) -> Vec<Error> {
    metadata::validate(object, true, NameRule::Dns1123Subdomain)
}

/// Numbers of the spec that may not be below zero.
pub(crate) fn nonnegative(spec: &Value, fields: &[&str], path: &Path) -> Vec<Error> {
    fields
        .iter()
        .filter_map(|field| crate::formats::nonnegative(&path.child(field), spec.number(field)))
        .collect()
}

/// The selector of a workload: it must be there, ask for something, and match the template.
pub(crate) fn validate_selector(spec: &Value, kind: &str, path: &Path) -> Vec<Error> {
    let selector_path = path.child("selector");
    let mut errors = Vec::new();
    match spec.field("selector") {
        None => errors.push(Error::required(selector_path, "")),
        Some(selector) => {
            errors.extend(label_selector::validate(selector, &selector_path));
            if label_selector::is_empty(selector) {
                let detail = format!("empty selector is invalid for {kind}");
                errors.push(Error::invalid(selector_path, selector, &detail));
            }
        }
    }
    errors
}

/// The template: its labels match the selector, its pods restart always, and the pod spec is valid.
pub(crate) fn validate_template(spec: &Value, kind: &str, path: &Path) -> Vec<Error> {
    let path = path.child("template");
    let Some(template) = spec.field("template") else { return vec![Error::required(path, "")] };
    let mut errors = Vec::new();
    let labels = template.at("metadata").at("labels");
    let matched = spec.field("selector").is_some_and(|selector| {
        label_selector::is_empty(selector) || label_selector::matches(selector, labels)
    });
    if !matched {
        errors.push(unmatched_labels(labels, &path));
    }
    errors.extend(validation::validate_template(template, &path));
    errors.extend(validate_runs_for_ever(template, kind, &path));
    errors
}

/// The error about a template whose labels its selector does not match.
pub(crate) fn unmatched_labels(labels: &Value, path: &Path) -> Error {
    let path = path.child("metadata").child("labels");
    Error::invalid(path, labels, "`selector` does not match template `labels`")
}

/// Pods of a kind that runs for ever restart always and have no deadline.
pub(crate) fn validate_runs_for_ever(template: &Value, kind: &str, path: &Path) -> Vec<Error> {
    let spec = template.at("spec");
    let path = path.child("spec");
    let mut errors = Vec::new();
    let policy = spec.text("restartPolicy");
    if policy != "Always" {
        errors.push(crate::formats::unsupported(&path.child("restartPolicy"), policy, &["Always"]));
    }
    if spec.has("activeDeadlineSeconds") {
        let path = path.child("activeDeadlineSeconds");
        let detail = format!("activeDeadlineSeconds in {kind} is not Supported");
        errors.push(Error::forbidden(path, &detail));
    }
    errors
}

/// A field of the spec that may not change.
pub(crate) fn immutable(object: &Value, old: &Value, field: &str) -> Option<Error> {
    let (now, then) = (object.at("spec").at(field), old.at("spec").at(field));
    (!same(now, then)).then(|| Error::invalid(Path::new("spec").child(field), now, crate::formats::IMMUTABLE))
}

/// What the author of the template of a workload should know.
pub(crate) fn template_warnings(object: &Value) -> Vec<String> {
    warnings::for_template(object.at("spec").at("template"), &Path::new("spec").child("template"))
}

/// The same on update, when the object changed at all.
pub(crate) fn template_warnings_on_update(object: &Value, old: &Value) -> Vec<String> {
    let generation = |object: &Value| object::metadata(object).number("generation");
    if generation(object) == generation(old) { Vec::new() } else { template_warnings(object) }
}

/// A number or percentage that is not below zero.
pub(crate) fn validate_int_or_percent(value: &Value, path: &Path) -> Option<Error> {
    match value.as_str() {
        None => crate::formats::nonnegative(path, value.as_i64().unwrap_or_default()),
        Some(text) => percent(text).is_none().then(|| Error::invalid(path.clone(), value, PERCENT)),
    }
}

/// A percentage of at most all.
pub(crate) fn not_above_all(value: &Value, path: &Path) -> Option<Error> {
    let percent = value.as_str().and_then(percent)?;
    (percent > 100).then(|| Error::invalid(path.clone(), value, "must not be greater than 100%"))
}

/// Whether a number or percentage is zero.
pub(crate) fn is_zero(value: &Value) -> bool {
    match value.as_str() {
        None => value.as_i64().unwrap_or_default() == 0,
        Some(text) => percent(text) == Some(0),
    }
}

fn percent(text: &str) -> Option<u64> {
    let digits = text.strip_suffix('%')?;
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().unwrap_or(u64::MAX))
}

const PERCENT: &str = "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";
