//! What an autoscaler measures: the five kinds of metrics, their targets, and how a Table shows them.

use podsec_apimachinery::field::{Error, Path};
use podsec_apimachinery::name;
use serde_json::{Value, json};

use super::references::{VersionRule, reference, wrong_version};
use crate::object::Fields;
use crate::quantity::Quantity;
use crate::{formats, resource_names};

/// What is measured when nothing is said: four fifths of the requested CPU.
pub(super) fn default_metric() -> Value {
    json!({ "type": "Resource", "resource": {
        "name": "cpu", "target": { "type": "Utilization", "averageUtilization": 80 }
    } })
}

/// What is wrong with the metrics of a spec, at `path`; `old` is the stored spec.
pub(super) fn validate(spec: &Value, old: Option<&Value>, path: &Path) -> Vec<Error> {
    let invalid_before = |metric: &Value| {
        let described = metric.at("object").at("describedObject");
        metric.text("type") == "Object"
            && metric.has("object")
            && wrong_version(described.text("apiVersion"), VersionRule::Valid).is_some()
    };
    let rule = match old {
        Some(old) if old.list("metrics").iter().any(invalid_before) => VersionRule::Any,
        _ => VersionRule::Valid,
    };
    let metrics = spec.list("metrics");
    let mut errors = Vec::new();
    for (index, metric) in metrics.iter().enumerate() {
        errors.extend(validate_metric(metric, rule, &path.index(index)));
    }
    let from_outside = |metric: &Value| matches!(metric.text("type"), "Object" | "External");
    if spec.integer("minReplicas") == Some(0) && !metrics.iter().any(from_outside) {
        let detail =
            "must specify at least one Object or External metric to support scaling to zero replicas";
        errors.push(Error::forbidden(path.clone(), detail));
    }
    errors
}

fn validate_metric(metric: &Value, rule: VersionRule, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let kind = metric.text("type");
    let kind_path = path.child("type");
    if kind.is_empty() {
        errors.push(Error::required(kind_path.clone(), "must specify a metric source type"));
    }
    let expected = SOURCES.iter().find(|(name, _)| *name == kind).map(|(_, field)| *field);
    let unsupported = || {
        let mut names: Vec<&str> = SOURCES.iter().map(|(name, _)| *name).collect();
        names.sort_unstable();
        formats::unsupported(&kind_path, kind, &names)
    };
    if expected.is_none() {
        errors.push(unsupported());
    }
    let present: Vec<&str> =
        SOURCES.iter().map(|(_, field)| *field).filter(|field| metric.has(field)).collect();
    if let Some(first) = present.first() {
        errors.extend(validate_source(first, metric.at(first), rule, &path.child(first)));
    }
    match expected {
        Some(field) if !metric.has(field) => {
            let detail = "must populate information for the given metric source";
            errors.push(Error::required(path.child(field), detail));
        }
        Some(_) => {}
        None => errors.push(unsupported()),
    }
    if present.len() != 1 {
        let others = present.iter().filter(|field| Some(**field) != expected);
        let detail = "must populate the given metric source only";
        errors.extend(others.map(|field| Error::forbidden(path.child(field), detail)));
    }
    errors
}

fn validate_source(field: &str, source: &Value, rule: VersionRule, path: &Path) -> Vec<Error> {
    let target = source.at("target");
    let target_path = path.child("target");
    let has = |field: &str| target.has(field);
    let mut errors = Vec::new();
    let required = |field: &str, detail: &str| Error::required(target_path.child(field), detail);
    match field {
        "object" => {
            errors.extend(reference(source.at("describedObject"), rule, &path.child("describedObject")));
            errors.extend(identifier(source, path));
            errors.extend(validate_target(target, &target_path));
            if !has("value") && !has("averageValue") {
                errors.push(required("averageValue", "must set either a target value or averageValue"));
            }
        }
        "external" => {
            errors.extend(identifier(source, path));
            errors.extend(validate_target(target, &target_path));
            if !has("value") && !has("averageValue") {
                let detail = "must set either a target value for metric or a per-pod target";
                errors.push(required("averageValue", detail));
            }
            if has("value") && has("averageValue") {
                let detail = "may not set both a target value for metric and a per-pod target";
                errors.push(Error::forbidden(target_path.child("value"), detail));
            }
        }
        "pods" => {
            errors.extend(identifier(source, path));
            errors.extend(validate_target(target, &target_path));
            if !has("averageValue") {
                errors.push(required("averageValue", "must specify a positive target averageValue"));
            }
        }
        _ => {
            let in_container = field == "containerResource";
            match source.text("name") {
                "" => errors.push(Error::required(path.child("name"), "must specify a resource name")),
                name if in_container => {
                    errors.extend(resource_names::of_container(name, &path.child("name")));
                }
                _ => {}
            }
            match source.text("container") {
                "" if in_container => {
                    errors.push(Error::required(path.child("container"), "must specify a container"));
                }
                name if in_container => {
                    errors.extend(formats::invalid(&path.child("container"), name, formats::label(name)));
                }
                _ => {}
            }
            errors.extend(validate_target(target, &target_path));
            if !has("averageUtilization") && !has("averageValue") {
                let detail = "must set either a target raw value or a target utilization";
                errors.push(required("averageUtilization", detail));
            }
            if has("averageUtilization") && has("averageValue") {
                let detail = "may not set both a target raw value and a target utilization";
                errors.push(Error::forbidden(target_path.child("averageValue"), detail));
            }
        }
    }
    errors
}

