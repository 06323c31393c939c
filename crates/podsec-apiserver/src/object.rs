//! Objects kept as JSON, to be written where they have no fields yet.

use serde_json::{Map, Value};

/// The metadata to be written; made when the object has none.
pub(crate) fn metadata_mut(object: &mut Value) -> &mut Map<String, Value> {
    let fields = as_map(object);
    as_map(fields.entry("metadata").or_insert(Value::Null))
}

/// Turns whatever is there into an object and returns its fields.
pub(crate) fn as_map(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    match value {
        Value::Object(fields) => fields,
        _ => unreachable!("the line above has made it an object"),
    }
}
