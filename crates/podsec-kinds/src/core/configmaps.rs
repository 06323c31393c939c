//! ConfigMaps.

use podsec_apimachinery::field::{Cause, Error, Path};
use podsec_apimachinery::name::NameRule;
use serde_json::Value;

use crate::generic::BASE;
use crate::object::{Fields, FieldsMut, same};
use crate::printing::{self, column};
use crate::strategy::Strategy;
use crate::{formats, metadata as meta};

/// ConfigMaps.
pub(crate) static STRATEGY: Strategy = Strategy {
    resource: "configmaps",
    validate,
    validate_update: |map, old| {
        let mut errors = meta::validate_update(map, old);
        errors.extend(immutable_data(map, old, &["data", "binaryData"]));
        errors.extend(validate(map));
        errors
    },
    default: |map| {
        // An empty map is written as none.
        if let Some(map) = map.as_object_mut() {
            for field in ["data", "binaryData"] {
                if map.object_mut(field).is_some_and(|entries| entries.is_empty()) {
                    map.remove(field);
                }
            }
        }
    },
    columns: &[
        printing::NAME,
        column(
            "Data",
            "Data contains the configuration data. Each key must consist of alphanumeric characters, '-', '_' or \
         '.'. Values with non-UTF-8 byte sequences must use the BinaryData field. The keys stored in Data \
         must not overlap with the keys in the BinaryData field, this is enforced during validation process.",
        ),
        printing::AGE,
    ],
    cells: |map, now| {
        let keys = map.entries("data").count() + map.entries("binaryData").count();
        vec![printing::name(map), keys.into(), printing::age(map, now)]
    },
    ..BASE
};

/// The bytes that the values of a ConfigMap or Secret may take.
pub(crate) const SIZE_LIMIT: usize = 1024 * 1024;

fn validate(map: &Value) -> Vec<Error> {
    let mut errors = meta::validate(map, true, NameRule::Dns1123Subdomain);
    let mut size = 0;
    for (field, other) in [("data", "binaryData"), ("binaryData", "data")] {
        let path = Path::new(field);
        for (key, value) in map.texts(field) {
            errors.extend(formats::invalid(&path.key(key), key, formats::config_map_key(key)));
            if map.at(other).has(key) && field == "data" {
                let detail = format!("duplicate of key present in {other}");
                errors.push(Error::invalid(path.key(key), &key.into(), &detail));
            }
            size += if field == "data" { value.len() } else { decoded_size(value) };
        }
    }
    if size > SIZE_LIMIT {
        errors.push(Error::too_long(Path::unnamed(), SIZE_LIMIT));
    }
    errors
}

/// How many bytes a text in base64 stands for.
pub(crate) fn decoded_size(text: &str) -> usize {
    text.trim_end_matches('=').len() * 3 / 4
}

/// Data under `immutable: true` stays, and so does that field.
pub(crate) fn immutable_data(object: &Value, old: &Value, fields: &[&str]) -> Vec<Error> {
    if !old.flag("immutable") {
        return Vec::new();
    }
    let mut errors = Vec::new();
    if !object.flag("immutable") {
        errors.push(frozen("immutable"));
    }
    errors.extend(
        fields.iter().filter(|field| !same(object.at(field), old.at(field))).map(|field| frozen(field)),
    );
    errors
}

fn frozen(field: &str) -> Error {
    let message = "Forbidden: field is immutable when `immutable` is set".to_owned();
    Error { path: Path::new(field), cause: Cause::Forbid, message }
}
