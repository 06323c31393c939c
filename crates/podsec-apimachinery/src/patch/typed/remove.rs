//! A value without the fields of a set.

use serde_json::{Map, Value};

use super::kind::{Kind, element_of};
use crate::patch::field_set::{FieldSet, PathElement};
use crate::patch::schema::TypeSchema;

/// Removes the fields and list elements in `set`; atomic values are only removed whole, by their own path.
pub(in crate::patch) fn remove<S: TypeSchema>(
    value: &Value,
    set: &FieldSet,
    schema: &S,
    emptied: Emptied,
) -> Value {
    visit(value, set, Some(schema), emptied).unwrap_or_else(|| Value::Object(Map::new()))
}

/// What becomes of a map or list that loses all it held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::patch) enum Emptied {
    /// It stays as null, so that its own path still is one of the value's.
    Null,
    /// It goes.
    Drop,
}

impl Emptied {
    fn value(self) -> Option<Value> {
        match self {
            Self::Null => Some(Value::Null),
            Self::Drop => None,
        }
    }
}

/// `None` when nothing is left, so that the field above disappears.
fn visit<S: TypeSchema>(
    value: &Value,
    set: &FieldSet,
    schema: Option<&S>,
    emptied: Emptied,
) -> Option<Value> {
    let kind = Kind::of(schema, value);
    match (&kind, value) {
        (Kind::Scalar(_), _) => Some(value.clone()),
        (Kind::Set | Kind::KeyedList(_), Value::Array(items)) => {
            let element_schema = schema.and_then(TypeSchema::element);
            let kept: Vec<Value> = items
                .iter()
                .filter_map(|item| {
                    let Ok(element) = element_of(&kind, element_schema.as_ref(), item) else {
                        return Some(item.clone());
                    };
                    if set.has(&element) {
                        return None;
                    }
                    match set.below(&element) {
                        Some(below) => {
                            visit(item, below, element_schema.as_ref(), emptied).or_else(|| emptied.value())
                        }
                        None => Some(item.clone()),
                    }
                })
                .collect();
            (!kept.is_empty()).then_some(Value::Array(kept))
        }
        (Kind::Map, Value::Object(fields)) => {
            let mut kept = Map::new();
            for (name, value) in fields {
                let element = PathElement::field(name);
                if set.has(&element) {
                    continue;
                }
                let field = schema.and_then(|schema| schema.field(name));
                let value = match set.below(&element) {
                    Some(below) => visit(value, below, field.as_ref(), emptied).or_else(|| emptied.value()),
                    None => Some(value.clone()),
                };
                kept.extend(value.map(|value| (name.clone(), value)));
            }
            (!kept.is_empty()).then_some(Value::Object(kept))
        }
        _ => None,
    }
}
