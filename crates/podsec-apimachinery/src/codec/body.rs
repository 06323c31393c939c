//! From a request's body to an object of the kind that its URL says.

use std::fmt::Write;

use podsec_go::json::is_folded;
use serde_json::{Map, Value};

use super::error::BodyError;
use super::json::{self, Json};
use super::protobuf::{self, Unknown};
use super::protobuf_error::ProtobufError;
use crate::schema::catalog::{api_version, group_version};
use crate::schema::{self, DecodeError, Decoded, Definitions, Resource, Subresource};
use podsec_go::quote::quoted;

/// The serialization of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// `application/json`.
    Json,
    /// `application/vnd.kubernetes.protobuf`.
    Protobuf,
    /// `application/yaml`.
    Yaml,
}

/// The kind that a URL says; the core group is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind<'a> {
    /// The API group.
    pub group: &'a str,
    /// The version.
    pub version: &'a str,
    /// The kind.
    pub kind: &'a str,
}

/// A decoded body.
#[derive(Clone, Debug, PartialEq)]
pub struct Body {
    /// The object, with `apiVersion` and `kind`.
    pub object: Value,
    /// What strict field validation has against it, one sentence each: the texts of warnings when it is not strict.
    pub strict: Vec<String>,
}

impl<'a> From<&'a Resource> for Kind<'a> {
    fn from(resource: &'a Resource) -> Self {
        Self { group: &resource.group, version: &resource.version, kind: &resource.kind }
    }
}

impl<'a> From<&'a Subresource> for Kind<'a> {
    fn from(subresource: &'a Subresource) -> Self {
        Self { group: &subresource.group, version: &subresource.version, kind: &subresource.kind }
    }
}

impl Encoding {
    /// Reads a `Content-Type` header; without one a body is JSON. Objects of custom resources have no protobuf.
    ///
    /// # Errors
    ///
    /// [`BodyError::ContentType`] when the media type is another one.
    pub fn parse(content_type: Option<&str>, custom: bool) -> Result<Self, BodyError> {
        let media_type = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        match media_type.to_ascii_lowercase().as_str() {
            "" if content_type.is_none_or(|header| header.trim().is_empty()) => Ok(Self::Json),
            "application/json" => Ok(Self::Json),
            "application/yaml" => Ok(Self::Yaml),
            "application/vnd.kubernetes.protobuf" if !custom => Ok(Self::Protobuf),
            _ if custom => Err(BodyError::ContentType("application/json, application/yaml")),
            _ => Err(BodyError::ContentType(
                "application/json, application/yaml, application/vnd.kubernetes.protobuf",
            )),
        }
    }
}

/// Decodes the body of a create or an update. Kind and version that it leaves out are the URL's.
///
/// Kinds without a built-in schema are custom: their objects are kept whole.
///
/// # Errors
///
/// When the body is malformed, or not an object of the kind.
pub fn decode(body: &[u8], encoding: Encoding, expected: Kind<'_>) -> Result<Body, BodyError> {
    let unrecognized = |cause: String| BodyError::Unrecognized {
        expected: expected.kind.to_owned(),
        cause,
        summary: summary(body),
    };
    let refused = |found: Kind<'_>, cause: String| BodyError::Object {
        found: found.kind.to_owned(),
        version: found.version.to_owned(),
        expected: expected.kind.to_owned(),
        cause,
    };
    match encoding {
        Encoding::Json => {
            let document = document(body).map_err(unrecognized)?;
            let (api_version, kind) = type_meta(&document).map_err(unrecognized)?;
            let found = expected.found(&api_version, &kind).map_err(unrecognized)?;
            found.known_beside(expected).map_err(|cause| refused(found, cause))?;
            let decoded = found.decoded(&document).map_err(|error| refused(found, error.to_string()))?;
            Body::from(decoded).of(found, expected, refused)
        }
        Encoding::Yaml => {
            let text = String::from_utf8_lossy(body);
            let yaml = |error: podsec_yaml::Error| format!("error converting YAML to JSON: yaml: {error}");
            let json = podsec_yaml::to_json(&text).map_err(yaml).map_err(unrecognized)?.to_string();
            let mut decoded =
                decode(json.as_bytes(), Encoding::Json, expected).map_err(|error| match error {
                    BodyError::Unrecognized { expected, cause, .. } => {
                        BodyError::Unrecognized { expected, cause, summary: summary(body) }
                    }
                    other => other,
                })?;
            // A key that stands there twice is gone from the JSON.
            if let Err(duplicate) = podsec_yaml::to_json_strict(&text) {
                decoded.strict.insert(0, yaml(duplicate));
            }
            Ok(decoded)
        }
        Encoding::Protobuf => {
            let unknown = Unknown::parse(body).map_err(|error| unrecognized(error.to_string()))?;
            let found = expected.found(&unknown.api_version, &unknown.kind).map_err(unrecognized)?;
            found.known_beside(expected).map_err(|cause| refused(found, cause))?;
            let decoded = protobuf::decode(found.group, found.version, found.kind, unknown.raw);
            let object = decoded.map_err(|error: ProtobufError| refused(found, error.to_string()))?;
            let mut object = Value::Object(object);
            if let Some(schema) = Definitions::builtin().kind(found.group, found.version, found.kind) {
                let converted = schema::convert(schema, &object);
                object = converted.map_err(|error| refused(found, error.to_string()))?.object;
            }
            Body { object, strict: Vec::new() }.of(found, expected, refused)
        }
    }
}

