//! From JSON to an object of a kind, as Go decodes into its types: wrong types are errors, unknown fields are dropped
//! and told, null is absent.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::GeneralPurpose;
use base64::engine::{DecodePaddingMode, GeneralPurposeConfig};
use podsec_go::quantity;
use serde_json::{Map, Number, Value};

use super::definitions::{Schema, Shape, Struct};
use super::error::{DecodeError, StrictCause, StrictError};
use super::time::{self, Precision};
use crate::codec::json::{self, Json, MAX_TREE_DEPTH};

/// An object that was decoded, and what strict field validation has against it.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded {
    /// The object: only fields that its kind has, none of them null or empty where that means absent, quantities and
    /// times in canonical form.
    pub object: Value,
    /// Unknown and duplicate fields in the order of the text, each once, 100 at most.
    pub strict: Vec<StrictError>,
}

/// Decodes a value of a schema.
///
/// # Errors
///
/// The first value, in the order of the text, that has the wrong type or form.
pub fn decode(schema: Schema<'_>, json: &Json<'_>) -> Result<Decoded, DecodeError> {
    let mut decoder = Decoder::default();
    let object = decoder.value(schema, json, None).unwrap_or(Value::Null);
    decoder.finish(object)
}

/// Decodes an object without a schema, as those of CustomResourceDefinitions: only duplicates can be wrong.
///
/// # Errors
///
/// When a number is too large.
pub fn decode_untyped(json: &Json<'_>) -> Result<Decoded, DecodeError> {
    if json.depth() > MAX_TREE_DEPTH {
        return Err(DecodeError::Depth);
    }
    let mut decoder = Decoder::default();
    decoder.duplicates(json);
    decoder.finish(json.to_value()?)
}

/// Decodes to the end, as Go does, and then tells the first error.
#[derive(Default)]
struct Decoder<'s> {
    /// How many values are being decoded, each within the one before.
    depth: usize,
    /// The place as strict errors name it: `spec.containers[0]`.
    path: String,
    /// The place as type errors name it: the innermost struct, and the fields that led there.
    go_struct: &'s str,
    fields: Vec<&'s str>,
    strict: Vec<StrictError>,
    seen: HashSet<StrictError>,
    error: Option<DecodeError>,
}

impl<'s> Decoder<'s> {
    fn finish(self, object: Value) -> Result<Decoded, DecodeError> {
        match self.error {
            Some(error) => Err(error),
            None => Ok(Decoded { object, strict: self.strict }),
        }
    }

    /// The decoded value; None when it is null or wrong. A struct or map that stands there twice is filled
    /// twice.
    fn value(&mut self, schema: Schema<'s>, json: &'s Json<'_>, earlier: Option<Value>) -> Option<Value> {
        self.depth += 1;
        let value = if self.depth > MAX_TREE_DEPTH {
            self.checked(Err(DecodeError::Depth))
        } else {
            self.value_of(schema, json, earlier)
        };
        self.depth -= 1;
        value
    }

    fn value_of(&mut self, schema: Schema<'s>, json: &'s Json<'_>, earlier: Option<Value>) -> Option<Value> {
        match (schema.shape(), json) {
            (_, Json::Null) => None,
            (Shape::Any, _) if self.depth + json.depth() > MAX_TREE_DEPTH => {
                self.checked(Err(DecodeError::Depth))
            }
            (Shape::Any, _) => self.checked(json.to_value()),
            (Shape::Struct(fields), Json::Object(members)) => {
                Some(self.fields(fields, members, members_of(earlier)))
            }
            (Shape::Map(values), Json::Object(members)) => {
                Some(self.map(values, members, members_of(earlier)))
            }
            (Shape::List(items), Json::Array(list)) => Some(self.list(items, list)),
            (Shape::Boolean, Json::Bool(flag)) => Some(Value::Bool(*flag)),
            (Shape::String | Shape::IntOrString, Json::String(text)) => {
                Some(Value::String(text.clone().into_owned()))
            }
            (Shape::Bytes, Json::String(text)) => self.checked(bytes(text)),
            (Shape::Integer32, Json::Number(text)) => {
                let number = text.parse::<i32>().map(Number::from).ok();
                number
                    .map(Value::Number)
                    .or_else(|| self.mistyped(format!("number {text}"), schema.go_type()))
            }
            (Shape::Integer64, Json::Number(text)) => {
                let number = text.parse::<i64>().map(Number::from).ok();
                number
                    .map(Value::Number)
                    .or_else(|| self.mistyped(format!("number {text}"), schema.go_type()))
            }
            (Shape::Number, Json::Number(text)) => match json::number(text) {
                Ok(number) => Some(Value::Number(number)),
                Err(_) => self.mistyped(format!("number {text}"), schema.go_type()),
            },
            (Shape::Time, _) => self.time(Precision::Seconds, json),
            (Shape::MicroTime, _) => self.time(Precision::Microseconds, json),
            (Shape::Quantity, _) => {
                let text = match json {
                    Json::String(text) => text.trim(),
                    Json::Number(text) => text,
                    _ => "not a quantity",
                };
                self.checked(quantity::canonical(text).map(Value::String))
            }
            (Shape::IntOrString, Json::Number(text)) => {
                let number = text.parse::<i32>().map(Value::from).ok();
                number.or_else(|| self.mistyped(format!("number {text}"), "int32".to_owned()))
            }
            (Shape::IntOrString, _) => self.mistyped(json.type_name().to_owned(), "int32".to_owned()),
            _ => self.mistyped(json.type_name().to_owned(), schema.go_type()),
        }
    }