fn identifier(source: &Value, path: &Path) -> Vec<Error> {
    let (name, path) = (source.at("metric").text("name"), path.child("metric").child("name"));
    if name.is_empty() {
        return vec![Error::required(path, "must specify a metric name")];
    }
    formats::invalid(&path, name, name::path_segment(name))
}

fn validate_target(target: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let kind = target.text("type");
    if kind.is_empty() {
        errors.push(Error::required(path.child("type"), "must specify a metric target type"));
    }
    if !matches!(kind, "Utilization" | "Value" | "AverageValue") {
        let detail = "must be either Utilization, Value, or AverageValue";
        errors.push(Error::invalid(path.child("type"), &kind.into(), detail));
    }
    for field in ["value", "averageValue"] {
        if let Some(value) = Quantity::parse(target.text(field))
            && (value.is_zero() || value.is_negative())
        {
            errors.push(value.invalid(&path.child(field), "must be positive"));
        }
    }
    if let Some(utilization) = target.integer("averageUtilization").filter(|percent| *percent < 1) {
        let detail = "must be greater than 0";
        errors.push(Error::invalid(path.child("averageUtilization"), &utilization.into(), detail));
    }
    errors
}

/// How many metrics are shown.
const MOST: usize = 2;

/// `cpu: 12%/80%, 3/5 (avg)`: two metrics at most, each with what is and what should be.
pub(super) fn shown(metrics: &[Value], current: &[Value]) -> String {
    if metrics.is_empty() {
        return crate::printing::NONE.to_owned();
    }
    let none = Value::Null;
    let mut texts: Vec<String> = metrics
        .iter()
        .enumerate()
        .map(|(index, metric)| one_shown(metric, current.get(index).unwrap_or(&none)))
        .collect();
    let count = texts.len();
    texts.truncate(MOST);
    let text = texts.join(", ");
    if count > MOST { format!("{text} + {} more...", count - MOST) } else { text }
}

fn one_shown(metric: &Value, current: &Value) -> String {
    let Some((_, field)) = SOURCES.iter().find(|(name, _)| *name == metric.text("type")) else {
        return "<unknown type>".to_owned();
    };
    let (source, now) = (metric.at(field), current.at(field).at("current"));
    let target = source.at("target");
    let or_unknown = |text: &str| if text.is_empty() { "<unknown>".to_owned() } else { text.to_owned() };
    let average = target.field("averageValue").map(|_| target.text("averageValue"));
    match *field {
        "pods" => format!("{}/{}", or_unknown(now.text("averageValue")), target.text("averageValue")),
        "object" | "external" => match average {
            Some(average) => format!("{}/{average} (avg)", or_unknown(now.text("averageValue"))),
            None => format!("{}/{}", or_unknown(now.text("value")), target.text("value")),
        },
        _ => {
            let name = source.text("name");
            if let Some(average) = average {
                format!("{name}: {}/{average}", or_unknown(now.text("averageValue")))
            } else {
                let percent = now.integer("averageUtilization");
                let percent = percent.map_or_else(|| "<unknown>".to_owned(), |part| format!("{part}%"));
                let wanted = target.integer("averageUtilization");
                let wanted = wanted.map_or_else(|| "<auto>".to_owned(), |part| format!("{part}%"));
                format!("{name}: {percent}/{wanted}")
            }
        }
    }
}

/// The types of metrics and their fields, in the order in which Kubernetes looks at them.
const SOURCES: [(&str, &str); 5] = [
    ("Object", "object"),
    ("External", "external"),
    ("Pods", "pods"),
    ("Resource", "resource"),
    ("ContainerResource", "containerResource"),
];