/// Decodes the `DeleteOptions` of a DELETE, which may say that they belong to any group; an empty body is none.
///
/// # Errors
///
/// When the body is malformed, or no `DeleteOptions`.
pub fn decode_delete_options(body: &[u8], encoding: Encoding) -> Result<Body, BodyError> {
    let expected = Kind { group: "", version: "v1", kind: "DeleteOptions" };
    if body.is_empty() {
        return decode(b"{}", Encoding::Json, expected);
    }
    decode(body, encoding, expected)
}

impl<'a> Kind<'a> {
    /// The kind of a body with this type, the rest being the URL's. Options belong to every group.
    fn found(self, api_version: &'a str, kind: &'a str) -> Result<Self, String> {
        if self.kind == "DeleteOptions" && matches!(kind, "" | "DeleteOptions") {
            return Ok(self);
        }
        let (group, version) = group_version(api_version)
            .ok_or_else(|| format!("unexpected GroupVersion string: {api_version}"))?;
        let (group, version) = match (group, version) {
            ("", "") => (self.group, self.version),
            (group, "") if group == self.group => (group, self.version),
            pair => pair,
        };
        Ok(Self { group, version, kind: if kind.is_empty() { self.kind } else { kind } })
    }

    fn is_builtin(self) -> bool {
        Definitions::builtin().kind(self.group, self.version, self.kind).is_some()
    }

    /// Whether the scheme knows the kind. What a custom resource takes is checked by [`Body::of`] alone.
    fn known_beside(self, expected: Self) -> Result<(), String> {
        if !expected.is_builtin() || self.is_builtin() {
            return Ok(());
        }
        Err(format!(
            "no kind {} is registered for version {} in scheme \
             \"k8s.io/kubernetes/pkg/api/legacyscheme/scheme.go:30\"",
            quoted(self.kind),
            quoted(&api_version(self.group, self.version))
        ))
    }

    fn decoded(self, document: &Json<'_>) -> Result<Decoded, DecodeError> {
        match Definitions::builtin().kind(self.group, self.version, self.kind) {
            Some(schema) => schema::decode(schema, document),
            None => schema::decode_untyped(document),
        }
    }

    /// Whether both kinds are versions of one, so that the one can be converted to the other.
    fn is_version_of(self, other: Self) -> bool {
        let event = |kind: Self| kind.kind == "Event" && matches!(kind.group, "" | "events.k8s.io");
        self.kind == other.kind && self.group == other.group || event(self) && event(other)
    }

    /// The Go type of the kind inside of a server: `core.Pod`.
    fn internal(self) -> String {
        let package = match self.group.split('.').next().unwrap_or_default() {
            "" | "events" => "core",
            first => first,
        };
        format!("{package}.{}", self.kind)
    }
}

impl Body {
    /// The object, if strict field validation has nothing against it.
    ///
    /// # Errors
    ///
    /// 400 `Pod in version "v1" cannot be handled as a Pod: strict decoding error: …`.
    pub fn strictly(self, expected: Kind<'_>) -> Result<Value, BodyError> {
        if self.strict.is_empty() {
            return Ok(self.object);
        }
        Err(BodyError::Object {
            found: expected.kind.to_owned(),
            version: expected.version.to_owned(),
            expected: expected.kind.to_owned(),
            cause: format!("strict decoding error: {}", self.strict.join(", ")),
        })
    }

