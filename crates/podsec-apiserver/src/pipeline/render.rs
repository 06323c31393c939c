//! The innermost step: what a handler answers, written as the client wants it.

use hyper::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS};
use hyper::{Response, StatusCode};
use podsec_apimachinery::Status;
use podsec_apimachinery::codec::protobuf_encode;
use podsec_apimachinery::status::Details;
use serde::Serialize;

use crate::answer::Answer;
use crate::authorization::refusal;
use crate::body::ResponseBody;
use crate::request::RequestInfo;
use crate::request::User;
use crate::request::representation::{Encoding, Representation};
use crate::sinks::Sinks;

/// Writes what the handler answers, and lets the audit log see it.
pub(super) fn render(
    representation: Representation,
    sinks: &Sinks,
    outcome: Result<Answer, Answer>,
) -> Response<ResponseBody> {
    let (Ok(answer) | Err(answer)) = outcome;
    let mut response = match answer {
        Answer::Object { code, content_type, object } => {
            if object.get("kind").is_some_and(|kind| kind == "Status") {
                sinks.recording.response_status(&object);
            } else {
                sinks.recording.response_object(&object);
            }
            let mut response = encode(code, &object, representation);
            if let Some(content_type) = content_type {
                response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
            }
            response
        }
        // Kubernetes writes this one where the audit log does not look.
        Answer::Status(status) if status.code == 406 => render_status(&status, representation),
        Answer::Status(status) => {
            sinks.recording.response_status(&status);
            render_status(&status, representation)
        }
        Answer::Forbidden(status) => {
            sinks.recording.response_status(&status);
            let mut response = render_status(&status, representation);
            response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
            response
        }
        Answer::Response(response) => *response,
    };
    sinks.warnings.write(response.headers_mut());
    response
}

/// Writes an answer that nobody watches.
pub(super) fn render_bare(answer: Answer, representation: Representation) -> Response<ResponseBody> {
    match answer {
        Answer::Object { code, object, .. } => encode(code, &object, representation),
        Answer::Status(status) | Answer::Forbidden(status) => render_status(&status, representation),
        Answer::Response(response) => *response,
    }
}

/// Writes a Status.
pub(super) fn render_status(status: &Status, mut representation: Representation) -> Response<ResponseBody> {
    representation.pretty |= status.code == 406;
    let mut response = encode(status.code, status, representation);
    let retry_after = status.details.as_ref().map_or(0, |details| details.retry_after_seconds);
    if retry_after > 0 {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(retry_after));
    }
    response
}

/// 403: what an unauthorized request gets.
pub(super) fn forbidden(user: &User, info: &RequestInfo, reason: &str) -> Status {
    let why = refusal(user, info, reason);
    if info.is_resource {
        return Status::forbidden(info.group_resource(), &info.name, &why);
    }
    let message = format!("forbidden: {why}");
    Status { details: Some(Details::default()), ..Status::failure(403, "Forbidden", message) }
}

/// JSON, which is YAML as well: who asks for YAML gets it under that name. What has no protobuf message is JSON for
/// everybody.
fn encode(code: u16, object: &impl Serialize, mut representation: Representation) -> Response<ResponseBody> {
    if representation.encoding == Encoding::Protobuf {
        let encoded =
            serde_json::to_value(object).ok().and_then(|object| protobuf_encode::encode(&object).ok());
        if let Some(bytes) = encoded {
            let mut response = Response::new(ResponseBody::from(bytes));
            *response.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(PROTOBUF));
            return response;
        }
        representation.encoding = Encoding::Json;
    }
    let written =
        if representation.pretty { serde_json::to_vec_pretty(object) } else { serde_json::to_vec(object) };
    let mut bytes = written.unwrap_or_default();
    bytes.push(b'\n');
    let mut response = Response::new(ResponseBody::from(bytes));
    *response.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let content_type = match representation.encoding {
        Encoding::Json | Encoding::Protobuf => "application/json",
        Encoding::Yaml => "application/yaml",
    };
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// The content type of objects in Kubernetes' protobuf.
pub(crate) const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";
