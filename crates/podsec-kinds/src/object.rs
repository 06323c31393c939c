//! Reading and filling fields of JSON objects with Go's zero values: absent, `null` and of the wrong type are all zero.

use serde_json::{Map, Value};

/// Reads fields; whatever is not there is zero.
pub trait Fields {
    /// The field, unless absent or `null`.
    fn field(&self, name: &str) -> Option<&Value>;

    /// The field, `null` when absent.
    fn at(&self, name: &str) -> &Value {
        self.field(name).unwrap_or(&Value::Null)
    }

    /// Whether the field is set.
    fn has(&self, name: &str) -> bool {
        self.field(name).is_some()
    }

    /// A string.
    fn text(&self, name: &str) -> &str {
        self.at(name).as_str().unwrap_or_default()
    }

    /// A number, if set.
    fn integer(&self, name: &str) -> Option<i64> {
        self.at(name).as_i64()
    }

    /// A number.
    fn number(&self, name: &str) -> i64 {
        self.integer(name).unwrap_or_default()
    }

    /// A boolean.
    fn flag(&self, name: &str) -> bool {
        self.at(name).as_bool().unwrap_or_default()
    }

    /// A list.
    fn list(&self, name: &str) -> &[Value] {
        self.at(name).as_array().map(Vec::as_slice).unwrap_or_default()
    }

    /// The entries of a map, sorted by key.
    fn entries(&self, name: &str) -> impl Iterator<Item = (&str, &Value)> {
        self.at(name).as_object().into_iter().flatten().map(|(key, value)| (key.as_str(), value))
    }

    /// The entries of a map of strings, sorted by key.
    fn texts(&self, name: &str) -> impl Iterator<Item = (&str, &str)> {
        self.entries(name).filter_map(|(key, value)| Some((key, value.as_str()?)))
    }
}

impl Fields for Value {
    fn field(&self, name: &str) -> Option<&Value> {
        self.get(name).filter(|value| !value.is_null())
    }
}

impl Fields for Map<String, Value> {
    fn field(&self, name: &str) -> Option<&Value> {
        self.get(name).filter(|value| !value.is_null())
    }
}

/// Fills fields.
pub trait FieldsMut {
    /// The object under `name`, if there is one.
    fn object_mut(&mut self, name: &str) -> Option<&mut Map<String, Value>>;

    /// The object under `name`, made when absent; `None` if something else is there.
    fn ensure(&mut self, name: &str) -> Option<&mut Map<String, Value>>;

    /// The objects of the list under `name`.
    fn objects_mut(&mut self, name: &str) -> impl Iterator<Item = &mut Map<String, Value>>;

    /// Sets an absent field.
    fn fill(&mut self, name: &str, value: impl Into<Value>);

    /// Sets an absent or empty string, or an absent or zero number.
    fn fill_zero(&mut self, name: &str, value: impl Into<Value>);

    /// Sets the field to that of `from`, or removes it when that has none.
    fn copy(&mut self, name: &str, from: &Value);
}

impl FieldsMut for Map<String, Value> {
    fn object_mut(&mut self, name: &str) -> Option<&mut Map<String, Value>> {
        self.get_mut(name).and_then(Value::as_object_mut)
    }

    fn ensure(&mut self, name: &str) -> Option<&mut Map<String, Value>> {
        self.fill(name, Map::new());
        self.object_mut(name)
    }

    fn objects_mut(&mut self, name: &str) -> impl Iterator<Item = &mut Map<String, Value>> {
        self.get_mut(name)
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
            .filter_map(Value::as_object_mut)
    }

    fn fill(&mut self, name: &str, value: impl Into<Value>) {
        if !self.has(name) {
            self.insert(name.to_owned(), value.into());
        }
    }

    fn fill_zero(&mut self, name: &str, value: impl Into<Value>) {
        let zero = match self.at(name) {
            Value::Null => true,
            Value::String(text) => text.is_empty(),
            Value::Number(number) => number.as_i64() == Some(0),
            _ => false,
        };
        if zero {
            self.insert(name.to_owned(), value.into());
        }
    }

    fn copy(&mut self, name: &str, from: &Value) {
        match from.field(name) {
            Some(value) => self.insert(name.to_owned(), value.clone()),
            None => self.remove(name),
        };
    }
}

/// Writes an empty list as `null`, as Go does for lists that are always written.
pub(crate) fn null_if_empty(object: &mut Map<String, Value>, field: &str) {
    if object.list(field).is_empty() {
        object.insert(field.to_owned(), Value::Null);
    }
}

/// The metadata of an object.
pub fn metadata(object: &Value) -> &Value {
    object.at("metadata")
}

/// The annotation `key` of an object or pod template.
pub fn annotation<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    metadata(object).at("annotations").at(key).as_str()
}

/// The metadata to be written; made when the object has none.
pub fn metadata_mut(object: &mut Value) -> &mut Map<String, Value> {
    let fields = as_map(object);
    as_map(fields.entry("metadata").or_insert(Value::Null))
}

/// Turns whatever is there into an object and returns its fields.
pub fn as_map(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    match value {
        Value::Object(fields) => fields,
        _ => unreachable!("the line above has made it an object"),
    }
}

/// Whether two objects say the same, when absent, `null`, empty lists and empty maps are one, as
/// `apiequality.Semantic.DeepEqual` has it.
pub fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Object(left), Value::Object(right)) => {
            left.iter().all(|(key, value)| same(value, right.at(key)))
                && right.iter().all(|(key, value)| left.contains_key(key) || is_empty(value))
        }
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same(left, right))
        }
        _ => one == other || (is_empty(one) && is_empty(other)),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(fields) => fields.values().all(is_empty),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn absent_null_and_mistyped_fields_are_zero() {
        let object = json!({ "a": null, "b": 1, "c": "x" });
        assert!(!object.has("a") && object.has("b") && !object.has("z"));
        assert_eq!(object.text("b"), "");
        assert_eq!(object.integer("c"), None);
        assert!(object.at("z").at("y").list("x").is_empty());
    }

    #[test]
    fn an_empty_list_says_the_same_as_none() {
        assert!(same(&json!({ "a": [], "b": { "c": null } }), &json!({})));
        assert!(!same(&json!({ "a": [1] }), &json!({})));
        assert!(!same(&json!({ "a": "" }), &json!({})));
    }
}
