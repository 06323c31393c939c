//! Protobuf request bodies: the `k8s\0` envelope and the object in it, as JSON.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::json;
use super::protobuf_error::ProtobufError;
use super::wire::{Reader, Scalar};
use crate::schema::messages::{self, Field, FieldShape, Type};
use crate::schema::time::{self, Precision};
use podsec_go::quantity;

/// `runtime.Unknown`: the envelope around an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unknown<'a> {
    /// The object's `apiVersion`; may be empty.
    pub api_version: String,
    /// The object's `kind`; may be empty.
    pub kind: String,
    /// The object's own message.
    pub raw: &'a [u8],
}

impl<'a> Unknown<'a> {
    /// Opens the envelope.
    ///
    /// # Errors
    ///
    /// When the prefix is missing or what follows is no protobuf.
    pub fn parse(body: &'a [u8]) -> Result<Self, ProtobufError> {
        let mut unknown = Self::default();
        let mut reader = Reader::new(body.strip_prefix(PREFIX).ok_or(ProtobufError::Prefix)?);
        while let Some((number, scalar)) = reader.next()? {
            match (number, scalar) {
                (1, Scalar::Bytes(type_meta)) => {
                    let mut reader = Reader::new(type_meta);
                    while let Some((number, scalar)) = reader.next()? {
                        match (number, scalar) {
                            (1, Scalar::Bytes(text)) => unknown.api_version = string(text),
                            (2, Scalar::Bytes(text)) => unknown.kind = string(text),
                            _ => {}
                        }
                    }
                }
                (2, Scalar::Bytes(raw)) => unknown.raw = raw,
                _ => {}
            }
        }
        Ok(unknown)
    }
}

/// Whether objects of the kind can be decoded.
pub fn knows(group: &str, version: &str, kind: &str) -> bool {
    messages::fields(&message_name(group, version, kind)).is_some()
}

/// Decodes the message of a kind into its JSON, without `apiVersion` and `kind`. Unknown fields are skipped.
///
/// # Errors
///
/// When the bytes are not a message of the kind, or the kind is not known.
pub fn decode(
    group: &str,
    version: &str,
    kind: &str,
    raw: &[u8],
) -> Result<Map<String, Value>, ProtobufError> {
    message(&message_name(group, version, kind), raw, Map::new(), 0)
}

/// The message of a kind: `rbac.v1.Role`, `core.v1.Pod`. Options belong to no group, or to all.
pub(super) fn message_name(group: &str, version: &str, kind: &str) -> String {
    match (kind, group.split_once('.').map_or(group, |(first, _)| first)) {
        ("DeleteOptions", _) => "apis.meta.v1.DeleteOptions".to_owned(),
        (_, "") => format!("core.{version}.{kind}"),
        (_, first) => format!("{first}.{version}.{kind}"),
    }
}

/// Reads a message on top of what an earlier part of it said.
fn message(
    name: &str,
    bytes: &[u8],
    mut object: Map<String, Value>,
    depth: usize,
) -> Result<Map<String, Value>, ProtobufError> {
    let fields = messages::fields(name).ok_or_else(|| ProtobufError::Unregistered(name.to_owned()))?;
    if depth == MAX_DEPTH {
        return Err(ProtobufError::Depth);
    }
    let mut reader = Reader::new(bytes);
    while let Some((number, scalar)) = reader.next()? {
        if let Some(field) = fields.iter().find(|field| field.number == number) {
            object = field.read(scalar, object, depth)?;
        }
    }
    Ok(object)
}

impl Field {
    fn read(
        &self,
        scalar: Scalar<'_>,
        mut object: Map<String, Value>,
        depth: usize,
    ) -> Result<Map<String, Value>, ProtobufError> {
        let mismatch = ProtobufError::WrongWireType { wire_type: scalar.wire_type(), field: self.name };
        match (self.shape, self.value, scalar) {
            (FieldShape::Single, Type::Message(inlined), Scalar::Bytes(bytes)) if self.name.is_empty() => {
                object = message(inlined, bytes, object, depth)?;
            }
            (FieldShape::Single, _, scalar) => {
                let earlier = object.remove(self.name);
                let value = self.value.read(scalar, earlier, depth + 1)?.ok_or(mismatch)?;
                if !(value.is_null() || self.omit_zero && is_zero(&value)) {
                    object.insert(self.name.to_owned(), value);
                }
            }
            (FieldShape::List, value, scalar) => {
                let list = object.entry(self.name).or_insert_with(|| Value::Array(Vec::new()));
                let Value::Array(items) = list else { return Err(mismatch) };
                match (value, scalar) {
                    // Numbers may come packed, which the generated decoders accept too.
                    (Type::Int32 | Type::Int64 | Type::Bool, Scalar::Bytes(packed)) => {
                        let mut reader = Reader::new(packed);
                        while !reader.is_empty() {
                            let number = Scalar::Varint(reader.varint()?);
                            items.push(value.read(number, None, depth)?.ok_or_else(|| mismatch.clone())?);
                        }
                    }
                    _ => items.push(value.read(scalar, None, depth + 2)?.ok_or(mismatch)?),
                }
            }
            (FieldShape::Map | FieldShape::MapOfLists, _, Scalar::Bytes(entry)) => {
                let (key, value) = self.entry(entry, depth)?;
                let map = object.entry(self.name).or_insert_with(|| Value::Object(Map::new()));
                let Value::Object(members) = map else { return Err(mismatch) };
                members.insert(key, value);
            }
            _ => return Err(mismatch),
        }
        Ok(object)
    }

