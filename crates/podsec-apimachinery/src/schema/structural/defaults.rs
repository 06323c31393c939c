//! Defaults: what a schema says that an absent field is.

use serde_json::Value;

use super::{METADATA, Structural};

impl Structural {
    /// Fills absent fields with their defaults, and removes a null where none may be and no default stands for it.
    /// Idempotent.
    pub fn fill_defaults(&self, object: &mut Value) {
        self.fill(object, true);
    }

    fn fill(&self, value: &mut Value, root: bool) {
        match value {
            Value::Object(fields) => {
                for (name, schema) in &self.properties {
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
                    if let Some(schema) = self.value_of(name) {
                        schema.fill_inner(value);
                    }
                }
            }
            Value::Array(items) => {
                if let Some(schema) = self.items.as_deref() {
                    for item in items {
                        schema.fill_inner(item);
                    }
                }
            }
            _ => {}
        }
    }

    fn fill_inner(&self, value: &mut Value) {
        if value.is_null()
            && !self.nullable
            && let Some(default) = &self.default
        {
            *value = default.clone();
        }
        self.fill(value, false);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::field::Path;

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
        let schema = Structural::parse(&schema, &Path::new("s")).unwrap();
        let mut object = json!({"spec": {"size": null, "tags": [{}], "maybe": null, "never": null}});
        schema.fill_defaults(&mut object);
        let filled = json!({
            "spec": {"size": 1, "tags": [{"color": "red"}], "maybe": null}, "more": {"deep": true},
        });
        assert_eq!(object, filled);
        schema.fill_defaults(&mut object);
        assert_eq!(object, filled);
        let mut bare = json!({});
        schema.fill_defaults(&mut bare);
        assert_eq!(bare, json!({"more": {"deep": true}}));
    }
}
