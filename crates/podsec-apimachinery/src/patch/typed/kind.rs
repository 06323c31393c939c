//! What a place in a typed value is, and the paths of a value.

use serde_json::Value;

use super::super::field_set::{FieldPath, FieldSet, PathElement};
use super::super::schema::{ListType, MapType, Scalar, Shape, TypeSchema};

/// Every path of a value that can be owned.
pub(in crate::patch) fn field_set<S: TypeSchema>(value: &Value, schema: &S) -> FieldSet {
    let mut set = FieldSet::default();
    collect(value, Some(schema), &FieldPath::default(), &mut set);
    set
}

/// The set in which the structs above owned fields are owned too, so that a difference does not leave them over.
pub(in crate::patch) fn with_structs<S: TypeSchema>(set: &FieldSet, schema: &S) -> FieldSet {
    set.with_members(
        &Some(schema.clone()),
        &|schema, element| match (schema, element) {
            (Some(schema), PathElement::Field(name)) => schema.declares(name),
            _ => false,
        },
        &|schema, element| match (schema, element) {
            (Some(schema), PathElement::Field(name)) => schema.field(name),
            (Some(schema), PathElement::Key(_)) => schema.element(),
            _ => None,
        },
    )
}

/// What a place is, given the value that stands there: undeclared places take after their value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Scalar(Scalar),
    AtomicList,
    Set,
    KeyedList(Vec<String>),
    AtomicMap,
    Map,
}

impl Kind {
    pub(super) fn of<S: TypeSchema>(schema: Option<&S>, value: &Value) -> Self {
        match schema.map_or(Shape::Untyped, TypeSchema::shape) {
            Shape::Scalar(scalar) => Self::Scalar(scalar),
            Shape::List(ListType::Atomic) => Self::AtomicList,
            Shape::List(ListType::Set) => Self::Set,
            Shape::List(ListType::Map(keys)) => Self::KeyedList(keys),
            Shape::Map(MapType::Atomic) => Self::AtomicMap,
            Shape::Map(MapType::Granular) => Self::Map,
            Shape::Untyped => match value {
                Value::Array(_) => Self::AtomicList,
                Value::Object(_) => Self::Map,
                _ => Self::Scalar(Scalar::Any),
            },
        }
    }
}

pub(super) fn collect<S: TypeSchema>(
    value: &Value,
    schema: Option<&S>,
    path: &FieldPath,
    set: &mut FieldSet,
) {
    match (Kind::of(schema, value), value) {
        (Kind::Scalar(_) | Kind::AtomicList | Kind::AtomicMap, _) => set.insert(path),
        (kind @ (Kind::Set | Kind::KeyedList(_)), Value::Array(items)) => {
            let element_schema = schema.and_then(TypeSchema::element);
            for item in items {
                if let Ok(element) = element_of(&kind, element_schema.as_ref(), item) {
                    let path = path.child(element);
                    collect(item, element_schema.as_ref(), &path, set);
                    set.insert(&path);
                }
            }
        }
        (Kind::Map, Value::Object(fields)) => {
            for (name, value) in fields {
                let path = path.child(PathElement::field(name));
                collect(value, schema.and_then(|schema| schema.field(name)).as_ref(), &path, set);
                let bare = value.is_null() || value.as_object().is_some_and(serde_json::Map::is_empty);
                if bare || !schema.is_some_and(|schema| schema.declares(name)) {
                    set.insert(&path);
                }
            }
        }
        _ => {}
    }
}

/// What tells an element of a set or a keyed list from the others.
pub(super) fn element_of<S: TypeSchema>(
    kind: &Kind,
    schema: Option<&S>,
    item: &Value,
) -> Result<PathElement, String> {
    let Kind::KeyedList(keys) = kind else {
        return match item {
            Value::Object(_) => {
                Err("associative list without keys has an element that's a map type".to_owned())
            }
            Value::Array(_) => Err("not supported: associative list with lists as elements".to_owned()),
            Value::Null => {
                Err("associative list without keys has an element that's an explicit null".to_owned())
            }
            scalar => Ok(PathElement::value(scalar)),
        };
    };
    let fields = match item {
        Value::Object(fields) => fields,
        Value::Null => return Err("associative list with keys may not have a null element".to_owned()),
        _ => return Err("associative list with keys may not have non-map elements".to_owned()),
    };
    let values = keys.iter().map(|key| {
        let value = fields.get(key).cloned().or_else(|| schema.and_then(|schema| schema.key_default(key)));
        value.map(|value| (key.clone(), value)).ok_or_else(|| {
            format!(
                "associative list with keys has an element that omits key field {key:?} (and doesn't have default value)"
            )
        })
    });
    values.collect::<Result<_, _>>().map(PathElement::key)
}

/// Null and absent maps and lists are empty ones.
pub(super) fn is_empty(value: Option<&Value>) -> bool {
    match value {
        Some(Value::Array(items)) => items.is_empty(),
        Some(Value::Object(fields)) => fields.is_empty(),
        _ => true,
    }
}

pub(super) fn items(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}