    /// The body, once it is sure to be of the expected kind.
    fn of(
        self,
        found: Kind<'_>,
        expected: Kind<'_>,
        refused: impl Fn(Kind<'_>, String) -> BodyError,
    ) -> Result<Self, BodyError> {
        let custom = !expected.is_builtin();
        if !custom && !found.is_version_of(expected) {
            let (from, to) = (format!("{}.{}", found.version, found.kind), expected.internal());
            return Err(refused(found, format!("converting ({from}) to ({to}): unknown conversion")));
        }
        if (found.group, found.version) != (expected.group, expected.version) {
            return Err(BodyError::Version {
                found: api_version(found.group, found.version),
                expected: api_version(expected.group, expected.version),
            });
        }
        if custom && found.kind != expected.kind {
            let name = self.object.pointer("/metadata/name").and_then(Value::as_str);
            return Err(BodyError::CustomKind {
                group: expected.group.to_owned(),
                expected: expected.kind.to_owned(),
                found: found.kind.to_owned(),
                name: name.unwrap_or_default().to_owned(),
            });
        }
        // Null decodes to an object with nothing in it.
        let mut members = if let Value::Object(members) = self.object { members } else { Map::new() };
        members.insert("apiVersion".to_owned(), api_version(expected.group, expected.version).into());
        members.insert("kind".to_owned(), expected.kind.into());
        Ok(Self { object: Value::Object(members), strict: self.strict })
    }
}

/// Reads the text. That it is no object shows when its kind is looked for.
fn document(body: &[u8]) -> Result<Json<'_>, String> {
    json::parse(body).map_err(|error| format!("couldn't get version/kind; json parse error: {error}"))
}

/// The `apiVersion` and `kind` of a document; absent is empty. Upstream looks for them with another decoder than for
/// the rest, one that does not tell capitals.
fn type_meta(document: &Json<'_>) -> Result<(String, String), String> {
    let mistyped = |value: &Json<'_>, place: &str| {
        let value = value.type_name();
        format!("couldn't get version/kind; json parse error: json: cannot unmarshal {value} into Go {place}")
    };
    let (mut api_version, mut kind) = (String::new(), String::new());
    let members = match document {
        Json::Object(members) => members,
        Json::Null => return Ok((api_version, kind)),
        other => return Err(mistyped(other, TYPE_META)),
    };
    for (name, value) in members {
        let (field, text) = if is_folded(name, "apiversion") {
            ("apiVersion", &mut api_version)
        } else if is_folded(name, "kind") {
            ("kind", &mut kind)
        } else {
            continue;
        };
        match value {
            Json::String(value) => value.as_ref().clone_into(text),
            Json::Null => {}
            other => return Err(mistyped(other, &format!("struct field .{field} of type string"))),
        }
    }
    Ok((api_version, kind))
}

impl From<Decoded> for Body {
    fn from(decoded: Decoded) -> Self {
        let strict = decoded.strict.iter().map(ToString::to_string).collect();
        Self { object: decoded.object, strict }
    }
}

/// The start of a body as messages show it: as text when it looks like JSON, else in hexadecimal digits.
fn summary(body: &[u8]) -> String {
    let start = body.get(..SUMMARY).unwrap_or(body);
    let mut text = match body.first() {
        None => return "<empty>".to_owned(),
        Some(b'{') => String::from_utf8_lossy(start).into_owned(),
        Some(_) => start.iter().fold(String::new(), |mut text, byte| {
            // Writing to a string does not fail.
            let _ = write!(text, "{byte:02x}");
            text
        }),
    };
    if start.len() < body.len() {
        text.push_str(" ...");
    }
    text
}

/// How many bytes of a body a message shows.
const SUMMARY: usize = 30;
/// The struct into which upstream reads kind and version.
const TYPE_META: &str = r#"value of type struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }"#;

#[cfg(test)]
mod tests {
    #[test]
    fn what_an_object_is_any_capitals_say() {
        let document =
            super::json::parse("{\"\u{212a}IND\": \"Pod\", \"apiVer\u{17f}ion\": \"v1\"}".as_bytes())
                .unwrap();
        assert_eq!(super::type_meta(&document), Ok(("v1".to_owned(), "Pod".to_owned())));
    }

    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::Status;

    const POD: Kind<'_> = Kind { group: "", version: "v1", kind: "Pod" };

    fn message(body: &str, expected: Kind<'_>) -> String {
        decode(body.as_bytes(), Encoding::Json, expected).unwrap_err().to_string()
    }

