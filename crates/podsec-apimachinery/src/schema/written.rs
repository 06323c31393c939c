//! An object as Go writes it: with the zero values of fields that no tag leaves out.

use serde_json::Value;

use super::{Schema, Shape};

/// Adds to a decoded object what Go writes although nobody has set it: `{"spec": {}}` of a pod becomes
/// `{"spec": {"containers": null}}`. Stored objects need it not, since validation demands these fields.
pub fn write_zeros(schema: Schema<'_>, value: &mut Value) {
    match (schema.shape(), value) {
        (Shape::Struct(fields), Value::Object(object)) => {
            for (name, zero) in fields.written_zeros() {
                if fields.field(name).is_some() {
                    object.entry(name).or_insert(zero);
                }
            }
            for (name, member) in object.iter_mut() {
                if let Some(field) = fields.field(name) {
                    write_zeros(field, member);
                }
            }
        }
        (Shape::List(items), Value::Array(list)) => list.iter_mut().for_each(|item| write_zeros(items, item)),
        (Shape::Map(values), Value::Object(map)) => {
            map.iter_mut().for_each(|(_, value)| write_zeros(values, value));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::schema::Definitions;

    fn written(group: &str, kind: &str, mut object: Value) -> Value {
        write_zeros(Definitions::builtin().kind(group, "v1", kind).unwrap(), &mut object);
        object
    }

    #[test]
    fn fields_are_written_that_no_tag_leaves_out() {
        assert_eq!(
            written("", "Pod", json!({"spec": {"hostAliases": [{}]}})),
            json!({"spec": {"containers": null, "hostAliases": [{"ip": ""}]}})
        );
        assert_eq!(
            written(
                "authentication.k8s.io",
                "TokenRequest",
                json!({"spec": {"expirationSeconds": 600}, "status": {}})
            ),
            json!({"spec": {"audiences": null, "boundObjectRef": null, "expirationSeconds": 600}, "status": {"token": ""}})
        );
    }
}
