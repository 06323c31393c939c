//! Protobuf answers: an object as the message of its kind, in the `k8s\0` envelope.
//!
//! Written as Kubernetes' generated encoders write: fields by their numbers, each scalar that is no pointer even when it is
//! zero, maps by their keys.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::protobuf::message_name;
use super::protobuf_error::ProtobufError;
use crate::schema::messages::{self, Field, FieldShape, Type};

/// Encodes an object, or a list of objects, with its envelope.
///
/// # Errors
/// [`ProtobufError::Unregistered`] for a kind without a message.
pub fn encode(object: &Value) -> Result<Vec<u8>, ProtobufError> {
    let text = |field: &str| object.get(field).and_then(Value::as_str).unwrap_or_default();
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let mut raw = Writer::default();
    match (group, kind.strip_suffix("List")) {
        ("", _) if kind == "Status" => raw.status(object),
        (_, Some(item)) if object.get("items").is_some() => {
            raw.list(object, &message_name(group, version, item))?;
        }
        _ => raw.message(&message_name(group, version, kind), object)?,
    }
    let mut type_meta = Writer::default();
    type_meta.text(1, api_version);
    type_meta.text(2, kind);
    let mut unknown = Writer::default();
    unknown.bytes(1, &type_meta.0);
    unknown.bytes(2, &raw.0);
    unknown.text(3, "");
    unknown.text(4, "");
    let mut body = super::protobuf::PREFIX.to_vec();
    body.append(&mut unknown.0);
    Ok(body)
}

/// A message as it is written.
#[derive(Default)]
struct Writer(Vec<u8>);

impl Writer {
    fn varint(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        self.0.push(number.to_le_bytes()[0]);
    }

    fn tag(&mut self, number: u32, wire_type: u8) {
        self.varint(u64::from(number) << 3 | u64::from(wire_type));
    }

    fn integer(&mut self, number: u32, value: i64) {
        self.tag(number, 0);
        self.varint(value.cast_unsigned());
    }

