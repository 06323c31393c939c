//! The `admission.k8s.io/v1` `AdmissionReview`: the envelope in which webhooks are asked and answer.

use std::borrow::Cow;

use podsec_apimachinery::Status;
use podsec_standards::DecodeError;
use podsec_standards::json::{self, Object, TypeMeta, Value, push_string};

use crate::kinds;
use crate::request::{GroupVersionKind, GroupVersionResource, Request};
use crate::response::Response;
use crate::type_meta;

/// Reads the request out of an AdmissionReview, borrowing from `body` all that it can.
///
/// A body without `kind` and `apiVersion` is taken for an AdmissionReview, as upstream's webhook does.
///
/// # Errors
/// When the body is none, or holds no request. The answer is then HTTP status 400 with the error as text.
pub fn decode(body: &[u8]) -> Result<Request<'_>, ReviewError> {
    if body.is_empty() {
        return Err(ReviewError::Empty);
    }
    let mut envelope = Envelope::default();
    // Kubernetes' decoder takes `null` for an object without members.
    json::read(body, &mut envelope).map_err(|error| match error {
        DecodeError::Encoding { .. } => ReviewError::NotUtf8,
        error => ReviewError::Malformed(error),
    })?;
    expect_review(&envelope.stated)?;
    envelope.request.map(|request| request.0).ok_or(ReviewError::NoRequest)
}

