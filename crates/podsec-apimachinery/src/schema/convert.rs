//! From a tree of JSON values to an object of a kind, as Kubernetes converts what a strategic merge patch or an apply has
//! made, where no text is left to decode.
//!
//! It is another reader than [`decode`](super::decode): whole floats are integers (`2.0` is 2), integers wrap around into
//! smaller ones, and what does not fit is told in other words.

use std::fmt::Write;

use podsec_go::quantity;
use podsec_go::quote::quoted;
use serde_json::{Map, Value};

use super::definitions::{Schema, Shape, Struct};
use super::error::DecodeError;
use super::fields::{bytes, is_empty, zero};
use super::time::{self, Precision};

/// An object that was converted.
#[derive(Clone, Debug, PartialEq)]
pub struct Converted {
    /// The object, in the form in which [`decode`](super::decode) leaves objects.
    pub object: Value,
    /// The fields that the kind does not have, one sentence each, sorted: `unknown field "spec.foo"`.
    pub unknown: Vec<String>,
}

/// Why a tree is no object of the kind, in the words of Kubernetes' converter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConvertError {
    /// A number where another type belongs that numbers could be made into.
    #[error("cannot convert {from} to {to}")]
    Number {
        /// What it is: `int64` or `float64`.
        from: &'static str,
        /// The Go type of the field.
        to: String,
    },
    /// A scalar field that got something else.
    #[error("unrecognized type: {0}")]
    Scalar(&'static str),
    /// A map, a list or a struct that got something else.
    #[error("cannot restore {0}")]
    Container(String),
    /// Text that is no base64.
    #[error("error decoding from json: {0}")]
    Bytes(DecodeError),
    /// What decodes itself refuses what it got: a time, a quantity, a port.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

/// Converts a tree.
///
/// # Errors
///
/// The first value that does not fit its field.
pub fn convert(schema: Schema<'_>, tree: &Value) -> Result<Converted, ConvertError> {
    let mut converter = Converter::default();
    let object = converter.value(schema, tree)?.unwrap_or(Value::Null);
    converter.unknown.sort_unstable();
    Ok(Converted { object, unknown: converter.unknown })
}

#[derive(Default)]
struct Converter {
    /// The place as it is told: keys of maps are not part of it.
    path: String,
    unknown: Vec<String>,
}

impl Converter {
    /// The converted value; None for null.
    fn value(&mut self, schema: Schema<'_>, tree: &Value) -> Result<Option<Value>, ConvertError> {
        let kind = go_kind(tree);
        let self_decoding = |go_type: &str| {
            let value = match tree {
                Value::Number(number) if !number.is_f64() => "number".to_owned(),
                Value::Number(number) => format!("number {number}"),
                other => json_name(other).to_owned(),
            };
            Err(DecodeError::Type { value, field: String::new(), go_type: go_type.to_owned() }.into())
        };
        let converted = match (schema.shape(), tree) {
            (_, Value::Null) => return Ok(None),
            (Shape::Any, other) => other.clone(),
            (Shape::Struct(fields), Value::Object(members)) => self.fields(fields, members)?,
            (Shape::Struct(_), _) => return Err(ConvertError::Container(format!("struct from: {kind}"))),
            (Shape::Map(values), Value::Object(members)) => {
                let mut map = Map::new();
                for (name, value) in members {
                    let value = self.value(values, value)?.unwrap_or_else(|| zero(values.shape()));
                    map.insert(name.clone(), value);
                }
                Value::Object(map)
            }
            (Shape::Map(_), _) => return Err(ConvertError::Container(format!("map from {kind}"))),
            (Shape::List(items), Value::Array(list)) => {
                let outer = self.path.len();
                let mut converted = Vec::with_capacity(list.len());
                for (index, item) in list.iter().enumerate() {
                    // Writing to a string does not fail.
                    let _ = write!(self.path, "[{index}]");
                    converted.push(self.value(items, item)?.unwrap_or_else(|| zero(items.shape())));
                    self.path.truncate(outer);
                }
                Value::Array(converted)
            }
            (Shape::Bytes, Value::String(text)) => bytes(text).map_err(ConvertError::Bytes)?,
            (Shape::List(_) | Shape::Bytes, _) => {
                return Err(ConvertError::Container(format!("slice from {kind}")));
            }
            (Shape::Boolean, Value::Bool(flag)) => Value::Bool(*flag),
            (Shape::Boolean, _) => return Err(ConvertError::Scalar("bool")),
            (Shape::String | Shape::IntOrString, Value::String(text)) => Value::String(text.clone()),
            (Shape::String, Value::Number(number)) if !number.is_f64() => {
                return Err(ConvertError::Number { from: "int64", to: schema.go_type() });
            }
            (Shape::String, _) => return Err(ConvertError::Scalar("string")),
            (Shape::Integer32, Value::Number(number)) => Value::from(wrapped(integer(number, schema)?)),
            (Shape::Integer32, _) => return Err(ConvertError::Scalar("int32")),
            (Shape::Integer64, Value::Number(number)) => Value::from(integer(number, schema)?),
            (Shape::Integer64, _) => return Err(ConvertError::Scalar("int64")),
            (Shape::Number, Value::Number(_)) => tree.clone(),
            (Shape::Number, _) => return Err(ConvertError::Scalar("float64")),
            (Shape::Time, Value::String(text)) => instant(Precision::Seconds, text)?,
            (Shape::MicroTime, Value::String(text)) => instant(Precision::Microseconds, text)?,
            (Shape::Time | Shape::MicroTime, _) => return self_decoding("string"),
            (Shape::Quantity, _) => {
                let text = match tree {
                    Value::String(text) => text.trim().to_owned(),
                    Value::Number(number) => number.to_string(),
                    _ => "not a quantity".to_owned(),
                };
                Value::String(quantity::canonical(&text).map_err(DecodeError::from)?)
            }
            (Shape::IntOrString, Value::Number(number)) => {
                let small = number.as_i64().and_then(|number| i32::try_from(number).ok());
                Value::from(small.ok_or_else(|| DecodeError::Type {
                    value: format!("number {number}"),
                    field: String::new(),
                    go_type: "int32".to_owned(),
                })?)
            }
            (Shape::IntOrString, _) => return self_decoding("int32"),
        };
        Ok(Some(converted))
    }

    fn fields(&mut self, fields: Struct<'_>, members: &Map<String, Value>) -> Result<Value, ConvertError> {
        let outer = self.path.len();
        let mut object = Map::new();
        for (name, value) in members {
            let dot = if self.path.is_empty() { "" } else { "." };
            // Writing to a string does not fail.
            let _ = write!(self.path, "{dot}{name}");
            match fields.field(name) {
                None => self.unknown.push(format!("unknown field {}", quoted(&self.path))),
                Some(schema) => {
                    if let Some(value) = self.value(schema, value)?
                        && !(schema.absent_when_empty() && is_empty(&value))
                    {
                        object.insert(name.clone(), value);
                    }
                }
            }
            self.path.truncate(outer);
        }
        fields.complete(&mut object);
        Ok(Value::Object(object))
    }
}

/// A number as an integer, when it is whole.
fn integer(number: &serde_json::Number, schema: Schema<'_>) -> Result<i64, ConvertError> {
    if let Some(integer) = number.as_i64() {
        return Ok(integer);
    }
    let float = number.as_f64().unwrap_or(f64::NAN);
    if float.fract().abs() == 0.0 {
        // What is out of range becomes the nearest that is in it, where Go leaves it open.
        #[allow(clippy::cast_possible_truncation)]
        return Ok(float as i64);
    }
    Err(ConvertError::Number { from: "float64", to: schema.go_type() })
}

/// The low half of an integer, which is what Go keeps of one that is too large.
fn wrapped(integer: i64) -> i32 {
    #[allow(clippy::cast_possible_truncation)]
    let low = integer as i32;
    low
}

fn instant(precision: Precision, text: &str) -> Result<Value, ConvertError> {
    let time = time::parse(text, precision).map_err(DecodeError::from)?;
    Ok(Value::String(time::format(time, precision)))
}

/// The kind of a value as Go's reflection names it.
fn go_kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "invalid",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "slice",
        Value::Object(_) => "map",
    }
}