    fn fields(
        &mut self,
        fields: Struct<'s>,
        members: &'s [(Cow<'_, str>, Json<'_>)],
        mut object: Map<String, Value>,
    ) -> Value {
        let outer = (self.go_struct, self.fields.len(), self.path.len());
        let mut names = HashSet::new();
        for (name, json) in members {
            let Some(schema) = fields.field(name) else {
                self.refuse(StrictCause::Unknown, name);
                continue;
            };
            if !names.insert(name) {
                self.refuse(StrictCause::Duplicate, name);
            }
            self.go_struct = fields.go_struct();
            self.fields.push(name);
            self.enter(name);
            let earlier = object.remove(name.as_ref());
            if let Some(value) = self.value(schema, json, earlier)
                && !(schema.absent_when_empty() && is_empty(&value))
            {
                object.insert(name.clone().into_owned(), value);
            }
            self.go_struct = outer.0;
            self.fields.truncate(outer.1);
            self.path.truncate(outer.2);
        }
        fields.complete(&mut object);
        Value::Object(object)
    }

    fn map(
        &mut self,
        values: Schema<'s>,
        members: &'s [(Cow<'_, str>, Json<'_>)],
        mut object: Map<String, Value>,
    ) -> Value {
        let outer = self.path.len();
        let mut names = HashSet::new();
        for (name, json) in members {
            if !names.insert(name) {
                self.refuse(StrictCause::Duplicate, name);
            }
            self.enter(name);
            let value = self.value(values, json, None).unwrap_or_else(|| zero(values.shape()));
            object.insert(name.clone().into_owned(), value);
            self.path.truncate(outer);
        }
        Value::Object(object)
    }

    fn list(&mut self, items: Schema<'s>, list: &'s [Json<'_>]) -> Value {
        let outer = self.path.len();
        let mut decoded = Vec::with_capacity(list.len());
        for (index, json) in list.iter().enumerate() {
            // Writing to a string does not fail.
            let _ = write!(self.path, "[{index}]");
            decoded.push(self.value(items, json, None).unwrap_or_else(|| zero(items.shape())));
            self.path.truncate(outer);
        }
        Value::Array(decoded)
    }

    fn time(&mut self, precision: Precision, json: &Json<'_>) -> Option<Value> {
        match json {
            Json::String(text) => self.checked(
                time::parse(text, precision).map(|time| Value::String(time::format(time, precision))),
            ),
            _ => self.mistyped(json.type_name().to_owned(), "string".to_owned()),
        }
    }

    /// Finds the duplicates in a value without a schema.
    fn duplicates(&mut self, json: &'s Json<'_>) {
        let outer = self.path.len();
        match json {
            Json::Object(members) => {
                let mut names = HashSet::new();
                for (name, value) in members {
                    if !names.insert(name) {
                        self.refuse(StrictCause::Duplicate, name);
                    }
                    self.enter(name);
                    self.duplicates(value);
                    self.path.truncate(outer);
                }
            }
            Json::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    let _ = write!(self.path, "[{index}]");
                    self.duplicates(item);
                    self.path.truncate(outer);
                }
            }
            _ => {}
        }
    }

    fn enter(&mut self, name: &str) {
        if !self.path.is_empty() {
            self.path.push('.');
        }
        self.path.push_str(name);
    }

    fn refuse(&mut self, cause: StrictCause, name: &str) {
        if self.strict.len() < STRICT_ERRORS {
            let dot = if self.path.is_empty() { "" } else { "." };
            let error = StrictError { cause, path: format!("{}{dot}{name}", self.path) };
            if self.seen.insert(error.clone()) {
                self.strict.push(error);
            }
        }
    }

    fn mistyped(&mut self, value: String, go_type: String) -> Option<Value> {
        let field = if self.fields.is_empty() {
            String::new()
        } else {
            format!("{}.{}", self.go_struct, self.fields.join("."))
        };
        self.checked(Err(DecodeError::Type { value, field, go_type }))
    }

    fn checked<E: Into<DecodeError>>(&mut self, value: Result<Value, E>) -> Option<Value> {
        value.map_err(|error| self.error.get_or_insert(error.into())).ok()
    }
}

