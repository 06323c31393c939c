//! What has been wrong before may stay: errors about a value that is as stored do not count.

use std::collections::HashMap;

use serde_json::Value;

use crate::patch::schema::ListType;
use crate::schema::structural::Structural;

/// The items of a stored list by their keys.
pub(super) struct StoredItems<'a> {
    keys: &'a [String],
    items: HashMap<String, &'a Value>,
}

impl<'a> StoredItems<'a> {
    /// `None` for a list whose items have no keys: none of them is known to be a stored one.
    pub(super) fn of(schema: &'a Structural, old: &'a Value) -> Option<Self> {
        let Some(ListType::Map(keys)) = &schema.list_type else { return None };
        let mut items = HashMap::new();
        for item in old.as_array()? {
            if let Some(key) = key(item, keys) {
                items.entry(key).or_insert(item);
            }
        }
        Some(Self { keys, items })
    }

    /// The stored item with the keys of `item`.
    pub(super) fn find(&self, item: &Value) -> Option<&'a Value> {
        self.items.get(&key(item, self.keys)?).copied()
    }
}

/// The keys as one text; `None` when one is missing or no scalar.
fn key(item: &Value, keys: &[String]) -> Option<String> {
    let mut text = String::new();
    for key in keys {
        let value = item.as_object()?.get(key)?;
        if !matches!(value, Value::Bool(_) | Value::Number(_) | Value::String(_)) {
            return None;
        }
        text.push_str(&value.to_string());
        text.push('\0');
    }
    Some(text)
}

/// Whether a value is as stored. Items with keys may have changed their order; a field that the schema does not know makes
/// its object another one, as in Kubernetes.
pub(super) fn is_unchanged(schema: &Structural, new: &Value, old: &Value) -> bool {
    match (new, old) {
        (Value::Array(news), Value::Array(olds)) => {
            news.len() == olds.len()
                && match (StoredItems::of(schema, old), &schema.items) {
                    (Some(stored), Some(items)) => news
                        .iter()
                        .all(|new| stored.find(new).is_some_and(|old| is_unchanged(items, new, old))),
                    _ => news == olds,
                }
        }
        (Value::Object(news), Value::Object(olds)) => {
            news.len() == olds.len()
                && news.iter().all(|(name, new)| {
                    let known = schema.value_of(name).zip(olds.get(name));
                    known.is_some_and(|(schema, old)| is_unchanged(schema, new, old))
                })
        }
        _ => new == old,
    }
}
