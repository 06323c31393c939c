//! The directives of a strategic merge patch, and what they do to the fields of a map.

use serde_json::{Map, Value};

use crate::patch::{Error, GoFormat};

pub(super) type Fields = Map<String, Value>;

/// `$retainKeys`: the fields a patch keeps of a union-like struct; every other one goes.
pub(super) fn retain_keys(original: &mut Fields, patch: &Fields, keys: &Value) -> Result<(), Error> {
    let malformed = || Error::Malformed("invalid patch format of retainKeys".to_owned());
    let kept = keys.as_array().ok_or_else(malformed)?;
    let keeps = |key: &str| kept.iter().any(|kept| kept == key);
    let contradicts = patch.iter().any(|(key, value)| {
        let directive = key.starts_with(DELETE_FROM_PRIMITIVE_LIST) || key.starts_with(SET_ELEMENT_ORDER);
        !value.is_null() && !directive && !keeps(key)
    });
    if contradicts {
        return Err(malformed());
    }
    original.retain(|key, _| keeps(key));
    Ok(())
}

/// A value that enters the object whole: its nulls are dropped, and so are maps that carry `$patch`.
pub(super) fn without_directives(value: Value) -> Option<Value> {
    match value {
        Value::Object(fields) if fields.contains_key(PATCH) => None,
        Value::Object(fields) => Some(Value::Object(
            fields
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .filter_map(|(key, value)| Some((key, without_directives(value)?)))
                .collect(),
        )),
        Value::Array(items) => Some(Value::Array(items.into_iter().filter_map(without_directives).collect())),
        other => Some(other),
    }
}

/// What follows the slash of `$directive/list`.
pub(super) fn list_name<'a>(rest: &'a str, malformed: &str) -> Result<&'a str, Error> {
    rest.strip_prefix('/').ok_or_else(|| Error::Malformed(malformed.to_owned()))
}

pub(super) fn unknown_directive(directive: &Value, fields: &Fields) -> Error {
    let map = Value::Object(fields.clone());
    Error::Unmergeable(format!("unknown patch type: {} in map: {}", GoFormat(directive), GoFormat(&map)))
}

pub(super) const PATCH: &str = "$patch";
pub(super) const RETAIN_KEYS: &str = "$retainKeys";
pub(super) const DELETE_FROM_PRIMITIVE_LIST: &str = "$deleteFromPrimitiveList";
pub(super) const SET_ELEMENT_ORDER: &str = "$setElementOrder";
