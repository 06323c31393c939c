//! What the kinds that make pods from a template share.

use podsec_apimachinery::field::{Error, Path};
use podsec_apimachinery::name::NameRule;
use serde_json::Value;

use crate::internal;
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

/// The selector of a workload: it must be there and ask for something.
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

/// The template: its labels match the selector, its pods restart always, and the pod spec is valid. A selector that
/// cannot be read is said to be none, and the template is left alone.
pub(crate) fn validate_template(spec: &Value, kind: &str, path: &Path) -> Vec<Error> {
    let (template, selector) = (spec.at("template"), spec.at("selector"));
    let labels = object::metadata(template).at("labels");
    let Some(matched) = label_selector::selects(selector, labels) else {
        return vec![label_selector::invalid(selector, path.child("selector"), "invalid label selector")];
    };
    let path = path.child("template");
    let mut errors = Vec::new();
    if !matched {
        errors.push(unmatched_labels(labels, &path));
    }
    errors.extend(validation::validate_template(template, &path));
    errors.extend(validate_runs_for_ever(template, kind, &path));
    errors
}

/// The counts of a status: none below zero, and none of `parts` above all replicas.
pub(crate) fn validate_replicas(status: &Value, counts: &[&str], parts: &[&str], ready: &str) -> Vec<Error> {
    let path = Path::new("status");
    let mut errors = nonnegative(status, counts, &path);
    let mut above = |field: &str, whole: &str, detail: &str| {
        let count = status.number(field);
        if count > status.number(whole) {
            errors.push(Error::invalid(path.child(field), &count.into(), detail));
        }
    };
    for part in parts {
        above(part, "replicas", "cannot be greater than status.replicas");
    }
    above("availableReplicas", "readyReplicas", &format!("cannot be greater than {ready}"));
    errors
}

/// A counter of collisions never goes back.
pub(crate) fn validate_collisions(object: &Value, old: &Value) -> Option<Error> {
    let (now, then) = (object.at("status").at("collisionCount"), old.at("status").at("collisionCount"));
    let count = now.as_i64().unwrap_or_default();
    let less = !then.is_null() && (now.is_null() || count < then.as_i64().unwrap_or_default());
    let path = Path::new("status").child("collisionCount");
    less.then(|| Error::invalid(path, &count.into(), "cannot be decremented"))
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

/// What the author of an object should know whose name becomes part of the names of pods.
pub(crate) fn name_warning(object: &Value) -> Option<String> {
    let wrong = crate::formats::label(object::metadata(object).text("name"));
    let reasons = wrong.join(" ");
    (!wrong.is_empty()).then(|| {
        format!(
            "metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended: [{reasons}]"
        )
    })
}

/// The error about a pod template that may not change.
pub(crate) fn immutable_template(template: &Value, path: &Path) -> Error {
    // Go shows the metadata of an embedded struct beside its other fields.
    let mut shown = object::metadata(template).as_object().cloned().unwrap_or_default();
    shown.insert("spec".to_owned(), internal::pod_spec(template.at("spec")));
    internal::invalid(path.clone(), "PodTemplateSpec", &shown.into(), crate::formats::IMMUTABLE)
}

/// The selector of a workload may not change.
pub(crate) fn immutable_selector(object: &Value, old: &Value) -> Option<Error> {
    let (now, then) = (object.at("spec").at("selector"), old.at("spec").at("selector"));
    let path = Path::new("spec").child("selector");
    (!same(now, then)).then(|| label_selector::invalid(now, path, crate::formats::IMMUTABLE))
}

/// What the author of the template of a workload should know.
pub(crate) fn template_warnings(object: &Value) -> Vec<String> {
    warnings::for_template(object.at("spec").at("template"), &Path::new("spec").child("template"))
}

/// What the author of a workload should know whose name becomes part of the names of its pods.
pub(crate) fn named_template_warnings(object: &Value) -> Vec<String> {
    let mut warnings: Vec<String> = name_warning(object).into_iter().collect();
    warnings.extend(template_warnings(object));
    warnings
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
        // What is no number counts as none.
        Some(text) => match percent(text) {
            Some(percent) => percent == 0,
            None => text.parse::<i64>().unwrap_or_default() == 0,
        },
    }
}

fn percent(text: &str) -> Option<u64> {
    let digits = text.strip_suffix('%')?;
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().unwrap_or(u64::MAX))
}

const PERCENT: &str = "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";