/// Writes the AdmissionReview that answers the request `uid`. It does not repeat the request: the API server
/// does not look for it there.
pub fn encode(uid: &str, response: &Response) -> Vec<u8> {
    let mut json = Vec::with_capacity(length(uid, response));
    push(&mut json, r#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":{"uid":"#);
    push_string(&mut json, uid);
    push(&mut json, if response.allowed() { r#","allowed":true"# } else { r#","allowed":false"# });
    if let Some(status) = response.status() {
        push_status(&mut json, status);
    }
    let mut opening = r#","auditAnnotations":{"#;
    for (key, value) in response.audit_annotations().iter() {
        push(&mut json, opening);
        push_string(&mut json, key);
        push(&mut json, ":");
        push_string(&mut json, &value);
        opening = ",";
    }
    push(&mut json, if response.audit_annotations().is_empty() { "" } else { "}" });
    let mut opening = r#","warnings":["#;
    for warning in response.warnings() {
        push(&mut json, opening);
        push_string(&mut json, warning);
        opening = ",";
    }
    push(&mut json, if response.warnings().is_empty() { "}}" } else { "]}}" });
    json
}

/// A `metav1.Status` inside another object, where it says no kind and version of its own.
fn push_status(json: &mut Vec<u8>, status: &Status) {
    push(json, r#","status":{"metadata":{},"status":"Failure","message":"#);
    push_string(json, &status.message);
    push(json, r#","reason":"#);
    push_string(json, &status.reason);
    if let Some(details) = &status.details {
        push(json, r#","details":"#);
        // Strings and numbers always have a JSON form, and a vector takes all of it.
        let _ = serde_json::to_writer(&mut *json, details);
    }
    push(json, &format!(r#","code":{}}}"#, status.code));
}

fn push(json: &mut Vec<u8>, text: &str) {
    json.extend_from_slice(text.as_bytes());
}

/// About as many bytes as the answer takes: what is always there, and the texts with what is escaped in them.
fn length(uid: &str, response: &Response) -> usize {
    let message = response.status().map_or(0, |status| status.message.len());
    let annotation = response.audit_annotations().audit_violations.as_ref().map_or(0, String::len);
    let warnings: usize = response.warnings().iter().map(String::len).sum();
    384 + uid.len() + (message + annotation + warnings) * 9 / 8
}

/// Why a body is no AdmissionReview that can be answered. The texts are those of upstream's webhook.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReviewError {
    /// There is no body.
    #[error("request body is empty")]
    Empty,
    /// The body is not JSON, or a field that matters has the wrong type.
    #[error("unable to decode the request")]
    Malformed(#[source] DecodeError),
    /// The AdmissionReview has no `request`.
    #[error("unable to decode the request: no request")]
    NoRequest,
    /// The body is not UTF-8, so it is not JSON.
    #[error("unable to decode the request: not UTF-8")]
    NotUtf8,
    /// The body is another kind of object.
    #[error("unexpected AdmissionReview kind: {0}")]
    UnexpectedKind(String),
    /// The body is of a kind or version that Kubernetes' webhook cannot decode.
    #[error("unable to decode the request")]
    UnknownKind,
}

const KIND: &str = "AdmissionReview";
const GROUP: &str = "admission.k8s.io";
const VERSION: &str = "v1";

/// Whether the body is what it should be. Where it does not say what it is, it is.
fn expect_review(stated: &TypeMeta<'_>) -> Result<(), ReviewError> {
    let review = GroupVersionKind { group: GROUP.into(), version: VERSION.into(), kind: KIND.into() };
    match type_meta::resolve(stated, &review) {
        Ok((GROUP, VERSION, KIND)) => Ok(()),
        Ok((group, version, kind)) if kinds::is_known(group, version, kind) => {
            Err(ReviewError::UnexpectedKind(format!("{group}/{version}, Kind={kind}")))
        }
        _ => Err(ReviewError::UnknownKind),
    }
}

#[derive(Default)]
struct Envelope<'a> {
    stated: TypeMeta<'a>,
    request: Option<EnvelopeRequest<'a>>,
}

impl<'a> Object<'a> for Envelope<'a> {
    fn member(&mut self, name: &str, value: Value<'_, 'a>) -> json::Result<()> {
        if let Some(field) = self.stated.field(name) {
            return set(field, value);
        }
        match name {
            "request" => {
                if !value.object(self.request.get_or_insert_default())? {
                    self.request = None;
                }
                Ok(())
            }
            "response" => value.object(&mut Any).map(drop),
            _ => value.skip(),
        }
    }
}

#[derive(Default)]
struct EnvelopeRequest<'a>(Request<'a>);

impl<'a> Object<'a> for EnvelopeRequest<'a> {
    fn member(&mut self, name: &str, value: Value<'_, 'a>) -> json::Result<()> {
        let Self(request) = self;
        match name {
            "uid" => set(&mut request.uid, value),
            "kind" => value.object(&mut EnvelopeKind(&mut request.kind)).map(drop),
            "resource" => value.object(&mut EnvelopeResource(&mut request.resource)).map(drop),
            // Not `subResource`: upstream judges by what the client asked for, before any conversion.
            "requestSubResource" => set(&mut request.subresource, value),
            "name" => set(&mut request.name, value),
            "namespace" => set(&mut request.namespace, value),
            "operation" => {
                if let Some(operation) = value.text()? {
                    request.operation = operation.into();
                }
                Ok(())
            }
            "userInfo" => value.object(&mut EnvelopeUser(&mut request.username)).map(drop),
            // Encoders write the kind first, so that nearly every pod is read together with the envelope.
            "object" if is_pod(&request.kind) => {
                if let Some((object, pod)) = value.raw_and_pod()? {
                    request.object = Some(object.as_bytes());
                    request.pod = pod;
                }
                Ok(())
            }
            "object" => {
                request.pod = None;
                set_raw(&mut request.object, value)
            }
            "oldObject" => set_raw(&mut request.old_object, value),
            // What is not looked at is decoded all the same.
            "subResource" => value.text().map(drop),
            "requestKind" => value.object(&mut EnvelopeKind(&mut GroupVersionKind::default())).map(drop),
            "requestResource" => {
                value.object(&mut EnvelopeResource(&mut GroupVersionResource::default())).map(drop)
            }
            "dryRun" => value.boolean(),
            _ => value.skip(),
        }
    }
}

struct EnvelopeKind<'r, 'a>(&'r mut GroupVersionKind<'a>);

impl<'a> Object<'a> for EnvelopeKind<'_, 'a> {
    fn member(&mut self, name: &str, value: Value<'_, 'a>) -> json::Result<()> {
        match name {
            "group" => set(&mut self.0.group, value),
            "version" => set(&mut self.0.version, value),
            "kind" => set(&mut self.0.kind, value),
            _ => value.skip(),
        }
    }
}

struct EnvelopeResource<'r, 'a>(&'r mut GroupVersionResource<'a>);

impl<'a> Object<'a> for EnvelopeResource<'_, 'a> {
    fn member(&mut self, name: &str, value: Value<'_, 'a>) -> json::Result<()> {
        match name {
            "group" => set(&mut self.0.group, value),
            "version" => set(&mut self.0.version, value),
            "resource" => set(&mut self.0.resource, value),
            _ => value.skip(),
        }
    }
}

struct EnvelopeUser<'r, 'a>(&'r mut Cow<'a, str>);

impl<'a> Object<'a> for EnvelopeUser<'_, 'a> {
    fn member(&mut self, name: &str, value: Value<'_, 'a>) -> json::Result<()> {
        match name {
            "username" => set(self.0, value),
            "uid" => value.text().map(drop),
            "groups" => value.texts(),
            "extra" => value.object(&mut Extra).map(drop),
            _ => value.skip(),
        }
    }
}

/// What authenticators say of a user beyond the name: lists of strings.
struct Extra;

impl<'a> Object<'a> for Extra {
    fn member(&mut self, _: &str, value: Value<'_, 'a>) -> json::Result<()> {
        value.texts()
    }
}

/// Any object.
struct Any;

impl<'a> Object<'a> for Any {
    fn member(&mut self, _: &str, value: Value<'_, 'a>) -> json::Result<()> {
        value.skip()
    }
}

fn is_pod(kind: &GroupVersionKind<'_>) -> bool {
    kind.group.is_empty() && kind.version == "v1" && kind.kind == "Pod"
}

/// As in Go, `null` leaves a string as it is.
fn set<'a>(field: &mut Cow<'a, str>, value: Value<'_, 'a>) -> json::Result<()> {
    if let Some(text) = value.text()? {
        *field = text;
    }
    Ok(())
}

fn set_raw<'a>(field: &mut Option<&'a [u8]>, value: Value<'_, 'a>) -> json::Result<()> {
    if let Some(object) = value.raw()? {
        *field = Some(object.as_bytes());
    }
    Ok(())
}