    fn bytes(&mut self, number: u32, bytes: &[u8]) {
        self.tag(number, 2);
        self.varint(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        self.0.extend_from_slice(bytes);
    }

    fn text(&mut self, number: u32, text: &str) {
        self.bytes(number, text.as_bytes());
    }

    /// The fields of a message, in the order of their numbers.
    fn message(&mut self, name: &str, value: &Value) -> Result<(), ProtobufError> {
        let fields = messages::fields(name).ok_or_else(|| ProtobufError::Unregistered(name.to_owned()))?;
        let none = Map::new();
        let members = value.as_object().unwrap_or(&none);
        for field in fields {
            match (field.shape, field.value) {
                // The fields of an inlined struct stand beside the others in JSON.
                (FieldShape::Single, Type::Message(inlined)) if field.name.is_empty() => {
                    let mut inner = Self::default();
                    inner.message(inlined, value)?;
                    self.bytes(field.number, &inner.0);
                }
                _ => self.field(field, members.get(field.name).unwrap_or(&Value::Null))?,
            }
        }
        Ok(())
    }

    fn field(&mut self, field: &Field, value: &Value) -> Result<(), ProtobufError> {
        match field.shape {
            FieldShape::Single
                if value.is_null() && (field.pointer || matches!(field.value, Type::Bytes)) => {}
            FieldShape::Single => self.value(field.number, field.value, value)?,
            FieldShape::List => {
                for item in value.as_array().into_iter().flatten() {
                    self.value(field.number, field.value, item)?;
                }
            }
            FieldShape::Map | FieldShape::MapOfLists => {
                for (key, value) in value.as_object().into_iter().flatten() {
                    let mut entry = Self::default();
                    entry.text(1, key);
                    if field.shape == FieldShape::MapOfLists {
                        let mut list = Self::default();
                        let items = value.as_array().into_iter().flatten();
                        items.for_each(|item| list.text(1, item.as_str().unwrap_or_default()));
                        entry.bytes(2, &list.0);
                    } else {
                        entry.value(2, field.value, value)?;
                    }
                    self.bytes(field.number, &entry.0);
                }
            }
        }
        Ok(())
    }

    fn value(&mut self, number: u32, of: Type, value: &Value) -> Result<(), ProtobufError> {
        let text = || value.as_str().unwrap_or_default();
        match of {
            Type::String => self.text(number, text()),
            Type::Bytes => self.bytes(number, &STANDARD.decode(text()).unwrap_or_default()),
            Type::Bool => self.integer(number, i64::from(value.as_bool().unwrap_or_default())),
            Type::Int32 | Type::Int64 => self.integer(number, value.as_i64().unwrap_or_default()),
            Type::Double => {
                self.tag(number, 1);
                self.0.extend_from_slice(&value.as_f64().unwrap_or_default().to_bits().to_le_bytes());
            }
            Type::Message(name) => {
                let mut inner = Self::default();
                if !inner.special(name, value)? {
                    inner.message(name, value)?;
                }
                self.bytes(number, &inner.0);
            }
        }
        Ok(())
    }

    /// Writes one of the messages whose JSON is not an object of their fields; false for all others.
    fn special(&mut self, name: &str, value: &Value) -> Result<bool, ProtobufError> {
        match name {
            "api.resource.Quantity" => self.text(1, value.as_str().unwrap_or("0")),
            "apis.meta.v1.Time" | "apis.meta.v1.MicroTime" => {
                let time = value.as_str().and_then(|text| text.parse::<jiff::Timestamp>().ok());
                if let Some(time) = time {
                    // Go counts nanoseconds upwards, also before 1970.
                    let nanoseconds = i64::from(time.subsec_nanosecond());
                    let borrow = i64::from(nanoseconds < 0);
                    self.integer(1, time.as_second() - borrow);
                    self.integer(2, nanoseconds + borrow * 1_000_000_000);
                }
            }
            "apis.meta.v1.FieldsV1" | "runtime.RawExtension" | "apiextensions.v1.JSON" => {
                if !value.is_null() {
                    self.text(1, &value.to_string());
                }
            }
            "util.intstr.IntOrString" => {
                self.integer(1, i64::from(value.is_string()));
                self.integer(2, value.as_i64().unwrap_or_default());
                self.text(3, value.as_str().unwrap_or_default());
            }
            "apiextensions.v1.JSONSchemaPropsOrArray" => match value {
                Value::Array(schemas) => {
                    schemas.iter().try_for_each(|schema| self.value(2, SCHEMA, schema))?;
                }
                schema => self.value(1, SCHEMA, schema)?,
            },
            "apiextensions.v1.JSONSchemaPropsOrBool" => match value {
                Value::Bool(allows) => self.integer(1, i64::from(*allows)),
                schema => {
                    self.integer(1, 1);
                    self.value(2, SCHEMA, schema)?;
                }
            },
            "apiextensions.v1.JSONSchemaPropsOrStringArray" => match value {
                Value::Array(names) => {
                    for name in names {
                        self.text(2, name.as_str().unwrap_or_default());
                    }
                }
                schema => self.value(1, SCHEMA, schema)?,
            },
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// A list: its metadata, then its items.
    fn list(&mut self, list: &Value, item: &str) -> Result<(), ProtobufError> {
        let metadata = list.get("metadata").unwrap_or(&Value::Null);
        let mut inner = Self::default();
        inner.list_meta(metadata);
        self.bytes(1, &inner.0);
        self.items(list, item)
    }

    fn items(&mut self, list: &Value, item: &str) -> Result<(), ProtobufError> {
        let items = list.get("items").and_then(Value::as_array).into_iter().flatten();
        for object in items {
            let mut inner = Self::default();
            inner.message(item, object)?;
            self.bytes(2, &inner.0);
        }
        Ok(())
    }

    fn list_meta(&mut self, metadata: &Value) {
        let text = |field: &str| metadata.get(field).and_then(Value::as_str).unwrap_or_default();
        self.text(1, text("selfLink"));
        self.text(2, text("resourceVersion"));
        self.text(3, text("continue"));
        if let Some(count) = metadata.get("remainingItemCount").and_then(Value::as_i64) {
            self.integer(4, count);
        }
    }

    /// `metav1.Status`, which is never stored and has no line among the messages.
    fn status(&mut self, status: &Value) {
        let text =
            |of: &Value, field: &str| of.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        let number = |of: &Value, field: &str| of.get(field).and_then(Value::as_i64).unwrap_or_default();
        let mut metadata = Self::default();
        metadata.list_meta(status.get("metadata").unwrap_or(&Value::Null));
        self.bytes(1, &metadata.0);
        for (index, field) in (2..).zip(["status", "message", "reason"]) {
            self.text(index, &text(status, field));
        }
        if let Some(given) = status.get("details").filter(|details| details.is_object()) {
            let mut details = Self::default();
            for (index, field) in (1..).zip(["name", "group", "kind"]) {
                details.text(index, &text(given, field));
            }
            for given in given.get("causes").and_then(Value::as_array).into_iter().flatten() {
                let mut cause = Self::default();
                for (index, field) in (1..).zip(["reason", "message", "field"]) {
                    cause.text(index, &text(given, field));
                }
                details.bytes(4, &cause.0);
            }
            details.integer(5, number(given, "retryAfterSeconds"));
            details.text(6, &text(given, "uid"));
            self.bytes(5, &details.0);
        }
        self.integer(6, number(status, "code"));
    }
}

const SCHEMA: Type = Type::Message("apiextensions.v1.JSONSchemaProps");

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::codec::protobuf::{Unknown, decode};

    #[test]
    fn a_namespace_is_what_kubectl_sends() {
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "t132"}, "spec": {}, "status": {}});
        assert_eq!(
            STANDARD.encode(encode(&namespace).unwrap()),
            "azhzAAoPCgJ2MRIJTmFtZXNwYWNlEhwKFAoEdDEzMhIAGgAiACoAMgA4AEIAEgAaAgoAGgAiAA=="
        );
    }

    #[test]
    fn what_is_encoded_is_decoded_again() {
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "p", "labels": {"a": "b"}, "creationTimestamp": "2026-01-02T03:04:05Z"},
            "spec": {"containers": [{
                "name": "c", "resources": {"limits": {"cpu": "500m"}}, "securityContext": {"privileged": false},
                "readinessProbe": {"httpGet": {"port": "web"}, "periodSeconds": 5},
            }], "terminationGracePeriodSeconds": 0},
            "status": {},
        });
        let body = encode(&pod).unwrap();
        let unknown = Unknown::parse(&body).unwrap();
        let mut decoded = decode("", "v1", "Pod", unknown.raw).unwrap();
        decoded.insert("apiVersion".to_owned(), unknown.api_version.into());
        decoded.insert("kind".to_owned(), unknown.kind.into());
        assert_eq!(Value::Object(decoded), pod);
    }

    #[test]
    fn a_kind_without_a_message_is_told() {
        let widget = json!({"apiVersion": "example.com/v1", "kind": "Widget"});
        assert!(matches!(encode(&widget), Err(ProtobufError::Unregistered(_))));
    }
}