    #[test]
    fn bodies_are_refused_as_real_servers_refuse_them() {
        let cases: Vec<(String, String)> =
            serde_json::from_str(include_str!("../../tests/data/refused-pods.json")).unwrap();
        for (body, expected) in cases {
            let decoded = decode(body.as_bytes(), Encoding::Json, POD).and_then(|body| body.strictly(POD));
            assert_eq!(decoded.unwrap_err().to_string(), expected, "{body}");
        }
    }

    #[test]
    fn a_body_of_another_type_is_shown_in_hexadecimal() {
        let refused = |body: &[u8]| decode(body, Encoding::Protobuf, POD).unwrap_err().to_string();
        let must = "the object provided is unrecognized (must be of type Pod):";
        assert_eq!(
            refused(b"garbage"),
            format!(
                "{must} provided data does not appear to be a protobuf message, expected prefix [107 56 115 0] \
                 (67617262616765)"
            )
        );
        assert_eq!(
            refused(b"k8s\0garbage"),
            format!("{must} proto: illegal wireType 7 (6b38730067617262616765)")
        );
        let long = format!("{{\"a\" {}", "x".repeat(40));
        assert!(message(&long, POD).ends_with("({\"a\" xxxxxxxxxxxxxxxxxxxxxxxxx ...)"));
    }