    fn entry(&self, bytes: &[u8], depth: usize) -> Result<(String, Value), ProtobufError> {
        let mut key = String::new();
        let mut value = None;
        let mut reader = Reader::new(bytes);
        while let Some((number, scalar)) = reader.next()? {
            match (number, scalar) {
                (1, Scalar::Bytes(text)) => key = string(text),
                (2, Scalar::Bytes(list)) if self.shape == FieldShape::MapOfLists => {
                    value = Some(strings(list)?);
                }
                (2, scalar) => {
                    let mismatch =
                        ProtobufError::WrongWireType { wire_type: scalar.wire_type(), field: self.name };
                    value = Some(self.value.read(scalar, None, depth + 2)?.ok_or(mismatch)?);
                }
                _ => {}
            }
        }
        Ok((key, value.unwrap_or_else(|| self.value.zero())))
    }
}

impl Type {
    /// The JSON of one value: null for a time that is not set, None when the encoding is another type's.
    fn read(
        self,
        scalar: Scalar<'_>,
        earlier: Option<Value>,
        depth: usize,
    ) -> Result<Option<Value>, ProtobufError> {
        Ok(match (self, scalar) {
            (Self::String, Scalar::Bytes(text)) => Some(Value::String(string(text))),
            (Self::Bytes, Scalar::Bytes(bytes)) => Some(Value::String(STANDARD.encode(bytes))),
            (Self::Bool, Scalar::Varint(number)) => Some(Value::Bool(number != 0)),
            (Self::Int32, Scalar::Varint(number)) => Some(Value::from(int32(number))),
            (Self::Int64, Scalar::Varint(number)) => Some(Value::from(number.cast_signed())),
            (Self::Double, Scalar::Fixed64(bits)) => Some(Value::from(f64::from_bits(bits))),
            (Self::Message(name), Scalar::Bytes(bytes)) => {
                Some(special(name, bytes, depth).unwrap_or_else(|| {
                    let earlier =
                        if let Some(Value::Object(members)) = earlier { members } else { Map::new() };
                    message(name, bytes, earlier, depth).map(Value::Object)
                })?)
            }
            _ => None,
        })
    }

    fn zero(self) -> Value {
        match self {
            Self::String | Self::Bytes => Value::String(String::new()),
            Self::Bool => Value::Bool(false),
            Self::Int32 | Self::Int64 | Self::Double => Value::from(0),
            Self::Message("api.resource.Quantity") => Value::from("0"),
            Self::Message(_) => Value::Object(Map::new()),
        }
    }
}

/// The messages whose JSON is not an object of their fields. None for all others.
fn special(name: &str, bytes: &[u8], depth: usize) -> Option<Result<Value, ProtobufError>> {
    Some(match name {
        "api.resource.Quantity" => quantity(bytes),
        "apis.meta.v1.Time" => time(bytes, Precision::Seconds),
        "apis.meta.v1.MicroTime" => time(bytes, Precision::Microseconds),
        "apis.meta.v1.FieldsV1" | "runtime.RawExtension" | "apiextensions.v1.JSON" => raw(bytes),
        "util.intstr.IntOrString" => int_or_string(bytes),
        "apiextensions.v1.JSONSchemaPropsOrArray"
        | "apiextensions.v1.JSONSchemaPropsOrBool"
        | "apiextensions.v1.JSONSchemaPropsOrStringArray" => either(name, bytes, depth),
        _ => return None,
    })
}

fn quantity(bytes: &[u8]) -> Result<Value, ProtobufError> {
    let mut text = String::new();
    let mut reader = Reader::new(bytes);
    while let Some((number, scalar)) = reader.next()? {
        if let (1, Scalar::Bytes(bytes)) = (number, scalar) {
            text = string(bytes);
        }
    }
    Ok(Value::String(if text.is_empty() { "0".to_owned() } else { quantity::canonical(&text)? }))
}

