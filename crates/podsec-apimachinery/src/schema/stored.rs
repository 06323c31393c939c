//! What an object loses when it is stored: the difference between an empty list or map and none.

use serde_json::Value;

use super::definitions::{Schema, Shape, Struct};

/// Makes null of every empty list and map that Go writes even when it is empty. Kubernetes stores objects as protobuf,
/// which does not tell it from none.
pub fn forget_empty(schema: Schema<'_>, value: &mut Value) {
    match (schema.shape(), value) {
        (Shape::Struct(fields), Value::Object(members)) => {
            for (name, value) in members.iter_mut() {
                let Some(field) = fields.field(name) else { continue };
                if is_null_when_empty(fields, name, value) {
                    *value = Value::Null;
                } else {
                    forget_empty(field, value);
                }
            }
        }
        (Shape::List(items), Value::Array(values)) if holds_fields(items) => {
            for value in values {
                forget_empty(items, value);
            }
        }
        (Shape::Map(values), Value::Object(members)) if holds_fields(values) => {
            for value in members.values_mut() {
                forget_empty(values, value);
            }
        }
        _ => {}
    }
}

/// Whether a value is an empty list or map that Go writes all the same, and that is null once the object is stored.
fn is_null_when_empty(fields: Struct<'_>, name: &str, value: &Value) -> bool {
    let is_empty = match value {
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    };
    // Definitions are stored as JSON, which tells both apart.
    is_empty
        && !fields.name().starts_with("io.k8s.apiextensions-apiserver.")
        && fields.field(name).is_some_and(|field| !matches!(field.shape(), Shape::Struct(_)))
        && fields.written_zeros().any(|(written, zero)| written == name && zero.is_null())
}

/// Whether there are structs in it, or it is one.
fn holds_fields(schema: Schema<'_>) -> bool {
    match schema.shape() {
        Shape::Struct(_) => true,
        Shape::List(inner) | Shape::Map(inner) => holds_fields(inner),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::schema::Definitions;

    #[test]
    fn an_empty_list_that_is_always_written_becomes_null() {
        let schema = Definitions::builtin().kind("discovery.k8s.io", "v1", "EndpointSlice").unwrap();
        let mut slice = json!({"endpoints": [{"addresses": []}], "ports": []});
        forget_empty(schema, &mut slice);
        assert_eq!(slice, json!({"endpoints": [{"addresses": null}], "ports": null}));
    }

    #[test]
    fn definitions_are_stored_as_json_and_keep_what_is_empty() {
        let schema =
            Definitions::builtin().kind("apiextensions.k8s.io", "v1", "CustomResourceDefinition").unwrap();
        let mut definition = json!({"spec": {"versions": []}, "status": {"conditions": []}});
        let before = definition.clone();
        forget_empty(schema, &mut definition);
        assert_eq!(definition, before);
    }
}
