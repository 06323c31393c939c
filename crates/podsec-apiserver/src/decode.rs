//! A request's body as an object: JSON, YAML or protobuf, of the kind that the URL says or a refusal.

use std::fmt::Write as _;

use hyper::HeaderMap;
use hyper::header::CONTENT_TYPE;
use podsec_apimachinery::Status;
use podsec_apimachinery::codec::{json, protobuf};
use podsec_apimachinery::schema::catalog::{api_version, group_version};
use podsec_apimachinery::schema::{self, Catalog, Definitions};
use serde_json::Value;

use crate::negotiation::MEDIA_TYPES;
use crate::pipeline::Context;
use crate::verbs::Operation;
use crate::verbs::options::FieldValidation;

/// The kind that a body must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kind<'a> {
    /// The API group; empty for core.
    pub(crate) group: &'a str,
    /// The version.
    pub(crate) version: &'a str,
    /// The kind.
    pub(crate) name: &'a str,
}

/// Decodes the body of a create or update. What strict validation has against it becomes an error, warnings, or
/// nothing, as the client wants it.
///
/// # Errors
/// 400 and 415 in Kubernetes' words.
pub(crate) fn object(
    operation: &Operation<'_>,
    bytes: &[u8],
    validation: FieldValidation,
) -> Result<Value, Status> {
    let resource = &operation.resource;
    let expected = Kind { group: &resource.group, version: &resource.version, name: &resource.kind };
    kind(operation.context, bytes, expected, validation)
}

/// Decodes a body of any kind, as [`object`] does.
///
/// # Errors
/// 400 and 415 in Kubernetes' words.
pub(crate) fn kind(
    context: &Context,
    bytes: &[u8],
    expected: Kind<'_>,
    validation: FieldValidation,
) -> Result<Value, Status> {
    let (object, strict) = match media_type(&context.headers) {
        "" | "application/json" => from_json(bytes, expected)?,
        "application/yaml" => from_yaml(bytes, expected)?,
        "application/vnd.kubernetes.protobuf" => (from_protobuf(bytes, expected)?, Vec::new()),
        _ => {
            let message = format!(
                "the body of the request was in an unknown format - accepted media types include: {MEDIA_TYPES}"
            );
            return Err(Status::failure(415, "UnsupportedMediaType", message));
        }
    };
    match validation {
        FieldValidation::Strict if !strict.is_empty() => {
            Err(expected.refuse(expected, &format!("strict decoding error: {}", strict.join(", "))))
        }
        FieldValidation::Warn => {
            for text in strict {
                context.warnings.add(text);
            }
            Ok(object)
        }
        FieldValidation::Strict | FieldValidation::Ignore => Ok(object),
    }
}

fn media_type(headers: &HeaderMap) -> &str {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim()
}

fn from_json(bytes: &[u8], expected: Kind<'_>) -> Result<(Value, Vec<String>), Status> {
    let unrecognized = |why: &str| expected.unrecognized(why, bytes);
    let parsed = json::parse(bytes)
        .map_err(|error| unrecognized(&format!("couldn't get version/kind; json parse error: {error}")))?;
    let text = |name: &str| parsed.get(name).and_then(json::Json::as_str).unwrap_or_default();
    if !matches!(parsed, json::Json::Object(_) | json::Json::Null) {
        let why = format!(
            "couldn't get version/kind; json parse error: json: cannot unmarshal {} into Go value of type \
             struct {{ APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \
             \"json:\\\"kind,omitempty\\\"\" }}",
            parsed.type_name()
        );
        return Err(unrecognized(&why));
    }
    expected.check(text("apiVersion"), text("kind"))?;
    let decoded = match Definitions::builtin().kind(expected.group, expected.version, expected.name) {
        Some(schema) => schema::decode(schema, &parsed),
        None => schema::decode_untyped(&parsed),
    };
    let decoded = decoded.map_err(|error| expected.refuse(expected, &error.to_string()))?;
    let strict = decoded.strict.iter().map(ToString::to_string).collect();
    Ok((expected.named(decoded.object), strict))
}