/// An empty message is a time that is not set.
fn time(bytes: &[u8], precision: Precision) -> Result<Value, ProtobufError> {
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    let (mut seconds, mut nanoseconds) = (0, 0);
    let mut reader = Reader::new(bytes);
    while let Some((number, scalar)) = reader.next()? {
        match (number, scalar) {
            (1, Scalar::Varint(number)) => seconds = number.cast_signed(),
            (2, Scalar::Varint(number)) => nanoseconds = int32(number),
            _ => {}
        }
    }
    let time = Timestamp::new(seconds, nanoseconds).map_err(|_| ProtobufError::Time)?;
    Ok(Value::String(time::format(time, precision)))
}

/// JSON kept as its text.
fn raw(bytes: &[u8]) -> Result<Value, ProtobufError> {
    let mut text: &[u8] = b"null";
    let mut reader = Reader::new(bytes);
    while let Some((number, scalar)) = reader.next()? {
        if let (1, Scalar::Bytes(bytes)) = (number, scalar)
            && !bytes.is_empty()
        {
            text = bytes;
        }
    }
    Ok(json::parse_tree(text)?)
}

fn int_or_string(bytes: &[u8]) -> Result<Value, ProtobufError> {
    let (mut is_string, mut integer, mut text) = (false, 0, String::new());
    let mut reader = Reader::new(bytes);
    while let Some((number, scalar)) = reader.next()? {
        match (number, scalar) {
            (1, Scalar::Varint(number)) => is_string = number != 0,
            (2, Scalar::Varint(number)) => integer = int32(number),
            (3, Scalar::Bytes(bytes)) => text = string(bytes),
            _ => {}
        }
    }
    Ok(if is_string { Value::String(text) } else { Value::from(integer) })
}

/// A schema, or what may stand in its place.
fn either(name: &str, bytes: &[u8], depth: usize) -> Result<Value, ProtobufError> {
    let mut parts = message(name, bytes, Map::new(), depth)?;
    let or = match name {
        "apiextensions.v1.JSONSchemaPropsOrArray" => parts.remove("jsonSchemas"),
        "apiextensions.v1.JSONSchemaPropsOrBool" => parts.remove("allows").or(Some(Value::Bool(false))),
        _ => parts.remove("property"),
    };
    Ok(parts.remove("schema").or(or).unwrap_or_default())
}

/// A message whose field 1 is a list of strings.
fn strings(bytes: &[u8]) -> Result<Value, ProtobufError> {
    let mut items = Vec::new();
    let mut reader = Reader::new(bytes);
    while let Some((number, scalar)) = reader.next()? {
        if let (1, Scalar::Bytes(text)) = (number, scalar) {
            items.push(Value::String(string(text)));
        }
    }
    Ok(Value::Array(items))
}

