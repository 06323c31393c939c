//! The outermost layer: every request has an audit id, the client's own or a new one, and the answer repeats it.

use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};

const AUDIT_ID: HeaderName = HeaderName::from_static("audit-id");

/// Takes the first `Audit-ID` of the request as it is, or makes a random one.
pub(super) fn choose(headers: &HeaderMap) -> String {
    podsec_audit::audit_id(headers.get(AUDIT_ID).map(HeaderValue::as_bytes))
}

/// Puts the id into the answer, unless it is there.
pub(super) fn stamp(headers: &mut HeaderMap, id: &str) {
    if let Ok(value) = HeaderValue::from_bytes(id.as_bytes()) {
        headers.entry(AUDIT_ID).or_insert(value);
    }
}