fn members_of(earlier: Option<Value>) -> Map<String, Value> {
    if let Some(Value::Object(members)) = earlier { members } else { Map::new() }
}

/// What null is in a list or a map, which have no room for nothing.
pub(super) fn zero(shape: Shape<'_>) -> Value {
    match shape {
        Shape::Boolean => Value::Bool(false),
        Shape::Integer32 | Shape::Integer64 | Shape::Number | Shape::IntOrString => Value::from(0),
        Shape::String | Shape::Bytes => Value::String(String::new()),
        Shape::Quantity => Value::from("0"),
        Shape::Struct(fields) => {
            let mut object = Map::new();
            fields.complete(&mut object);
            Value::Object(object)
        }
        _ => Value::Null,
    }
}

pub(super) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(flag) => !flag,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
    }
}

/// Base64 as Go reads it, which skips line breaks, and as it writes it, without them.
pub(super) fn bytes(text: &str) -> Result<Value, DecodeError> {
    let lines: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    let decoded = BASE64.decode(&lines).map_err(|error| {
        DecodeError::Base64(match error {
            base64::DecodeError::InvalidByte(at, _) | base64::DecodeError::InvalidLastSymbol(at, _) => at,
            _ => lines.len() / 4 * 4,
        })
    })?;
    Ok(Value::String(BASE64.encode(decoded)))
}

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical),
);
/// More strict errors than this are not told.
const STRICT_ERRORS: usize = 100;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::schema::Definitions;
    use crate::schema::error::strict_message;
    use podsec_go::quantity::QuantityError;

    fn decoded(kind: &str, text: &str) -> Result<Decoded, DecodeError> {
        let group = if kind == "Deployment" { "apps" } else { "" };
        let json = json::parse(text.as_bytes()).unwrap();
        decode(Definitions::builtin().kind(group, "v1", kind).unwrap(), &json)
    }

    fn strict(kind: &str, text: &str) -> Vec<String> {
        decoded(kind, text).unwrap().strict.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn unknown_fields_are_told_in_the_order_of_the_text_and_dropped() {
        let text = r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"x"},
            "spec":{"containers":[{"name":"c","image":"x","foo":1}],"bar":2,"HostPID":true}}"#;
        let decoded = decoded("Pod", text).unwrap();
        assert_eq!(
            strict_message(&decoded.strict),
            "strict decoding error: unknown field \"spec.containers[0].foo\", unknown field \"spec.bar\", \
             unknown field \"spec.HostPID\""
        );
        let spec = json!({"containers": [{"name": "c", "image": "x", "resources": {}}]});
        assert_eq!(
            decoded.object,
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": spec, "status": {}})
        );
    }

    #[test]
    fn the_last_of_duplicates_counts_and_structs_and_maps_are_merged() {
        let text = r#"{"spec":{"containers":[{"name":"c","image":"x","image":"y","foo":1}]}}"#;
        assert_eq!(
            strict("Pod", text),
            [r#"duplicate field "spec.containers[0].image""#, r#"unknown field "spec.containers[0].foo""#]
        );
        let text = r#"{"metadata":{"labels":{"a":"1","a":"2"}},"spec":{"hostPID":true,"nodeName":"a"},
            "spec":{"nodeName":"b"},"metadata":{"labels":{"b":"3"}}}"#;
        assert_eq!(
            strict("Pod", text),
            [
                r#"duplicate field "metadata.labels.a""#,
                r#"duplicate field "spec""#,
                r#"duplicate field "metadata""#
            ]
        );
        assert_eq!(
            decoded("Pod", text).unwrap().object,
            json!({"metadata": {"labels": {"a": "2", "b": "3"}}, "spec": {"hostPID": true, "nodeName": "b"}, "status": {}})
        );
    }

    #[test]
    fn the_same_complaint_is_made_once_and_not_more_than_a_hundred() {
        assert_eq!(strict("Pod", r#"{"a":1,"a":2}"#), [r#"unknown field "a""#]);
        let many: Vec<String> = (0..200).map(|n| format!("\"f{n}\":1")).collect();
        assert_eq!(strict("Pod", &format!("{{{}}}", many.join(","))).len(), 100);
    }

    #[test]
    fn wrong_types_are_told_as_go_tells_them() {
        for (text, message) in [
            (
                r#"{"spec":{"containers":"x"}}"#,
                "string into Go struct field PodSpec.spec.containers of type []v1.Container",
            ),
            (r#"{"spec":"x"}"#, "string into Go struct field Pod.spec of type v1.PodSpec"),
            (r#"{"spec":[]}"#, "array into Go struct field Pod.spec of type v1.PodSpec"),
            (
                r#"{"spec":{"containers":[{"image":5}]}}"#,
                "number into Go struct field Container.spec.containers.image of type string",
            ),
            (
                r#"{"spec":{"containers":[{"imagePullPolicy":5}]}}"#,
                "number into Go struct field Container.spec.containers.imagePullPolicy of type v1.PullPolicy",
            ),
            (
                r#"{"spec":{"containers":[{"securityContext":{"privileged":"true"}}]}}"#,
                "string into Go struct field SecurityContext.spec.containers.securityContext.privileged of type bool",
            ),
            (
                r#"{"spec":{"securityContext":{"runAsUser":1.5}}}"#,
                "number 1.5 into Go struct field PodSecurityContext.spec.securityContext.runAsUser of type int64",
            ),
            (
                r#"{"spec":{"securityContext":{"runAsUser":9223372036854775808}}}"#,
                "number 9223372036854775808 into Go struct field \
                 PodSecurityContext.spec.securityContext.runAsUser of type int64",
            ),
            (
                r#"{"spec":{"priority":2147483648}}"#,
                "number 2147483648 into Go struct field PodSpec.spec.priority of type int32",
            ),
            (
                r#"{"metadata":{"labels":{"a":1}}}"#,
                "number into Go struct field ObjectMeta.metadata.labels of type string",
            ),
            (
                r#"{"metadata":{"labels":["a"]}}"#,
                "array into Go struct field ObjectMeta.metadata.labels of type map[string]string",
            ),
            (
                r#"{"metadata":{"creationTimestamp":5}}"#,
                "number into Go struct field ObjectMeta.metadata.creationTimestamp of type string",
            ),
            (
                r#"{"spec":{"containers":[{"livenessProbe":{"httpGet":{"port":true}}}]}}"#,
                "bool into Go struct field \
                 HTTPGetAction.spec.containers.livenessProbe.httpGet.port of type int32",
            ),
            (
                r#"{"spec":{"containers":[{"securityContext":{"capabilities":{"add":[1]}}}]}}"#,
                "number into Go struct field \
                 Capabilities.spec.containers.securityContext.capabilities.add of type v1.Capability",
            ),
            ("[]", "array into Go value of type v1.Pod"),
        ] {
            let error = decoded("Pod", text).unwrap_err();
            assert_eq!(error.to_string(), format!("json: cannot unmarshal {message}"), "{text}");
        }
    }

    #[test]
    fn the_first_wrong_value_is_told_and_no_strict_error() {
        let text = r#"{"spec":{"foo":1,"hostPID":1,"containers":"x"}}"#;
        assert_eq!(
            decoded("Pod", text).unwrap_err().to_string(),
            "json: cannot unmarshal number into Go struct field PodSpec.spec.hostPID of type bool"
        );
    }

    #[test]
    fn values_with_a_form_of_their_own_are_checked_and_made_canonical() {
        let text = r#"{"metadata":{"creationTimestamp":"2024-01-01T01:00:00+01:00"},"spec":{"containers":[
            {"resources":{"limits":{"cpu":0.5,"memory":" 1024Mi "}},"readinessProbe":{"httpGet":{"port":"web"}}}]}}"#;
        let container = json!({
            "resources": {"limits": {"cpu": "500m", "memory": "1Gi"}},
            "readinessProbe": {"httpGet": {"port": "web"}},
        });
        assert_eq!(
            decoded("Pod", text).unwrap().object,
            json!({
                "metadata": {"creationTimestamp": "2024-01-01T00:00:00Z"},
                "spec": {"containers": [container]}, "status": {}
            })
        );
        let limits = r#"{"spec":{"containers":[{"resources":{"limits":{"cpu":true}}}]}}"#;
        assert_eq!(decoded("Pod", limits), Err(DecodeError::Quantity(QuantityError::Format)));
        let time = decoded("Pod", r#"{"metadata":{"creationTimestamp":"now"}}"#).unwrap_err();
        assert_eq!(
            time.to_string(),
            "parsing time \"now\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"now\" as \"2006\""
        );
    }

    #[test]
    fn bytes_are_base64() {
        let secret = |data: &str| decoded("Secret", &format!(r#"{{"data":{{"a":{data}}}}}"#));
        assert_eq!(
            secret(r#""aGVs\nbG8=""#).unwrap().object,
            json!({"data": {"a": "aGVsbG8="}, "metadata": {}})
        );
        assert_eq!(secret(r#""aGV$""#), Err(DecodeError::Base64(3)));
        assert_eq!(secret(r#""aGVsbG8""#), Err(DecodeError::Base64(4)));
    }

    #[test]
    fn null_is_absent_but_empty_where_absence_has_no_place() {
        let text = r#"{"metadata":{"labels":{"a":null},"annotations":null},"spec":{"containers":[null],"hostPID":null}}"#;
        assert_eq!(
            decoded("Pod", text).unwrap().object,
            json!({"metadata": {"labels": {"a": ""}}, "spec": {"containers": [{"resources": {}}]}, "status": {}})
        );
    }

    #[test]
    fn empty_is_absent_where_go_cannot_tell() {
        let text = r#"{"metadata":{"labels":{}},"spec":{"hostPID":false,"nodeName":"","securityContext":{"runAsUser":0},
            "containers":[{"name":"","command":[],"securityContext":{"privileged":false},"resources":{}}],
            "volumes":[{"emptyDir":{"medium":""}}]}}"#;
        let container = json!({"name": "", "resources": {}, "securityContext": {"privileged": false}});
        let spec = json!({
            "containers": [container],
            "securityContext": {"runAsUser": 0},
            "volumes": [{"emptyDir": {}}],
        });
        assert_eq!(decoded("Pod", text).unwrap().object, json!({"metadata": {}, "spec": spec, "status": {}}));
    }

    #[test]
    fn structs_that_are_no_pointers_are_there_and_their_times_are_null() {
        let pod =
            decoded("Pod", r#"{"status":{"conditions":[{"type":"Ready","status":"True"}]}}"#).unwrap().object;
        let condition =
            json!({"type": "Ready", "status": "True", "lastProbeTime": null, "lastTransitionTime": null});
        assert_eq!(pod, json!({"metadata": {}, "spec": {}, "status": {"conditions": [condition]}}));
        let deployment = decoded("Deployment", r#"{"spec":{}}"#).unwrap().object;
        let spec = json!({"strategy": {}, "template": {"metadata": {}, "spec": {}}});
        assert_eq!(deployment, json!({"metadata": {}, "spec": spec, "status": {}}));
    }

    #[test]
    fn objects_without_a_schema_keep_everything_and_tell_duplicates() {
        let json = json::parse(br#"{"spec":{"a":[{"x":1,"x":2}]},"n":null}"#).unwrap();
        let decoded = decode_untyped(&json).unwrap();
        assert_eq!(decoded.object, json!({"spec": {"a": [{"x": 2}]}, "n": null}));
        assert_eq!(
            strict_message(&decoded.strict),
            r#"strict decoding error: duplicate field "spec.a[0].x""#
        );
        assert!(decode_untyped(&Json::Number("1e999")).is_err());
    }
}
