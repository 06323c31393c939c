//! The metadata that the server itself reads and writes in objects kept as JSON.

use jiff::Timestamp;
use serde_json::{Map, Value};

/// A text of the metadata; empty when absent, null or no text.
pub(crate) fn metadata<'o>(object: &'o Value, field: &str) -> &'o str {
    object
        .get("metadata")
        .and_then(|metadata| metadata.get(field))
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// The name.
pub(crate) fn name(object: &Value) -> &str {
    metadata(object, "name")
}

/// The namespace.
pub(crate) fn namespace(object: &Value) -> &str {
    metadata(object, "namespace")
}

/// Whether DELETE has been called and something still keeps the object.
pub(crate) fn is_terminating(object: &Value) -> bool {
    !metadata(object, "deletionTimestamp").is_empty()
}

/// The finalizers in the metadata.
pub(crate) fn finalizers(object: &Value) -> Vec<&str> {
    let list = object.pointer("/metadata/finalizers").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).collect()
}

/// The seconds a terminating object may stay; 0 when it waits for finalizers alone.
pub(crate) fn deletion_grace(object: &Value) -> i64 {
    object.pointer("/metadata/deletionGracePeriodSeconds").and_then(Value::as_i64).unwrap_or(0)
}

/// The metadata to be written; made when the object has none.
pub(crate) fn metadata_mut(object: &mut Value) -> &mut Map<String, Value> {
    let fields = as_map(object);
    as_map(fields.entry("metadata").or_insert(Value::Null))
}

/// Sets a field of the metadata, or removes it when the text is empty.
pub(crate) fn set_metadata(object: &mut Value, field: &str, text: &str) {
    if text.is_empty() {
        metadata_mut(object).remove(field);
    } else {
        metadata_mut(object).insert(field.to_owned(), Value::from(text));
    }
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

/// A time as `metav1.Time` is written: whole seconds, UTC.
pub(crate) fn time(at: Timestamp) -> String {
    let seconds = Timestamp::from_second(at.as_second()).unwrap_or(at);
    seconds.to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn times_have_whole_seconds() {
        assert_eq!(time("2026-11-21T20:00:29.75Z".parse().unwrap()), "2026-11-21T20:00:29Z");
    }

    #[test]
    fn what_is_no_metadata_is_replaced() {
        let mut object = json!({"metadata": "x"});
        set_metadata(&mut object, "name", "a");
        assert_eq!(object, json!({"metadata": {"name": "a"}}));
    }
}
