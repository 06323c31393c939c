//! What mutations make of values: configurations for a server-side apply, and values in JSON patches.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Number, Value as Json};

use crate::value::{Key, Object, Value};

/// The messages below `object` whose names are not those of the fields that lead to them, in Kubernetes' words.
pub fn type_mismatches(object: &Object) -> Vec<String> {
    let mut found = Vec::new();
    mismatch_of_object(object, &object.message, &mut found);
    found
}

fn mismatch_of_object(object: &Object, path: &str, found: &mut Vec<String>) {
    let name = &*object.message;
    if name != path {
        found.push(format!(
            "unexpected type name {name:?}, expected {path:?}, which matches field name path from root Object type"
        ));
    }
    for (field, value) in &object.fields {
        mismatch(value, &format!("{path}.{field}"), found);
    }
}

fn mismatch(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(object) => mismatch_of_object(object, path, found),
        Value::List(list) => list.items.iter().for_each(|item| mismatch(item, path, found)),
        Value::Map(map) => map.values().for_each(|item| mismatch(item, path, found)),
        _ => {}
    }
}

/// A value as the configuration of a server-side apply, or as the value in a JSON patch.
///
/// # Errors
/// What has no form in JSON.
pub fn to_json(value: &Value) -> Result<Json, String> {
    Ok(match value {
        Value::Null => Json::Null,
        Value::Bool(flag) => Json::Bool(*flag),
        Value::Int(number) => Json::from(*number),
        Value::Uint(number) => Json::from(*number),
        Value::Double(number) => {
            let number = Number::from_f64(*number).ok_or_else(|| format!("unsupported value: {number}"))?;
            Json::Number(number)
        }
        Value::String(text) => Json::from(&**text),
        Value::Bytes(bytes) => Json::from(STANDARD.encode(bytes)),
        Value::Timestamp(_) | Value::Duration(_) => Json::from(value.to_string()),
        Value::List(list) => list.items.iter().map(to_json).collect::<Result<_, _>>()?,
        Value::Map(map) => {
            let mut fields = Map::new();
            for (key, value) in &**map {
                let Key::String(key) = key else {
                    return Err("map keys must be strings".to_owned());
                };
                fields.insert(key.to_string(), to_json(value)?);
            }
            Json::Object(fields)
        }
        Value::Object(object) => {
            let fields = object.fields.iter().map(|(name, value)| Ok((name.clone(), to_json(value)?)));
            Json::Object(fields.collect::<Result<_, String>>()?)
        }
        Value::Optional(Some(inner)) => to_json(inner)?,
        other => return Err(format!("unsupported type: {}", other.type_name())),
    })
}
