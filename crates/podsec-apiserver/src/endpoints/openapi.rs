//! `/openapi/v2` and `/openapi/v3`: the schemas behind `kubectl explain` and validation.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use bytes::Bytes;
use hyper::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_TYPE, ETAG, EXPIRES, HeaderValue, IF_NONE_MATCH, LOCATION,
};
use hyper::{Response, StatusCode};
use jiff::{SignedDuration, Timestamp};
use podsec_apimachinery::openapi::{self, Freshness, v2};
use podsec_apimachinery::schema::catalog::Resource;
use serde_json::Value;

use crate::apiserver::ApiServer;
use crate::body::ResponseBody;
use crate::pipeline::{Answer, Context};

/// Answers under `/openapi`; `None` for an unknown path.
pub(super) fn openapi(api: &ApiServer, context: &Context, rest: &[&str]) -> Option<Answer> {
    match rest {
        ["v2"] => Some(version_2(context)),
        ["v3"] => {
            let index = openapi::index(api.catalog(), &no_custom_resources).to_string();
            Some(Answer::document("application/json", index))
        }
        ["v3", "api", version] => version_3(api, context, "", version),
        ["v3", "apis", group, version] => version_3(api, context, group, version),
        _ => None,
    }
}

/// For protobuf, the empty message: a valid document, and kubectl wants no more than that.
fn version_2(context: &Context) -> Answer {
    let accept = context.headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match v2::Representation::negotiate(accept) {
        v2::Representation::Json => Answer::document("application/json", VERSION_2.to_vec()),
        v2::Representation::EmptyProtobuf => Answer::document("application/octet-stream", Vec::new()),
        v2::Representation::NotAcceptable => {
            let mut response = Response::new(ResponseBody::Full(None));
            *response.status_mut() = StatusCode::NOT_ACCEPTABLE;
            Answer::Response(Box::new(response))
        }
    }
}

fn version_3(api: &ApiServer, context: &Context, group: &str, version: &str) -> Option<Answer> {
    let hash = openapi::hash(api.catalog(), group, version, &no_custom_resources)?;
    let mut response = Response::new(ResponseBody::Full(None));
    let freshness = Freshness::of(context.query.value("hash"), &hash);
    if freshness == Freshness::Redirect {
        *response.status_mut() = StatusCode::MOVED_PERMANENTLY;
        let url = format!("{}?hash={hash}", context.info.path);
        response.headers_mut().insert(LOCATION, HeaderValue::try_from(url).ok()?);
        return Some(Answer::Response(Box::new(response)));
    }
    let tag = HeaderValue::try_from(format!("\"{hash}\"")).ok()?;
    if context.headers.get(IF_NONE_MATCH) == Some(&tag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        *response.body_mut() = ResponseBody::Full(Some(document(api, group, version, &hash)?));
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

/// The document, written once for each hash.
fn document(api: &ApiServer, group: &str, version: &str, hash: &str) -> Option<Bytes> {
    if let Some(known) = VERSION_3.read().unwrap_or_else(PoisonError::into_inner).get(hash) {
        return Some(known.clone());
    }
    let document = openapi::document(api.catalog(), group, version, &no_custom_resources)?;
    let bytes = Bytes::from(serde_json::to_vec(&document).ok()?);
    VERSION_3.write().unwrap_or_else(PoisonError::into_inner).insert(hash.to_owned(), bytes.clone());
    Some(bytes)
}

fn no_custom_resources(_: &Resource) -> Option<Value> {
    None
}

static VERSION_2: LazyLock<Arc<[u8]>> =
    LazyLock::new(|| serde_json::to_vec(&v2::document()).unwrap_or_default().into());
static VERSION_3: LazyLock<RwLock<HashMap<String, Bytes>>> = LazyLock::new(RwLock::default);
