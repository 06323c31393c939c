//! The rules of the versions of a definition: their schemas, subresources, columns and selectable fields.

use std::collections::BTreeSet;

use podsec_apimachinery::field::{Error, Path};
use podsec_apimachinery::name::dns1035_label;
use podsec_apimachinery::schema::structural::Patterns;
use serde_json::Value;

use super::names::labels;
use super::schema::{self, Holder};
use crate::custom::field_path;
use crate::internal;
use crate::object::{Fields, FieldsMut};

/// What is wrong with `versions` of a hoisted spec. `unchanged` names those whose schemas are as stored.
pub(super) fn validate_versions(
    spec: &Value,
    unchanged: &[&str],
    path: &Path,
    patterns: &mut Patterns,
) -> Vec<Error> {
    let versions = spec.list("versions");
    let mut errors = Vec::new();
    let (mut seen, mut unique) = (BTreeSet::new(), true);
    let own_subresources = versions.iter().any(|version| version.has("subresources"));
    for (index, version) in versions.iter().enumerate() {
        let (path, name) = (path.index(index), version.text("name"));
        unique &= seen.insert(name);
        errors.extend(labels(&path.child("name"), name, &dns1035_label(name), ""));
        errors.extend(deprecation_warning(version, &path.child("deprecationWarning")));
        let subresources =
            if own_subresources { version.at("subresources") } else { spec.at("subresources") };
        let holder = Holder { has_status: subresources.has("status"), unchanged: unchanged.contains(&name) };
        errors.extend(schema::validate(version.at("schema"), holder, &path.child("schema"), patterns));
        let scale_path = path.child("subresources").child("scale");
        errors.extend(validate_scale(version.at("subresources").at("scale"), &scale_path));
        errors.extend(validate_columns(version, &path.child("additionalPrinterColumns")));
        let (selectable, path) = (version.list("selectableFields"), path.child("selectableFields"));
        match version.at("schema").field("openAPIV3Schema") {
            None if !selectable.is_empty() => {
                let why = "may only be set when `version.schema.openAPIV3Schema` is not included";
                errors.push(Error::invalid(path, &"".into(), why));
            }
            schema => errors.extend(validate_selectable(selectable, schema.unwrap_or(&Value::Null), &path)),
        }
    }
    let mut wrong = |why| {
        let shown = spec.field("versions").map_or(Value::Null, shown_versions);
        errors.push(internal::invalid(
            path.clone(),
            "[]apiextensions.CustomResourceDefinitionVersion",
            &shown,
            why,
        ));
    };
    if !unique {
        wrong("must contain unique version names");
    }
    if versions.iter().filter(|version| version.flag("storage")).count() != 1 {
        wrong("must have exactly one version marked as storage version");
    }
    errors
}

/// Versions with their schemas as the internal struct has them.
fn shown_versions(versions: &Value) -> Value {
    let mut versions = versions.clone();
    for version in versions.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
        if let Some(schema) =
            version.object_mut("schema").and_then(|schema| schema.get_mut("openAPIV3Schema"))
        {
            *schema = schema::shown(schema);
        }
    }
    versions
}

fn deprecation_warning(version: &Value, path: &Path) -> Vec<Error> {
    let Some(text) = version.field("deprecationWarning").and_then(Value::as_str) else { return Vec::new() };
    let wrong = |why: &str| Error::invalid(path.clone(), &text.into(), why);
    if !version.flag("deprecated") {
        return vec![wrong("can only be set for deprecated versions")];
    }
    let mut errors = Vec::new();
    if text.len() > 256 {
        errors.push(wrong("must be <= 256 characters long"));
    }
    if text.is_empty() {
        errors.push(wrong("must not be an empty string"));
    }
    if let Some((at, _)) = text
        .char_indices()
        .find(|&(_, letter)| letter.is_control() || letter.is_whitespace() && letter != ' ')
    {
        let why = "must only contain printable UTF-8 characters; non-printable character found at index";
        errors.push(wrong(&format!("{why} {at}")));
    }
    errors
}