/// The type of a value as `encoding/json` names it.
fn json_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::schema::Definitions;

    fn converted(group: &str, kind: &str, tree: &Value) -> Result<Converted, ConvertError> {
        convert(Definitions::builtin().kind(group, "v1", kind).unwrap(), tree)
    }

    fn refusal(group: &str, kind: &str, tree: &Value) -> String {
        converted(group, kind, tree).unwrap_err().to_string()
    }

    #[test]
    fn what_does_not_fit_is_refused_in_the_words_of_the_converter() {
        let deployment =
            |replicas: Value| refusal("apps", "Deployment", &json!({"spec": {"replicas": replicas}}));
        assert_eq!(deployment(json!(2.5)), "cannot convert float64 to int32");
        assert_eq!(deployment(json!("3")), "unrecognized type: int32");
        assert_eq!(
            refusal("", "Secret", &json!({"data": {"j": "%%"}})),
            "error decoding from json: illegal base64 data at input byte 0"
        );
        assert_eq!(
            refusal(
                "networking.k8s.io",
                "NetworkPolicy",
                &json!({"spec": {"ingress": [{"ports": [{"port": true}]}]}})
            ),
            "json: cannot unmarshal bool into Go value of type int32"
        );
        assert_eq!(
            refusal("coordination.k8s.io", "Lease", &json!({"spec": {"renewTime": "yesterday"}})),
            "parsing time \"yesterday\" as \"2006-01-02T15:04:05.000000Z07:00\": cannot parse \"yesterday\" as \"2006\""
        );
        assert_eq!(
            refusal(
                "",
                "PersistentVolumeClaim",
                &json!({"spec": {"resources": {"requests": {"storage": "10GB"}}}})
            ),
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
        );
        assert_eq!(refusal("", "ConfigMap", &json!({"data": {"a": 1}})), "cannot convert int64 to string");
        assert_eq!(refusal("", "ConfigMap", &json!({"data": []})), "cannot restore map from slice");
        assert_eq!(refusal("", "Pod", &json!({"spec": "x"})), "cannot restore struct from: string");
        assert_eq!(refusal("", "Pod", &json!({"spec": {"containers": {}}})), "cannot restore slice from map");
    }

    #[test]
    fn zeros_that_mean_nothing_are_dropped_and_whole_floats_are_integers() {
        let tree = json!({"metadata": {"creationTimestamp": null}, "spec": {"hostNetwork": false,
            "terminationGracePeriodSeconds": 3.0, "containers": [{"name": "c", "env": [{"name": "A", "value": ""}]}]}});
        let Converted { object, unknown } = converted("", "Pod", &tree).unwrap();
        let expected = json!({"metadata": {}, "spec": {"terminationGracePeriodSeconds": 3,
            "containers": [{"name": "c", "env": [{"name": "A"}], "resources": {}}]}, "status": {}});
        assert_eq!((object, unknown), (expected, Vec::new()));
    }

    #[test]
    fn unknown_fields_are_told_in_alphabetical_order() {
        let tree = json!({"spec": {"template": {"spec": {"bar": 1}}, "foo": 1}});
        let told = converted("apps", "Deployment", &tree).unwrap().unknown;
        assert_eq!(told, [r#"unknown field "spec.foo""#, r#"unknown field "spec.template.spec.bar""#]);
    }
}
