//! Defaults: what a schema says that an absent field is.

use serde_json::Value;

use super::schema::{METADATA, Structural};

/// The defaults of a schema make more of an object than any store takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the defaults of its schema make more than {MAX_BYTES} bytes of it")]
pub struct TooManyDefaults;

impl Structural {
    /// Fills absent fields with their defaults, and removes a null where none may be and no default stands for it.
    /// Idempotent.
    ///
    /// # Errors
    /// When the defaults that it fills in have more than [`MAX_BYTES`]. It stops there, so what it leaves is larger
    /// than that.
    pub fn fill_defaults(&self, object: &mut Value) -> Result<(), TooManyDefaults> {
        let mut filler = Filler { left: MAX_BYTES };
        filler.fill(self, object, true)
    }
}

/// Fills in defaults for as long as there is room.
struct Filler {
    left: usize,
}

impl Filler {
    fn fill(&mut self, schema: &Structural, value: &mut Value, root: bool) -> Result<(), TooManyDefaults> {
        match value {
            Value::Object(fields) => {
                for (name, schema) in &schema.properties {
                    // Metadata is filled by the server alone.
                    if root && name == METADATA {
                        continue;
                    }
                    let absent = match fields.get(name) {
                        None => true,
                        Some(value) => value.is_null() && !schema.nullable,
                    };
                    match &schema.default {
                        Some(default) if absent => {
                            fields.insert(name.clone(), default.clone());
                            self.take(name.len() + length(default))?;
                        }
                        None if absent => {
                            fields.remove(name);
                        }
                        _ => {}
                    }
                }
                for (name, value) in fields {
                    if root && name == METADATA {
                        continue;
                    }
                    if let Some(schema) = schema.value_of(name) {
                        self.fill_inner(schema, value)?;
                    }
                }
            }
            Value::Array(items) => {
                if let Some(schema) = schema.items.as_deref() {
                    for item in items {
                        self.fill_inner(schema, item)?;
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn fill_inner(&mut self, schema: &Structural, value: &mut Value) -> Result<(), TooManyDefaults> {
        if value.is_null()
            && !schema.nullable
            && let Some(default) = &schema.default
        {
            *value = default.clone();
            self.take(length(default))?;
        }
        self.fill(schema, value, false)
    }

    fn take(&mut self, bytes: usize) -> Result<(), TooManyDefaults> {
        self.left = self.left.checked_sub(bytes).ok_or(TooManyDefaults)?;
        Ok(())
    }
}

/// At most how many bytes of JSON a value has at least: quotes, separators and digits behind the first are not counted.
fn length(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) => 4,
        Value::Number(_) => 1,
        Value::String(text) => text.len(),
        Value::Array(items) => 2 + items.iter().map(length).sum::<usize>(),
        Value::Object(fields) => {
            2 + fields.iter().map(|(name, value)| name.len() + length(value)).sum::<usize>()
        }
    }
}

/// How many bytes of defaults an object may get: what etcd, and so any store, takes of an object.
const MAX_BYTES: usize = 1_572_864;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::field::Path;
    use crate::schema::structural::Patterns;

    #[test]
    fn absent_fields_are_filled_where_their_parent_is() {
        let schema = json!({"type": "object", "properties": {
            "spec": {"type": "object", "properties": {
                "size": {"type": "integer", "default": 1},
                "tags": {"type": "array", "items": {"type": "object", "properties": {
                    "color": {"type": "string", "default": "red"},
                }}},
                "maybe": {"type": "string", "nullable": true, "default": "x"},
                "never": {"type": "string"},
            }},
            "more": {"type": "object", "default": {}, "properties": {
                "deep": {"type": "boolean", "default": true},
            }},
        }});
        let schema = Structural::parse(&schema, &Path::new("s"), &mut Patterns::default()).unwrap();
        let mut object = json!({"spec": {"size": null, "tags": [{}], "maybe": null, "never": null}});
        schema.fill_defaults(&mut object).unwrap();
        let filled = json!({
            "spec": {"size": 1, "tags": [{"color": "red"}], "maybe": null}, "more": {"deep": true},
        });
        assert_eq!(object, filled);
        schema.fill_defaults(&mut object).unwrap();
        assert_eq!(object, filled);
        let mut bare = json!({});
        schema.fill_defaults(&mut bare).unwrap();
        assert_eq!(bare, json!({"more": {"deep": true}}));
    }

    #[test]
    fn defaults_are_bounded_while_they_are_made() {
        // Ten items of ten items of ten items, each a hundred bytes in the end, and so on.
        let mut schema =
            json!({"type": "object", "properties": {"x": {"type": "string", "default": "y".repeat(100)}}});
        for _ in 0..8 {
            let items = vec![json!({}); 10];
            schema = json!({"type": "object", "properties": {
                "list": {"type": "array", "default": items, "items": schema},
            }});
        }
        let schema = Structural::parse(&schema, &Path::new("s"), &mut Patterns::default()).unwrap();
        let mut object = json!({});
        assert_eq!(schema.fill_defaults(&mut object), Err(TooManyDefaults));
        let bytes = object.to_string().len();
        assert!((MAX_BYTES..3 * MAX_BYTES).contains(&bytes), "{bytes}");
    }
}