/// What is wrong with a `scale` subresource.
pub(super) fn validate_scale(scale: &Value, path: &Path) -> Vec<Error> {
    if scale.is_null() {
        return Vec::new();
    }
    let mut errors = Vec::new();
    for (field, roots, why) in [
        ("specReplicasPath", &[".spec."][..], "should be a json path under .spec"),
        ("statusReplicasPath", &[".status."], "should be a json path under .status"),
        ("labelSelectorPath", &[".spec.", ".status."], "should be a json path under either .spec or .status"),
    ] {
        let (path, text) = (path.child(field), scale.text(field));
        if text.is_empty() {
            if field != "labelSelectorPath" {
                errors.push(Error::required(path, ""));
            }
        } else if let Some(error) = simple_json_path(text, &path) {
            errors.push(error);
        } else if !roots.iter().any(|root| text.starts_with(root)) {
            errors.push(Error::invalid(path, &text.into(), why));
        }
    }
    errors
}

fn simple_json_path(text: &str, path: &Path) -> Option<Error> {
    let why = "must be a simple json path starting with .";
    (!text.starts_with('.')).then(|| Error::invalid(path.clone(), &text.into(), why))
}

/// What is wrong with the columns of a version, or of a hoisted spec.
pub(super) fn validate_columns(version: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    for (index, column) in version.list("additionalPrinterColumns").iter().enumerate() {
        let path = path.index(index);
        if column.text("name").is_empty() {
            errors.push(Error::required(path.child("name"), ""));
        }
        let (kind, format) = (column.text("type"), column.text("format"));
        let why = format!("must be one of {}", COLUMN_TYPES.join(","));
        if kind.is_empty() {
            errors.push(Error::required(path.child("type"), &why));
        } else if !COLUMN_TYPES.contains(&kind) {
            errors.push(Error::invalid(path.child("type"), &kind.into(), &why));
        }
        if !format.is_empty() && !COLUMN_FORMATS.contains(&format) {
            let why = format!("must be one of {}", COLUMN_FORMATS.join(","));
            errors.push(Error::invalid(path.child("format"), &format.into(), &why));
        }
        let (text, path) = (column.text("jsonPath"), path.child("JSONPath"));
        if text.is_empty() {
            errors.push(Error::required(path, ""));
        } else {
            errors.extend(simple_json_path(text, &path));
        }
    }
    errors
}

const COLUMN_TYPES: [&str; 5] = ["boolean", "date", "integer", "number", "string"];
const COLUMN_FORMATS: [&str; 8] =
    ["byte", "date", "date-time", "double", "float", "int32", "int64", "password"];

/// What is wrong with the fields by which clients may select.
pub(super) fn validate_selectable(fields: &[Value], schema: &Value, path: &Path) -> Vec<Error> {
    let (mut errors, mut seen) = (Vec::new(), BTreeSet::new());
    for (index, selectable) in fields.iter().enumerate() {
        let (text, path) = (selectable.text("jsonPath"), path.index(index).child("jsonPath"));
        let mut wrong = |why: &str| errors.push(Error::invalid(path.clone(), &text.into(), why));
        if text.is_empty() {
            errors.push(Error::required(path, ""));
            continue;
        }
        let (names, found) = match field_path::resolve(text, schema, false) {
            Ok(found) => found,
            Err(why) => {
                wrong(&format!("is an invalid path: {why}"));
                continue;
            }
        };
        if names.first().is_some_and(|root| root == "metadata") {
            wrong("must not point to fields in metadata");
        }
        if !matches!(found.text("type"), "string" | "boolean" | "integer") {
            wrong(
                "must point to a field of type string, boolean or integer. Enum string fields and strings with \
                 formats are allowed.",
            );
        }
        if !seen.insert(names) {
            errors.push(Error::duplicate(path, &text.into()));
        }
    }
    if seen.len() > MAX_SELECTABLE_FIELDS {
        errors.push(Error::too_many(path.clone(), seen.len(), MAX_SELECTABLE_FIELDS));
    }
    errors
}

const MAX_SELECTABLE_FIELDS: usize = 8;