fn string(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The low half of a number: negative ones come as ten bytes.
fn int32(number: u64) -> i32 {
    let [a, b, c, d, ..] = number.to_le_bytes();
    i32::from_le_bytes([a, b, c, d])
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::Bool(flag) => !flag,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}

/// How deep messages may nest; of Kubernetes' own only schemas nest at all.
const MAX_DEPTH: usize = 120;

/// The first bytes of every body.
pub(super) const PREFIX: &[u8] = b"k8s\0";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::schema::Catalog;

    fn body(text: &str) -> Vec<u8> {
        STANDARD.decode(text).unwrap()
    }

    #[test]
    fn a_namespace_is_decoded_from_what_kubectl_sends() {
        let body = body("azhzAAoPCgJ2MRIJTmFtZXNwYWNlEhwKFAoEdDEzMhIAGgAiACoAMgA4AEIAEgAaAgoAGgAiAA==");
        let unknown = Unknown::parse(&body).unwrap();
        assert_eq!((unknown.api_version.as_str(), unknown.kind.as_str()), ("v1", "Namespace"));
        let object = decode("", "v1", "Namespace", unknown.raw).unwrap();
        let expected = json!({"metadata": {"name": "t132"}, "spec": {}, "status": {}});
        assert_eq!(Value::Object(object), expected);
    }

    #[test]
    fn every_served_kind_can_be_decoded() {
        for resource in Catalog::builtin().resources() {
            assert!(knows(&resource.group, &resource.version, &resource.kind), "{resource:?}");
        }
        for (group, kind) in [("", "DeleteOptions"), ("apps", "DeleteOptions"), ("policy", "Eviction")] {
            assert!(knows(group, "v1", kind), "{kind}");
        }
    }

    #[test]
    fn zero_is_kept_where_it_differs_from_absence() {
        let options = decode("", "v1", "DeleteOptions", &[8, 0]).unwrap();
        assert_eq!(Value::Object(options), json!({"gracePeriodSeconds": 0}));
        // replicas: -1 as ten bytes, then minReadySeconds: 0.
        let mut spec = vec![8];
        spec.extend([0xff; 9]);
        spec.extend([1, 40, 0]);
        let spec = message("apps.v1.DeploymentSpec", &spec, Map::new(), 0).unwrap();
        assert_eq!(Value::Object(spec), json!({"replicas": -1}));
    }

    #[test]
    fn an_inlined_struct_stands_flat_and_a_repeated_message_is_merged() {
        // name, then VolumeSource.emptyDir twice: medium and sizeLimit.
        let volume = b"\x0a\x01v\x12\x09\x12\x07\x0a\x05Disk!\x12\x09\x12\x07\x12\x05\x0a\x03500";
        let volume = message("core.v1.Volume", volume, Map::new(), 0).unwrap();
        let empty_dir = json!({"medium": "Disk!", "sizeLimit": "500"});
        assert_eq!(Value::Object(volume), json!({"name": "v", "emptyDir": empty_dir}));
    }

    #[test]
    fn values_with_a_form_of_their_own_become_their_json() {
        assert_eq!(int_or_string(&[8, 0, 16, 80, 26, 0]), Ok(json!(80)));
        assert_eq!(int_or_string(b"\x08\x01\x10\x00\x1a\x03web"), Ok(json!("web")));
        assert_eq!(quantity(b"\x0a\x051000m"), Ok(json!("1")));
        assert_eq!(time(b"", Precision::Seconds), Ok(Value::Null));
        assert_eq!(time(&[8, 60, 16, 0], Precision::Seconds), Ok(json!("1970-01-01T00:01:00Z")));
        assert_eq!(raw(b"\x0a\x07{\"a\":1}"), Ok(json!({"a": 1})));
        let bool_schema = special("apiextensions.v1.JSONSchemaPropsOrBool", &[8, 1], 0);
        assert_eq!(bool_schema, Some(Ok(json!(true))));
        let secret = decode("", "v1", "Secret", b"\x12\x0a\x0a\x01a\x12\x05hello").unwrap();
        assert_eq!(Value::Object(secret), json!({"data": {"a": "aGVsbG8="}}));
        let extra = b"\x2a\x0c\x0a\x01k\x12\x07\x0a\x01a\x0a\x02bc";
        let review = message("authorization.v1.SubjectAccessReviewSpec", extra, Map::new(), 0).unwrap();
        assert_eq!(Value::Object(review), json!({"extra": {"k": ["a", "bc"]}}));
    }

    #[test]
    fn garbage_is_refused_in_upstreams_words() {
        let parse = |body: &[u8]| Unknown::parse(body).unwrap_err().to_string();
        assert_eq!(parse(b"k8s\0garbage"), "proto: illegal wireType 7");
        assert_eq!(
            parse(b"garbage"),
            "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]"
        );
        assert_eq!(parse(b"k8s\0\x0a\x7f"), "unexpected EOF");
        assert_eq!(parse(b"k8s\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), "proto: integer overflow");
        let pod = |raw: &[u8]| decode("", "v1", "Pod", raw).unwrap_err().to_string();
        assert_eq!(pod(&[8, 1]), "proto: wrong wireType = 0 for field metadata");
        assert_eq!(
            decode("example.com", "v1", "Widget", b""),
            Err(ProtobufError::Unregistered("example.v1.Widget".to_owned()))
        );
    }

    #[test]
    fn messages_that_nest_without_end_are_refused() {
        let mut schema = Vec::new();
        for _ in 0..200 {
            let mut outer = vec![0xe2, 1]; // field 28, `not`, is a schema
            let mut length = schema.len();
            while length >= 0x80 {
                outer.push(u8::try_from(length & 0x7f).unwrap() | 0x80);
                length >>= 7;
            }
            outer.push(u8::try_from(length).unwrap());
            outer.extend(&schema);
            schema = outer;
        }
        let nested = message("apiextensions.v1.JSONSchemaProps", &schema, Map::new(), 0);
        assert_eq!(nested, Err(ProtobufError::Depth));
    }

    proptest! {
        #[test]
        fn any_bytes_are_decoded_or_refused(raw in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Unknown::parse(&raw);
            for kind in ["Pod", "Secret", "Service", "DeleteOptions"] {
                let _ = decode("", "v1", kind, &raw);
            }
            let _ = decode("apiextensions.k8s.io", "v1", "CustomResourceDefinition", &raw);
        }
    }
}
