//! The spec of a definition with what all its versions have alike above them.

use serde_json::Value;

use crate::object::{Fields, FieldsMut, same};

/// The spec as Kubernetes judges it: what all versions have alike stands above them.
pub(super) fn hoisted(spec: &Value) -> Value {
    let mut hoisted = spec.clone();
    let versions = spec.list("versions");
    let (Some(first), Some(fields)) = (versions.first(), hoisted.as_object_mut()) else { return hoisted };
    for (field, above) in HOISTED {
        if !versions.iter().all(|version| same(version.at(field), first.at(field))) {
            continue;
        }
        fields.insert(above.to_owned(), first.at(field).clone());
        for version in fields.objects_mut("versions") {
            version.remove(field);
        }
    }
    hoisted
}

/// The fields of a version, and what they are called above the versions.
const HOISTED: [(&str, &str); 4] = [
    ("schema", "validation"),
    ("subresources", "subresources"),
    ("additionalPrinterColumns", "additionalPrinterColumns"),
    ("selectableFields", "selectableFields"),
];

/// The schemas of a hoisted spec.
pub(super) fn schemas(spec: &Value) -> impl Iterator<Item = &Value> {
    let versions = spec.list("versions").iter().map(|version| version.at("schema"));
    let all = std::iter::once(spec.at("validation")).chain(versions);
    all.filter_map(|validation| validation.field("openAPIV3Schema"))
}
