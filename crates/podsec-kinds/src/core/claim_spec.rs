//! The rules of the spec of a claim to storage: of a PersistentVolumeClaim, and of the template of one in
//! a pod or a StatefulSet.

use podsec_apimachinery::field::{Error, Path};
use serde_json::{Map, Value};

use crate::core::access_modes;
use crate::object::Fields;
use crate::quantity::Quantity;
use crate::{formats, label_selector};

/// What is wrong with the spec of a claim, or of the template of one. `any_group` lets the API groups of its data
/// sources be anything.
pub(crate) fn validate(spec: &Value, any_group: bool, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    if spec.list("accessModes").is_empty() {
        errors.push(Error::required(path.child("accessModes"), "at least 1 access mode is required"));
    }
    if let Some(selector) = spec.field("selector") {
        errors.extend(label_selector::validate(selector, &path.child("selector")));
    }
    errors.extend(access_modes::validate(spec.list("accessModes"), &path.child("accessModes")));
    let storage_path = path.child("resources").key("storage");
    match Quantity::parse(spec.at("resources").at("requests").text("storage")) {
        None => errors.push(Error::required(storage_path, "")),
        Some(storage) => errors.extend(storage.not_positive(&storage_path)),
    }
    let mut class = |field: &str| {
        let name = spec.text(field);
        if !name.is_empty() {
            errors.extend(formats::invalid(&path.child(field), name, formats::subdomain(name)));
        }
    };
    class("storageClassName");
    if let Some(mode) =
        spec.at("volumeMode").as_str().filter(|mode| !access_modes::VOLUME_MODES.contains(mode))
    {
        errors.push(formats::unsupported(&path.child("volumeMode"), mode, access_modes::VOLUME_MODES));
    }
    errors.extend(data_sources(spec, any_group, path));
    let class = spec.text("volumeAttributesClassName");
    if !class.is_empty() {
        let path = path.child("volumeAttributesClassName");
        errors.extend(formats::invalid(&path, class, formats::subdomain(class)));
    }
    errors
}

fn data_sources(spec: &Value, any_group: bool, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    for field in ["dataSource", "dataSourceRef"] {
        let Some(source) = spec.field(field) else { continue };
        let path = path.child(field);
        for part in ["name", "kind"] {
            if source.text(part).is_empty() {
                errors.push(Error::required(path.child(part), ""));
            }
        }
        let (group, kind) = (source.text("apiGroup"), source.text("kind"));
        if group.is_empty() && kind != "PersistentVolumeClaim" {
            let detail = "must be 'PersistentVolumeClaim' when referencing the default apiGroup";
            errors.push(Error::invalid(path.clone(), &kind.into(), detail));
        }
        if !group.is_empty() && !any_group {
            errors.extend(formats::invalid(&path.child("apiGroup"), group, formats::subdomain(group)));
        }
        let namespace = source.text("namespace");
        if field == "dataSourceRef" && !namespace.is_empty() {
            errors.extend(formats::invalid(&path.child("namespace"), namespace, formats::label(namespace)));
        }
    }
    let (source, reference) = (spec.at("dataSource"), spec.at("dataSourceRef"));
    if !source.is_null() && !reference.is_null() {
        // Kubernetes shows a path, of which nothing is public.
        let shown = Value::Object(Map::new());
        if !reference.text("namespace").is_empty() {
            let detail = "may not be specified when dataSourceRef.namespace is specified";
            errors.push(Error::invalid(path.clone(), &shown, detail));
        } else if ["apiGroup", "kind", "name"].iter().any(|part| source.at(part) != reference.at(part)) {
            errors.push(Error::invalid(path.clone(), &shown, "must match dataSourceRef"));
        }
    }
    errors
}

/// What to say about the spec of a claim, or of the template of one.
pub(crate) fn warnings(spec: &Value, path: &Path) -> Vec<String> {
    let resources = spec.at("resources");
    let amounts = ["requests", "limits"].into_iter().filter_map(|list| {
        let amount = Quantity::parse(resources.at(list).text("storage"))?;
        (!amount.is_integer()).then(|| {
            let path = path.child("resources").child(list).key("storage");
            format!("{path}: fractional byte value \"{amount}\" is invalid, must be an integer")
        })
    });
    amounts.collect()
}
