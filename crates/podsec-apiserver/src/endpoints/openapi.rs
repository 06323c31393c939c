//! `/openapi/v2` and `/openapi/v3`: the schemas behind `kubectl explain` and validation.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use bytes::Bytes;
use hyper::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_TYPE, ETAG, EXPIRES, HeaderValue, IF_NONE_MATCH, LOCATION, VARY,
};
use hyper::{Response, StatusCode};
use jiff::{SignedDuration, Timestamp};
use podsec_apimachinery::openapi::{self, Freshness, v2};
use podsec_apimachinery::schema::catalog::Resource;
use serde_json::Value;

use crate::answer::Answer;
use crate::body::ResponseBody;
use crate::request::Request;
use podsec_kinds::custom::Served;

/// Answers under `/openapi`; `None` for an unknown path.
pub(super) fn openapi(served: &Served, request: &Request, rest: &[&str]) -> Option<Answer> {
    match rest {
        ["v2"] => Some(varying(version_2(request))),
        ["v3"] => {
            let index = openapi::index(&served.catalog, &|resource| digest_of(served, resource));
            // As Kubernetes has it, whatever is in there.
            Some(Answer::document("text/plain; charset=utf-8", index.to_string()))
        }
        ["v3", path @ ..] => version_3(served, request, &path.join("/")).map(varying),
        _ => None,
    }
}

/// Says that the answer depends on what the client accepts.
fn varying(answer: Answer) -> Answer {
    match answer {
        Answer::Response(mut response) => {
            response.headers_mut().insert(VARY, HeaderValue::from_static("Accept"));
            Answer::Response(response)
        }
        other => other,
    }
}

/// For protobuf, the empty message: a valid document, and kubectl wants no more than that.
fn version_2(request: &Request) -> Answer {
    let accept = request.headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match v2::Representation::negotiate(accept) {
        v2::Representation::Json => Answer::document("application/json", VERSION_2.to_vec()),
        v2::Representation::EmptyProtobuf => {
            Answer::document("application/com.github.proto-openapi.spec.v2.v1.0+protobuf", Vec::new())
        }
        v2::Representation::NotAcceptable => {
            let mut response = Response::new(ResponseBody::Full(None));
            *response.status_mut() = StatusCode::NOT_ACCEPTABLE;
            Answer::Response(Box::new(response))
        }
    }
}

fn version_3(served: &Served, request: &Request, path: &str) -> Option<Answer> {
    let hash = openapi::hash(&served.catalog, path, &|resource| digest_of(served, resource))?;
    let mut response = Response::new(ResponseBody::Full(None));
    let accept = request.headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    // The document is JSON; who takes nothing else than protobuf gets none.
    if v2::Representation::negotiate(accept) != v2::Representation::Json {
        *response.status_mut() = StatusCode::NOT_ACCEPTABLE;
        return Some(Answer::Response(Box::new(response)));
    }
    let freshness = Freshness::of(request.query.value("hash"), &hash);
    if freshness == Freshness::Redirect {
        *response.status_mut() = StatusCode::MOVED_PERMANENTLY;
        let url = format!("{}?hash={hash}", request.info.path);
        response.headers_mut().insert(LOCATION, HeaderValue::try_from(url).ok()?);
        return Some(Answer::Response(Box::new(response)));
    }
    let tag = HeaderValue::try_from(format!("\"{hash}\"")).ok()?;
    if request.headers.get(IF_NONE_MATCH) == Some(&tag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        *response.body_mut() = ResponseBody::Full(Some(document(served, path, &hash)?));
    }
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(ETAG, tag);
    if freshness == Freshness::Keep {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, immutable"));
        let in_a_year = Timestamp::now().checked_add(SignedDuration::from_hours(24 * 365)).ok()?;
        let expires =
            jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&in_a_year).ok()?;
        headers.insert(EXPIRES, HeaderValue::try_from(expires).ok()?);
    } else {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
    }
    Some(Answer::Response(Box::new(response)))
}

/// The document; that of a built-in version, which stays as it is, is written only once.
fn document(served: &Served, path: &str, hash: &str) -> Option<Bytes> {
    if let Some(known) = VERSION_3.read().unwrap_or_else(PoisonError::into_inner).get(hash) {
        return Some(known.clone());
    }
    let document = openapi::document(&served.catalog, path, &|resource| schema_of(served, resource))?;
    let bytes = Bytes::from(serde_json::to_vec(&document).ok()?);
    if openapi::is_builtin(path) {
        VERSION_3.write().unwrap_or_else(PoisonError::into_inner).insert(hash.to_owned(), bytes.clone());
    }
    Some(bytes)
}

/// The schema of a custom resource, as its definition has it.
fn schema_of(served: &Served, resource: &Resource) -> Option<Value> {
    served.custom(resource).map(|custom| custom.document.clone())
}

fn digest_of(served: &Served, resource: &Resource) -> Option<u64> {
    served.custom(resource).map(|custom| custom.digest)
}

static VERSION_2: LazyLock<Arc<[u8]>> =
    LazyLock::new(|| serde_json::to_vec(&v2::document()).unwrap_or_default().into());
static VERSION_3: LazyLock<RwLock<HashMap<String, Bytes>>> = LazyLock::new(RwLock::default);
