//! Strategic merge patch: a merge patch that knows which lists merge, by which key, and takes directives.
//!
//! The directives are `$patch: delete|replace|merge`, `$setElementOrder/x`, `$deleteFromPrimitiveList/x` and
//! `$retainKeys`. Semantics and words are those of `k8s.io/apimachinery` `strategicpatch`, as kube-apiserver calls it:
//! nulls delete, and nulls for absent fields vanish.

mod list;

use serde_json::{Map, Value};

use super::schema::{PatchStrategy, TypeSchema};
use super::{Error, GoFormat, merge::json_type};

type Fields = Map<String, Value>;

/// Applies `patch` to `object`, whose type is `schema`.
///
/// # Errors
/// [`Error::Malformed`] when the patch is no JSON object or a directive is not of its form,
/// [`Error::Unmergeable`] when the patch contradicts the type, as by an element without its merge key.
pub fn apply<S: TypeSchema>(object: Value, patch: Value, schema: &S) -> Result<Value, Error> {
    let fields = match patch {
        Value::Object(fields) => fields,
        other => {
            return Err(Error::Malformed(format!(
                "error decoding patch: json: cannot unmarshal {} into Go value of type map[string]interface {{}}",
                json_type(&other)
            )));
        }
    };
    let original = match object {
        Value::Object(original) => original,
        _ => Fields::new(),
    };
    merge_map(original, fields, Some(schema)).map(Value::Object)
}

fn merge_map<S: TypeSchema>(
    mut original: Fields,
    mut patch: Fields,
    schema: Option<&S>,
) -> Result<Fields, Error> {
    if let Some(directive) = patch.get(PATCH) {
        return match directive.as_str() {
            Some("replace") => {
                patch.remove(PATCH);
                Ok(patch)
            }
            Some("delete") => Ok(Fields::new()),
            _ => Err(unknown_directive(directive, &patch)),
        };
    }
    if let Some(keys) = patch.remove(RETAIN_KEYS) {
        retain_keys(&mut original, &patch, &keys)?;
    }
    list::set_element_orders(&mut original, &mut patch, schema)?;

    for (key, value) in patch {
        let (field, deletes) = match key.strip_prefix(DELETE_FROM_PRIMITIVE_LIST) {
            Some(rest) => (list_name(rest, "invalid patch format of primitive list")?, true),
            None => (key.as_str(), false),
        };
        if value.is_null() {
            original.remove(field);
            continue;
        }
        let merged = match (original.remove(field), value) {
            (Some(Value::Object(old)), Value::Object(new)) => {
                let sub = schema.and_then(|schema| schema.field(field));
                Some(Value::Object(merge_map(old, new, sub.as_ref())?))
            }
            (Some(Value::Array(old)), Value::Array(new)) => {
                let sub = schema.and_then(|schema| schema.field(field));
                Some(Value::Array(list::merge_field(old, new, sub.as_ref(), deletes)?))
            }
            // There is nothing to delete from; what was there stays.
            (old, _) if deletes => old,
            (_, new) => without_directives(new),
        };
        if let Some(merged) = merged {
            original.insert(field.to_owned(), merged);
        }
    }
    Ok(original)
}

/// `$retainKeys`: the fields a patch keeps of a union-like struct; every other one goes.
fn retain_keys(original: &mut Fields, patch: &Fields, keys: &Value) -> Result<(), Error> {
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
fn without_directives(value: Value) -> Option<Value> {
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

fn strategy<S: TypeSchema>(schema: Option<&S>) -> PatchStrategy {
    schema.map(TypeSchema::patch_strategy).unwrap_or_default()
}

/// What follows the slash of `$directive/list`.
fn list_name<'a>(rest: &'a str, malformed: &str) -> Result<&'a str, Error> {
    rest.strip_prefix('/').ok_or_else(|| Error::Malformed(malformed.to_owned()))
}

fn unknown_directive(directive: &Value, fields: &Fields) -> Error {
    let map = Value::Object(fields.clone());
    Error::Unmergeable(format!("unknown patch type: {} in map: {}", GoFormat(directive), GoFormat(&map)))
}

const PATCH: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const DELETE_FROM_PRIMITIVE_LIST: &str = "$deleteFromPrimitiveList";
const SET_ELEMENT_ORDER: &str = "$setElementOrder";

#[cfg(test)]
mod tests;