fn from_yaml(bytes: &[u8], expected: Kind<'_>) -> Result<(Value, Vec<String>), Status> {
    let wrong = |why: &str| {
        let why = format!("couldn't get version/kind; json parse error: {why}");
        expected.unrecognized(&why, bytes)
    };
    let text = std::str::from_utf8(bytes).map_err(|_| wrong("yaml: invalid UTF-8"))?;
    let value = podsec_yaml::to_json(text).map_err(|error| wrong(&error.to_string()))?;
    let written = serde_json::to_vec(&value).map_err(|error| wrong(&error.to_string()))?;
    let (object, mut strict) = from_json(&written, expected)?;
    if let Err(error) = podsec_yaml::to_json_strict(text) {
        strict.insert(0, error.to_string());
    }
    Ok((object, strict))
}

fn from_protobuf(bytes: &[u8], expected: Kind<'_>) -> Result<Value, Status> {
    let unknown =
        protobuf::Unknown::parse(bytes).map_err(|error| expected.unrecognized(&error.to_string(), bytes))?;
    expected.check(&unknown.api_version, &unknown.kind)?;
    let fields = protobuf::decode(expected.group, expected.version, expected.name, unknown.raw)
        .map_err(|error| expected.refuse(expected, &error.to_string()))?;
    Ok(expected.named(Value::Object(fields)))
}

impl Kind<'_> {
    /// Compares with what the body says of itself; what it leaves out follows from the URL.
    fn check(self, body_version: &str, body_kind: &str) -> Result<(), Status> {
        // Options belong to every group, in every version.
        if self.name == "DeleteOptions" && matches!(body_kind, "" | "DeleteOptions") {
            return Ok(());
        }
        let version =
            if body_version.is_empty() { &api_version(self.group, self.version) } else { body_version };
        let kind = if body_kind.is_empty() { self.name } else { body_kind };
        let Some((group, version)) = group_version(version) else {
            let why = format!("unexpected GroupVersion string: {version}");
            return Err(Status::bad_request(why));
        };
        let actual = Kind { group, version, name: kind };
        if actual == self {
            return Ok(());
        }
        let catalog = Catalog::builtin();
        let known = Definitions::builtin().kind(group, version, kind).is_some()
            || catalog.by_kind(group, version, kind).is_some();
        if !known {
            let version = api_version(group, version);
            let why = format!(
                "no kind {kind:?} is registered for version {version:?} in scheme \
                 \"k8s.io/kubernetes/pkg/api/legacyscheme/scheme.go:30\""
            );
            return Err(actual.refuse(self, &why));
        }
        if (group, kind) == (self.group, self.name) {
            return Err(Status::bad_request(format!(
                "the API version in the data ({}) does not match the expected API version ({})",
                api_version(group, version),
                api_version(self.group, self.version)
            )));
        }
        let package = self.group.split('.').next().filter(|package| !package.is_empty()).unwrap_or("core");
        let why = format!("converting ({version}.{kind}) to ({package}.{}): unknown conversion", self.name);
        Err(actual.refuse(self, &why))
    }

    /// `Pod in version "v1" cannot be handled as a Pod: <why>`.
    fn refuse(self, expected: Kind<'_>, why: &str) -> Status {
        let version = api_version(self.group, self.version);
        let (actual, expected) = (self.name, expected.name);
        Status::bad_request(format!(
            "{actual} in version {version:?} cannot be handled as a {expected}: {why}"
        ))
    }

    fn unrecognized(self, why: &str, bytes: &[u8]) -> Status {
        Status::bad_request(format!(
            "the object provided is unrecognized (must be of type {}): {why} ({})",
            self.name,
            summary(bytes)
        ))
    }

    fn named(self, mut object: Value) -> Value {
        let fields = crate::object::as_map(&mut object);
        fields.insert("kind".to_owned(), self.name.into());
        let version = if self.name == "DeleteOptions" {
            // What kube-apiserver writes into the audit log, whatever the client has sent.
            "meta.k8s.io/__internal".to_owned()
        } else {
            api_version(self.group, self.version)
        };
        fields.insert("apiVersion".to_owned(), version.into());
        object
    }
}

/// The beginning of a body: as text if it looks like JSON, else in hexadecimal.
fn summary(bytes: &[u8]) -> String {
    let cut = bytes.get(..SUMMARY).unwrap_or(bytes);
    let dots = if cut.len() < bytes.len() { " ..." } else { "" };
    match bytes.first() {
        None => "<empty>".to_owned(),
        Some(b'{') => String::from_utf8_lossy(cut).into_owned() + dots,
        Some(_) => {
            let hex = cut.iter().fold(String::new(), |mut hex, byte| {
                let _ = write!(hex, "{byte:02x}");
                hex
            });
            hex + dots
        }
    }
}

const SUMMARY: usize = 30;
