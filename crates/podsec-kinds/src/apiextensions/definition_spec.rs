//! The rules of the spec of a definition.

use podsec_apimachinery::field::{Error, Path};
use podsec_apimachinery::name::dns1123_subdomain;
use podsec_apimachinery::schema::structural::Patterns;
use serde_json::Value;

use super::conversion;
use super::hoisted::{hoisted, schemas};
use super::names::{labels, validate_names};
use super::schema::{self, Holder};
use super::versions::{validate_columns, validate_scale, validate_selectable, validate_versions};
use crate::formats;
use crate::object::{Fields, same};

/// What is wrong with the spec of a definition; `old` is the stored one, if there is one.
pub(super) fn validate_spec(definition: &Value, old: &Value) -> Vec<Error> {
    let (spec, path) = (hoisted(definition.at("spec")), Path::new("spec"));
    let mut errors = Vec::new();
    let group = spec.text("group");
    let group_path = path.child("group");
    if group.is_empty() {
        errors.push(Error::required(group_path, ""));
    } else if let Some(error) = labels(&group_path, group, &dns1123_subdomain(group), "") {
        errors.push(error);
    } else if !group.contains('.') {
        errors.push(Error::invalid(group_path, &group.into(), "should be a domain with at least one dot"));
    }
    errors.extend(formats::one_of(&path.child("scope"), spec.text("scope"), &["Cluster", "Namespaced"]));
    if !spec.at("validation").has("openAPIV3Schema") {
        for (index, version) in spec.list("versions").iter().enumerate() {
            if !version.at("schema").has("openAPIV3Schema") {
                let path = path.child("versions").index(index).child("schema").child("openAPIV3Schema");
                errors.push(Error::required(path, ""));
            }
        }
    }
    let preserves = spec.flag("preserveUnknownFields");
    if preserves && schemas(&spec).any(|schema| schema::any(schema, &|schema| schema.has("default"))) {
        let why = "must be false in order to use defaults in the schema";
        errors.push(Error::invalid(path.child("preserveUnknownFields"), &true.into(), why));
    }
    let mut patterns = Patterns::default();
    let unchanged = unchanged_schemas(definition.at("spec"), old.at("spec"));
    errors.extend(validate_versions(&spec, &unchanged, &path.child("versions"), &mut patterns));
    let (names, names_path) = (spec.at("names"), path.child("names"));
    for field in ["plural", "singular", "kind", "listKind"] {
        if names.text(field).is_empty() {
            errors.push(Error::required(names_path.child(field), ""));
        }
    }
    errors.extend(validate_names(names, &names_path));
    let has_status = |subresources: &Value| subresources.has("status");
    let any_status = has_status(spec.at("subresources"))
        || spec.list("versions").iter().any(|version| has_status(version.at("subresources")));
    let validation = spec.at("validation");
    let shared = Holder {
        has_status: any_status,
        unchanged: spec.list("versions").first().is_some_and(|first| unchanged.contains(&first.text("name"))),
    };
    errors.extend(schema::validate(validation, shared, &path.child("validation"), &mut patterns));
    errors.extend(validate_scale(
        spec.at("subresources").at("scale"),
        &path.child("subresources").child("scale"),
    ));
    errors.extend(validate_columns(&spec, &path.child("additionalPrinterColumns")));
    let selectable = spec.list("selectableFields");
    let selectable_path = path.child("selectableFields");
    if !selectable.is_empty() && validation.is_null() {
        let why = "may only be set when validations.schema is included";
        errors.push(Error::invalid(selectable_path, &"".into(), why));
    } else {
        errors.extend(validate_selectable(selectable, validation.at("openAPIV3Schema"), &selectable_path));
    }
    errors.extend(conversion::validate(&spec, preserves, &path.child("conversion")));
    errors
}

/// The names of the versions whose schemas are as stored.
fn unchanged_schemas<'s>(spec: &'s Value, old: &Value) -> Vec<&'s str> {
    let is_unchanged = |version: &&Value| {
        let mut stored = old.list("versions").iter();
        stored.any(|stored| {
            stored.at("name") == version.at("name") && same(stored.at("schema"), version.at("schema"))
        })
    };
    spec.list("versions").iter().filter(is_unchanged).map(|version| version.text("name")).collect()
}