    #[test]
    fn what_a_body_leaves_out_is_the_urls() {
        let pod = |metadata: Value| json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {}, "status": {}});
        let expected = pod(json!({"name": "x"}));
        for body in [
            r#"{"metadata":{"name":"x"}}"#,
            r#"{"kind":"Pod","metadata":{"name":"x"}}"#,
            r#"{"apiVersion":"v1","metadata":{"name":"x"}}"#,
        ] {
            let decoded = decode(body.as_bytes(), Encoding::Json, POD).unwrap();
            assert_eq!(decoded, Body { object: expected.clone(), strict: Vec::new() });
        }
        assert_eq!(
            decode(b"null", Encoding::Json, POD).unwrap().object,
            json!({"apiVersion": "v1", "kind": "Pod"})
        );
    }

    #[test]
    fn another_version_of_the_kind_is_told_apart_from_another_kind() {
        let hpa = Kind { group: "autoscaling", version: "v2", kind: "HorizontalPodAutoscaler" };
        assert_eq!(
            message(r#"{"apiVersion":"autoscaling/v1","kind":"HorizontalPodAutoscaler"}"#, hpa),
            "the API version in the data (autoscaling/v1) does not match the expected API version (autoscaling/v2)"
        );
        assert_eq!(
            message(
                r#"{"apiVersion":"v1","kind":"Event"}"#,
                Kind { group: "events.k8s.io", version: "v1", kind: "Event" }
            ),
            "the API version in the data (v1) does not match the expected API version (events.k8s.io/v1)"
        );
        let role = Kind { group: "rbac.authorization.k8s.io", version: "v1", kind: "Role" };
        assert_eq!(
            message(r#"{"apiVersion":"apps/v1","kind":"Deployment"}"#, role),
            "Deployment in version \"v1\" cannot be handled as a Role: \
             converting (v1.Deployment) to (rbac.Role): unknown conversion"
        );
    }

    #[test]
    fn custom_objects_are_kept_whole() {
        let widget = Kind { group: "example.com", version: "v1", kind: "Widget" };
        let body = r#"{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"w"},"spec":{"a":1,"a":null}}"#;
        let decoded = decode(body.as_bytes(), Encoding::Json, widget).unwrap();
        assert_eq!(decoded.object["spec"], json!({"a": null}));
        assert_eq!(decoded.strict, [r#"duplicate field "spec.a""#]);
        let other = body.replace("Widget", "Gadget");
        let refused = Status::from(decode(other.as_bytes(), Encoding::Json, widget).unwrap_err());
        assert_eq!(
            (refused.code, refused.message.as_str()),
            (422, r#"Widget.example.com "w" is invalid: kind: Invalid value: "Gadget": must be Widget"#)
        );
        assert_eq!(
            message(&body.replace("/v1", "/v2"), widget),
            "the API version in the data (example.com/v2) does not match the expected API version (example.com/v1)"
        );
    }

    #[test]
    fn yaml_is_read_as_json_and_its_duplicates_are_told() {
        let body = b"kind: Pod\nmetadata:\n  name: x\n  name: z\nspec:\n  hostPID: yes\n  foo: 1\n";
        let decoded = decode(body, Encoding::Yaml, POD).unwrap();
        assert_eq!(
            decoded.object,
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "z"}, "spec": {"hostPID": true}, "status": {}})
        );
        let [duplicate, unknown] = decoded.strict.as_slice() else { panic!("{:?}", decoded.strict) };
        assert!(duplicate.starts_with("error converting YAML to JSON: yaml: line 4"), "{duplicate}");
        assert_eq!(unknown, r#"unknown field "spec.foo""#);
        let refused = decode(b"a: [", Encoding::Yaml, POD).unwrap_err().to_string();
        assert!(refused.ends_with("(613a205b)"), "{refused}");
    }

    #[test]
    fn protobuf_bodies_that_clients_sent_decode_to_what_they_meant() {
        let cases: Vec<Value> = serde_json::from_str(include_str!("../../tests/data/protobuf.json")).unwrap();
        assert!(cases.len() > 30);
        for case in cases {
            let text = |name: &str| case[name].as_str().unwrap();
            let kind = Kind {
                group: text("group"),
                version: text("version"),
                kind: case["object"]["kind"].as_str().unwrap(),
            };
            let decoded = decode(&STANDARD.decode(text("body")).unwrap(), Encoding::Protobuf, kind);
            // What Go writes even when it is absent is not part of the recording.
            let json = case["object"].to_string();
            let expected = decode(json.as_bytes(), Encoding::Json, kind).unwrap();
            assert_eq!(decoded, Ok(expected));
        }
    }

    #[test]
    fn delete_options_belong_to_every_group() {
        let policy = json!({"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"});
        for body in [
            r#"{"propagationPolicy":"Background"}"#,
            r#"{"apiVersion":"apps/v1","kind":"DeleteOptions","propagationPolicy":"Background"}"#,
            r#"{"apiVersion":"example.com/v1","kind":"DeleteOptions","propagationPolicy":"Background"}"#,
        ] {
            assert_eq!(decode_delete_options(body.as_bytes(), Encoding::Json).unwrap().object, policy);
        }
        let none = decode_delete_options(b"", Encoding::Protobuf).unwrap().object;
        assert_eq!(none, json!({"apiVersion": "v1", "kind": "DeleteOptions"}));
    }

    #[test]
    fn the_content_type_tells_the_encoding() {
        for (header, encoding) in [
            (None, Encoding::Json),
            (Some(""), Encoding::Json),
            (Some("application/json; charset=utf-8"), Encoding::Json),
            (Some("Application/YAML"), Encoding::Yaml),
            (Some("application/vnd.kubernetes.protobuf"), Encoding::Protobuf),
        ] {
            assert_eq!(Encoding::parse(header, false), Ok(encoding));
        }
        let status = Status::from(Encoding::parse(Some("text/plain"), false).unwrap_err());
        assert_eq!(
            serde_json::to_string(&status).unwrap(),
            r#"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf","reason":"UnsupportedMediaType","code":415}"#
        );
        assert!(Encoding::parse(Some("application/vnd.kubernetes.protobuf"), true).is_err());
        assert!(Encoding::parse(Some(";charset=utf-8"), false).is_err());
    }

    /// How many values an object is made of.
    fn values(object: &Value) -> usize {
        1 + match object {
            Value::Array(items) => items.iter().map(values).sum(),
            Value::Object(members) => members.values().map(values).sum(),
            _ => 0,
        }
    }

    proptest! {
        #[test]
        fn any_body_is_decoded_or_refused(body in proptest::collection::vec(any::<u8>(), 0..100)) {
            for encoding in [Encoding::Json, Encoding::Protobuf, Encoding::Yaml] {
                let _ = decode(&body, encoding, POD);
            }
        }

        #[test]
        fn an_object_is_made_of_few_more_values_than_its_body_has_bytes(
            // Messages of known fields: numbers below 6 and short lengths hit what a pod has.
            raw in proptest::collection::vec(prop_oneof![Just(0x0a_u8), Just(0x12), Just(0x1a), 0..8_u8, any::<u8>()], 0..120),
        ) {
            let mut body = b"k8s\0\x12".to_vec();
            body.push(u8::try_from(raw.len()).unwrap());
            body.extend(&raw);
            if let Ok(decoded) = decode(&body, Encoding::Protobuf, POD) {
                // A message of two bytes brings the structs that are always there, and its times; the pod has its own.
                prop_assert!(values(&decoded.object) <= 2 * raw.len() + 6);
            }
        }

        #[test]
        fn any_json_is_decoded_or_refused(
            body in "(\\{|\\}|\\[|\\]|\"spec\":|\"containers\":|\"kind\":|\"Pod\"|null|1|\"metadata\":|,){0,12}",
        ) {
            let _ = decode(body.as_bytes(), Encoding::Json, POD);
        }
    }
}
