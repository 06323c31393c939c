//! What a handler answers, before it is written as the client wants it.

use hyper::header::{CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use hyper::{Response, StatusCode};
use podsec_apimachinery::Status;
use serde_json::Value;

use crate::body::ResponseBody;

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
