//! What OpenAPI documents say of fields, and the published definitions do not: which values there are, and defaults.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

/// The definitions as `/openapi/v2` shows them: each as published, with the values of its fields.
pub(super) fn with_values(published: BTreeMap<String, Box<RawValue>>) -> BTreeMap<String, Box<RawValue>> {
    let enriched = |(name, text): (String, Box<RawValue>)| {
        if !FACTS.contains_key(&*name) {
            return (name, text);
        }
        let mut schema = serde_json::from_str(text.get()).expect("the tests parse this constant");
        add_values(&name, &mut schema);
        (name, serde_json::value::to_raw_value(&schema).expect("a JSON value is JSON"))
    };
    published.into_iter().map(enriched).collect()
}

/// Adds to the fields of a definition which values they may have.
pub(super) fn add_values(definition: &str, schema: &mut Value) {
    for (name, facts) in FACTS.get(definition).into_iter().flatten() {
        let field = schema.pointer_mut("/properties").and_then(|fields| fields.get_mut(name));
        let (Some(field), Some((values, said))) = (field, &facts.values) else { continue };
        let holder = ["items", "additionalProperties"].into_iter().find(|holder| field.get(holder).is_some());
        match holder {
            Some(holder) => field[holder]["enum"] = values.clone(),
            None => field["enum"] = values.clone(),
        }
        if !said.is_empty() {
            let description = field.get("description").and_then(Value::as_str).unwrap_or_default();
            field["description"] = format!("{description}\n\nPossible enum values:\n{said}").into();
        }
    }
}

/// The default of a field as `/openapi/v3` tells it. `schema` is that of the field.
pub(super) fn default(
    definition: &str,
    name: &str,
    schema: &Map<String, Value>,
    required: bool,
) -> Option<Value> {
    let facts = FACTS.get(definition).and_then(|fields| fields.get(name));
    if let Some(told) = facts.and_then(|facts| facts.default.as_ref()) {
        return (!told.is_null()).then(|| told.clone());
    }
    if !required {
        return None;
    }
    if schema.contains_key("$ref") || schema.contains_key("allOf") {
        return Some(json!({}));
    }
    match schema.get("type").and_then(Value::as_str) {
        Some("string") => Some("".into()),
        Some("integer") => Some(0.into()),
        Some("boolean") => Some(false.into()),
        _ => None,
    }
}

#[derive(Default)]
struct Facts {
    /// The values, and what the description says of them.
    values: Option<(Value, String)>,
    /// Null where there is none, against the rule.
    default: Option<Value>,
}

static FACTS: LazyLock<HashMap<&str, BTreeMap<&str, Facts>>> = LazyLock::new(|| {
    let mut facts: HashMap<_, BTreeMap<_, Facts>> = HashMap::new();
    for line in DATA.lines() {
        let parsed = (|| {
            let mut words = line.splitn(3, ' ');
            let (definition, field) = words.next()?.rsplit_once('.')?;
            let (what, told) = (words.next()?, words.next()?);
            let entry = facts.entry(definition).or_default().entry(field).or_default();
            let mut values = serde_json::Deserializer::from_str(told).into_iter::<Value>().flatten();
            match what {
                "enum" => entry.values = Some((values.next()?, values.next()?.as_str()?.to_owned())),
                _ => entry.default = Some(values.next()?),
            }
            Some(())
        })();
        parsed.expect("the tests parse this constant");
    }
    facts
});

/// Written by tools/refresh-openapi-fields.py.
const DATA: &str = include_str!("../../data/openapi-fields.txt");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_has_its_values_and_its_default() {
        let mut schema =
            json!({"properties": {"imagePullPolicy": {"type": "string", "description": "When."}}});
        add_values("io.k8s.api.core.v1.Container", &mut schema);
        let field = &schema["properties"]["imagePullPolicy"];
        assert_eq!(field["enum"], json!(["Always", "IfNotPresent", "Never"]));
        assert!(
            field["description"]
                .as_str()
                .unwrap()
                .starts_with("When.\n\nPossible enum values:\n - `\"Always\"`")
        );
        let string = Map::from_iter([("type".to_owned(), "string".into())]);
        let default = |definition: &str, field: &str, required| default(definition, field, &string, required);
        assert_eq!(default("io.k8s.api.core.v1.ContainerPort", "protocol", false), Some("TCP".into()));
        assert_eq!(default("io.k8s.api.core.v1.Container", "name", true), Some("".into()));
        assert_eq!(default("io.k8s.api.core.v1.Container", "image", false), None);
    }
}
