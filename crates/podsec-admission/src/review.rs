//! The `admission.k8s.io/v1` `AdmissionReview`: the envelope in which webhooks are asked and answer.

use podsec_apimachinery::status::{Details, Status};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::json::{Object, Text};
use crate::kinds;
use crate::request::{GroupVersionKind, GroupVersionResource, Request};
use crate::response::{AuditAnnotations, Response};
use crate::type_meta::TypeMeta;

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
    let text = simdutf8::basic::from_utf8(body).map_err(|_| ReviewError::NotUtf8)?;
    let Object(envelope) = serde_json::from_str::<Object<Envelope<'_>>>(text)?;
    expect_review(&TypeMeta { api_version: envelope.api_version, kind: envelope.kind })?;
    let Object(request) = envelope.request.ok_or(ReviewError::NoRequest)?;
    let Object(resource) = request.resource;
    let Object(kind) = request.kind;
    Ok(Request {
        uid: request.uid.0,
        kind: GroupVersionKind { group: kind.group.0, version: kind.version.0, kind: kind.kind.0 },
        resource: GroupVersionResource {
            group: resource.group.0,
            version: resource.version.0,
            resource: resource.resource.0,
        },
        subresource: request.request_sub_resource.0,
        name: request.name.0,
        namespace: request.namespace.0,
        operation: request.operation.0.into(),
        username: request.user_info.0.username.0,
        object: request.object.map(|object| object.get().as_bytes()),
        old_object: request.old_object.map(|object| object.get().as_bytes()),
    })
}

/// Writes the AdmissionReview that answers the request `uid`. It does not repeat the request: the API server
/// does not look for it there.
pub fn encode(uid: &str, response: &Response) -> Vec<u8> {
    let answer = Answer {
        kind: KIND,
        api_version: API_VERSION,
        response: AnswerResponse {
            uid,
            allowed: response.allowed(),
            status: response.status().map(AnswerStatus::of),
            audit_annotations: Annotations(response.audit_annotations()),
            warnings: response.warnings(),
        },
    };
    // Strings, numbers and maps with string keys always have a JSON form.
    serde_json::to_vec(&answer).unwrap_or_default()
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
    Malformed(#[from] serde_json::Error),
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
const API_VERSION: &str = "admission.k8s.io/v1";

/// Whether the body is what it should be. Where it does not say what it is, it is.
fn expect_review(stated: &TypeMeta<'_>) -> Result<(), ReviewError> {
    let review = GroupVersionKind { group: GROUP.into(), version: VERSION.into(), kind: KIND.into() };
    match stated.resolve(&review) {
        Ok((GROUP, VERSION, KIND)) => Ok(()),
        Ok((group, version, kind)) if kinds::is_known(group, version, kind) => {
            Err(ReviewError::UnexpectedKind(format!("{group}/{version}, Kind={kind}")))
        }
        _ => Err(ReviewError::UnknownKind),
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a> {
    #[serde(borrow, default)]
    kind: Text<'a>,
    #[serde(borrow, default)]
    api_version: Text<'a>,
    #[serde(borrow, default)]
    request: Option<Object<EnvelopeRequest<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct EnvelopeRequest<'a> {
    #[serde(borrow, default)]
    uid: Text<'a>,
    #[serde(borrow, default)]
    kind: Object<EnvelopeKind<'a>>,
    #[serde(borrow, default)]
    resource: Object<EnvelopeResource<'a>>,
    /// Not `subResource`: upstream judges by what the client asked for, before any conversion.
    #[serde(borrow, default)]
    request_sub_resource: Text<'a>,
    #[serde(borrow, default)]
    name: Text<'a>,
    #[serde(borrow, default)]
    namespace: Text<'a>,
    #[serde(borrow, default)]
    operation: Text<'a>,
    #[serde(borrow, default)]
    user_info: Object<EnvelopeUser<'a>>,
    #[serde(borrow, default)]
    object: Option<&'a RawValue>,
    #[serde(borrow, default)]
    old_object: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
struct EnvelopeKind<'a> {
    #[serde(borrow, default)]
    group: Text<'a>,
    #[serde(borrow, default)]
    version: Text<'a>,
    #[serde(borrow, default)]
    kind: Text<'a>,
}

#[derive(Default, Deserialize)]
struct EnvelopeResource<'a> {
    #[serde(borrow, default)]
    group: Text<'a>,
    #[serde(borrow, default)]
    version: Text<'a>,
    #[serde(borrow, default)]
    resource: Text<'a>,
}

#[derive(Default, Deserialize)]
struct EnvelopeUser<'a> {
    #[serde(borrow, default)]
    username: Text<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    kind: &'static str,
    api_version: &'static str,
    response: AnswerResponse<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AnswerResponse<'a> {
    uid: &'a str,
    allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<AnswerStatus<'a>>,
    #[serde(skip_serializing_if = "Annotations::is_empty")]
    audit_annotations: Annotations<'a>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    warnings: &'a [String],
}

/// A `metav1.Status` inside another object, where it says no kind and version of its own.
#[derive(Serialize)]
struct AnswerStatus<'a> {
    metadata: Empty,
    status: &'static str,
    message: &'a str,
    reason: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<&'a Details>,
    code: u16,
}

#[derive(Serialize)]
struct Empty {}

impl<'a> AnswerStatus<'a> {
    fn of(status: &'a Status) -> Self {
        Self {
            metadata: Empty {},
            status: "Failure",
            message: &status.message,
            reason: status.reason,
            details: status.details.as_ref(),
            code: status.code,
        }
    }
}

struct Annotations<'a>(&'a AuditAnnotations);

impl Annotations<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Annotations<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (key, value) in self.0.iter() {
            map.serialize_entry(key, &value)?;
        }
        map.end()
    }
}
