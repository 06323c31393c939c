//! A patched object as the text that Kubernetes decodes again, and shows when it cannot.
//!
//! A JSON patch or a merge patch works on the text of the stored object: what it passes through is written anew, with
//! sorted keys, and what it does not touch keeps the order of Go's structs.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::schema::{Schema, Shape};

/// The places that a patch passes through, step by step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touched(BTreeMap<String, Touched>);

impl Touched {
    /// Those of a JSON patch: the containers above each of its targets.
    pub fn by_json_patch(patch: &Value) -> Self {
        let mut touched = Self::default();
        for operation in patch.as_array().into_iter().flatten() {
            for pointer in ["path", "from"] {
                let Some(target) = operation.get(pointer).and_then(Value::as_str) else { continue };
                let parts: Vec<&str> = target.split('/').skip(1).collect();
                let mut place = &mut touched;
                for part in parts.iter().take(parts.len().saturating_sub(1)) {
                    let name = part.replace("~1", "/").replace("~0", "~");
                    place = place.0.entry(name).or_default();
                }
            }
        }
        touched
    }

    /// Those of a merge patch: the maps that it has too.
    pub fn by_merge_patch(patch: &Value) -> Self {
        let fields = patch.as_object().into_iter().flatten();
        let fields = fields.filter(|(_, value)| value.is_object());
        Self(fields.map(|(name, value)| (name.clone(), Self::by_merge_patch(value))).collect())
    }
}

/// The text of a patched object; `schema` is that of its kind.
pub fn patched_text(object: &Value, schema: Option<Schema<'_>>, touched: &Touched) -> String {
    let mut text = String::new();
    write(object, schema, Some(touched), &mut text);
    text
}

fn write(value: &Value, schema: Option<Schema<'_>>, touched: Option<&Touched>, text: &mut String) {
    match value {
        Value::Object(fields) => {
            text.push('{');
            for (index, (name, value)) in ordered(fields, schema, touched.is_some()).into_iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                scalar(&Value::from(name.as_str()), text);
                text.push(':');
                let below = touched.and_then(|touched| touched.0.get(name));
                write(value, schema.and_then(|schema| schema.property(name)), below, text);
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                let below = touched.and_then(|touched| touched.0.get(&index.to_string()));
                write(item, schema.and_then(Schema::items), below, text);
            }
            text.push(']');
        }
        other => scalar(other, text),
    }
}

/// The fields in the order in which they are written.
fn ordered<'v>(
    fields: &'v Map<String, Value>,
    schema: Option<Schema<'_>>,
    touched: bool,
) -> Vec<(&'v String, &'v Value)> {
    let mut fields: Vec<(&String, &Value)> = fields.iter().collect();
    if let (false, Some(Shape::Struct(of))) = (touched, schema.map(Schema::shape)) {
        let order = of.go_order();
        let rank = |name: &str| match name {
            "kind" => 0,
            "apiVersion" => 1,
            _ => order.iter().position(|field| *field == name).map_or(usize::MAX, |at| at + 2),
        };
        fields.sort_by_key(|(name, _)| rank(name));
    }
    fields
}

/// A scalar as Go writes it, which protects what HTML could mistake for its own.
fn scalar(value: &Value, text: &mut String) {
    for character in value.to_string().chars() {
        match character {
            '<' => text.push_str("\\u003c"),
            '>' => text.push_str("\\u003e"),
            '&' => text.push_str("\\u0026"),
            '\u{2028}' => text.push_str("\\u2028"),
            '\u{2029}' => text.push_str("\\u2029"),
            other => text.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::schema::Definitions;

    #[test]
    fn what_a_patch_passes_through_is_sorted_and_the_rest_is_in_the_order_of_go() {
        let schema = Definitions::builtin().kind("", "v1", "ConfigMap");
        let object = json!({"kind": "ConfigMap", "apiVersion": "v1", "data": {"a": "<b>", "n": 1},
            "metadata": {"uid": "u", "name": "cm", "namespace": "n", "managedFields": [{"time": "t", "manager": "m"}]}});
        let touched = Touched::by_json_patch(&json!([{"op": "add", "path": "/data/n", "value": 1}]));
        assert_eq!(touched, Touched::by_merge_patch(&json!({"data": {"n": 1}})));
        assert_eq!(
            patched_text(&object, schema, &touched),
            r#"{"apiVersion":"v1","data":{"a":"\u003cb\u003e","n":1},"kind":"ConfigMap","metadata":{"name":"cm","namespace":"n","uid":"u","managedFields":[{"manager":"m","time":"t"}]}}"#
        );
    }
}
