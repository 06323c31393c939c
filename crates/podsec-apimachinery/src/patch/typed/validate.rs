//! Whether a value fits its type, with the words of structured-merge-diff.

use std::collections::BTreeSet;

use serde_json::Value;

use super::kind::{Kind, element_of};
use crate::patch::GoFormat;
use crate::patch::field_set::{FieldPath, PathElement};
use crate::patch::schema::Scalar;
use crate::patch::schema::TypeSchema;
use podsec_go::quote::quoted;

/// What does not fit, as one text: `.spec.foo: field not declared in schema`.
pub(in crate::patch) fn validate<S: TypeSchema>(value: &Value, schema: &S) -> Result<(), String> {
    let mut wrong = Vec::new();
    visit(value, Some(schema), &FieldPath::default(), &mut wrong);
    match wrong.as_slice() {
        [] => Ok(()),
        [one] => Err(one.clone()),
        many => Err(format!("errors:\n  {}", many.join("\n  "))),
    }
}

fn visit<S: TypeSchema>(value: &Value, schema: Option<&S>, path: &FieldPath, wrong: &mut Vec<String>) {
    let kind = Kind::of(schema, value);
    let mut refuse = |what: String| {
        let place = path.to_string();
        wrong.push(if place.is_empty() { what } else { format!("{place}: {what}") });
    };
    match (&kind, value) {
        (_, Value::Null) => {}
        (Kind::Scalar(scalar), _) => {
            if let Some(what) = mismatch(*scalar, value) {
                refuse(what);
            }
        }
        (Kind::AtomicList, Value::Array(items)) => {
            let element_schema = schema.and_then(TypeSchema::element);
            for (index, item) in items.iter().enumerate() {
                visit(item, element_schema.as_ref(), &path.child(PathElement::Index(index)), wrong);
            }
        }
        (Kind::Set | Kind::KeyedList(_), Value::Array(items)) => {
            let element_schema = schema.and_then(TypeSchema::element);
            let mut seen = BTreeSet::new();
            for (index, item) in items.iter().enumerate() {
                match element_of(&kind, element_schema.as_ref(), item) {
                    Err(why) => {
                        wrong.push(format!("{path}: element {index}: {why}"));
                        return;
                    }
                    Ok(element) => {
                        if !seen.insert(element.clone()) {
                            wrong.push(format!("{path}: duplicate entries for key {element}"));
                        }
                        visit(item, element_schema.as_ref(), &path.child(element), wrong);
                    }
                }
            }
        }
        (Kind::Map | Kind::AtomicMap, Value::Object(fields)) => {
            for (name, value) in fields {
                let path = path.child(PathElement::field(name));
                let Some(field) = schema.and_then(|schema| schema.field(name)) else {
                    // structured-merge-diff looks no further into this map; which one it meets first is chance there.
                    wrong.push(format!("{path}: field not declared in schema"));
                    break;
                };
                visit(value, Some(&field), &path, wrong);
            }
        }
        (Kind::Map | Kind::AtomicMap, _) => refuse(format!("expected map, got &{{{}}}", GoFormat(value))),
        (Kind::AtomicList | Kind::Set | Kind::KeyedList(_), _) => {
            refuse(format!("expected list, got &{{{}}}", GoFormat(value)));
        }
    }
}

fn mismatch(scalar: Scalar, value: &Value) -> Option<String> {
    let fits = match scalar {
        Scalar::String => value.is_string(),
        Scalar::Numeric => value.is_number(),
        Scalar::Boolean => value.is_boolean(),
        Scalar::Any => !value.is_object() && !value.is_array(),
    };
    (!fits).then(|| match scalar {
        Scalar::String => {
            format!("expected string, got &value.valueUnstructured{{Value:{}}}", go_syntax(value))
        }
        Scalar::Numeric => format!("expected numeric (int or float), got {}", go_type(value)),
        Scalar::Boolean => format!("expected boolean, got &{{{}}}", GoFormat(value)),
        Scalar::Any => format!("expected any scalar, got &{{{}}}", GoFormat(value)),
    })
}

/// A value as Go's `%#v` prints it.
fn go_syntax(value: &Value) -> String {
    match value {
        Value::Null => "interface {}(nil)".to_owned(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) => quoted(text),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(go_syntax).collect();
            format!("[]interface {{}}{{{}}}", items.join(", "))
        }
        Value::Object(fields) => {
            let fields: Vec<String> =
                fields.iter().map(|(name, value)| format!("{}:{}", quoted(name), go_syntax(value))).collect();
            format!("map[string]interface {{}}{{{}}}", fields.join(", "))
        }
    }
}

fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}
