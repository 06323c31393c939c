//! Pruning: what a schema does not know does not stay.

use serde_json::{Map, Value};

use super::schema::{METADATA, Structural, TYPE_META, below};

impl Structural {
    /// Removes the fields that the schema does not declare, and returns where they stood: `spec.list[0].foo`. Type and
    /// metadata of the object stay.
    pub fn prune(&self, object: &mut Value) -> Vec<String> {
        let mut unknown = Vec::new();
        self.prune_value(object, "", true, &mut unknown);
        unknown
    }

    fn prune_value(&self, value: &mut Value, place: &str, root: bool, unknown: &mut Vec<String>) {
        match value {
            Value::Object(fields) => self.prune_fields(fields, place, root, unknown),
            Value::Array(items) => {
                let schema = self.items.as_deref().unwrap_or(self.inherited());
                for (index, item) in items.iter_mut().enumerate() {
                    schema.prune_value(item, &format!("{place}[{index}]"), false, unknown);
                }
            }
            _ => {}
        }
    }

    fn prune_fields(
        &self,
        fields: &mut Map<String, Value>,
        place: &str,
        root: bool,
        unknown: &mut Vec<String>,
    ) {
        let is_resource = self.is_resource(root);
        fields.retain(|name, value| {
            let of_every_object = name == METADATA || TYPE_META.contains(&name.as_str());
            if is_resource && of_every_object {
                return true;
            }
            match self.value_of(name) {
                Some(schema) => schema.prune_value(value, &below(place, name), false, unknown),
                None if self.preserves_unknown => {}
                None => {
                    unknown.push(below(place, name));
                    return false;
                }
            }
            true
        });
    }

    /// What holds for the items of a list that declares none: below what is kept whole, everything is.
    fn inherited(&self) -> &Self {
        static NOTHING: std::sync::LazyLock<Structural> = std::sync::LazyLock::new(Structural::default);
        if self.preserves_unknown { self } else { &NOTHING }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::field::Path;
    use crate::schema::structural::Patterns;

    #[test]
    fn unknown_fields_go_and_are_named() {
        let schema = json!({"type": "object", "properties": {
            "spec": {"type": "object", "properties": {
                "list": {"type": "array", "items": {"type": "object", "properties": {"a": {"type": "string"}}}},
                "map": {"type": "object", "additionalProperties": {"type": "object", "properties": {}}},
                "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true, "properties": {
                    "known": {"type": "object"},
                }},
            }},
        }});
        let schema = Structural::parse(&schema, &Path::new("s"), &mut Patterns::default()).unwrap();
        let mut object = json!({
            "apiVersion": "v1", "kind": "Widget", "metadata": {"name": "a"}, "status": 1,
            "spec": {
                "list": [{"a": "", "b": 1}], "map": {"k": {"x": 1}},
                "free": {"any": {"thing": [{"x": 1}]}, "known": {"y": 1}},
            },
        });
        assert_eq!(
            schema.prune(&mut object),
            ["spec.free.known.y", "spec.list[0].b", "spec.map.k.x", "status"]
        );
        assert_eq!(
            object,
            json!({
                "apiVersion": "v1", "kind": "Widget", "metadata": {"name": "a"},
                "spec": {
                    "list": [{"a": ""}], "map": {"k": {}},
                    "free": {"any": {"thing": [{"x": 1}]}, "known": {}},
                },
            })
        );
    }
}
