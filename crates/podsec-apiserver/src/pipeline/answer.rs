//! The innermost step: what a handler answers, written as the client wants it.

use hyper::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS};
use hyper::{Response, StatusCode};
use podsec_apimachinery::Status;
use podsec_apimachinery::status::Details;
use serde::Serialize;
use serde_json::Value;

use super::context::Context;
use crate::authentication::User;
use crate::authorization::refusal;
use crate::body::ResponseBody;
use crate::negotiation::{Encoding, Representation};
use crate::request_info::RequestInfo;

/// What a handler answers.
pub(crate) enum Answer {
    /// An object or list; the audit log may hold it.
    Object {
        /// The HTTP status code.
        code: u16,
        /// The content type, when it is not that of the representation.
        content_type: Option<&'static str>,
        /// The object.
        object: Value,
    },
    /// A `metav1.Status`; the audit log holds it.
    Status(Status),
    /// The refusal of an authorizer: the same, and browsers shall not guess its type.
    Forbidden(Status),
    /// Anything else, as it is.
    Response(Box<Response<ResponseBody>>),
}

impl Answer {
    /// 200 with an object.
    pub(crate) fn ok(object: Value) -> Self {
        Self::Object { code: 200, content_type: None, object }
    }

    /// 200 with a body of any type.
    pub(crate) fn document(content_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        let mut response = Response::new(ResponseBody::from(body.into()));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        Self::Response(Box::new(response))
    }

    /// Plain text with a status code.
    pub(crate) fn text(code: StatusCode, text: &str) -> Self {
        let mut response = Response::new(ResponseBody::from(text.as_bytes().to_vec()));
        *response.status_mut() = code;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        Self::Response(Box::new(response))
    }

    /// 500 as plain text, as some filters of kube-apiserver answer. The URI is made harmless for browsers.
    pub(crate) fn internal_error_text(uri: &str, why: &str) -> Self {
        let uri = uri.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&#34;");
        Self::text(StatusCode::INTERNAL_SERVER_ERROR, &format!("Internal Server Error: \"{uri}\": {why}\n"))
    }

    /// 404 as plain text: a path that is no resource's.
    pub(crate) fn page_not_found() -> Self {
        Self::text(StatusCode::NOT_FOUND, "404 page not found\n")
    }
}

impl From<Status> for Answer {
    fn from(status: Status) -> Self {
        Self::Status(status)
    }
}

/// Writes what the handler answers, and lets the audit log see it.
pub(super) fn render(context: &Context, outcome: Result<Answer, Answer>) -> Response<ResponseBody> {
    let (Ok(answer) | Err(answer)) = outcome;
    let mut response = match answer {
        Answer::Object { code, content_type, object } => {
            if object.get("kind").is_some_and(|kind| kind == "Status") {
                context.recording.response_status(&object);
            } else {
                context.recording.response_object(&object);
            }
            let mut response = encode(code, &object, context.representation);
            if let Some(content_type) = content_type {
                response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
            }
            response
        }
        // Kubernetes writes this one where the audit log does not look.
        Answer::Status(status) if status.code == 406 => render_status(&status, context.representation),
        Answer::Status(status) => {
            context.recording.response_status(&status);
            render_status(&status, context.representation)
        }
        Answer::Forbidden(status) => {
            context.recording.response_status(&status);
            let mut response = render_status(&status, context.representation);
            response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
            response
        }
        Answer::Response(response) => *response,
    };
    context.warnings.write(response.headers_mut());
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

/// JSON, which is YAML as well: who asks for YAML gets it under that name.
fn encode(code: u16, object: &impl Serialize, representation: Representation) -> Response<ResponseBody> {
    let written =
        if representation.pretty { serde_json::to_vec_pretty(object) } else { serde_json::to_vec(object) };
    let mut bytes = written.unwrap_or_default();
    bytes.push(b'\n');
    let mut response = Response::new(ResponseBody::from(bytes));
    *response.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let content_type = match representation.encoding {
        Encoding::Json => "application/json",
        Encoding::Yaml => "application/yaml",
    };
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
