//! Between authentication and impersonation: the audit log watches the rest of the request.

use hyper::header::{HeaderValue, USER_AGENT};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Response};
use jiff::Timestamp;
use podsec_audit::{Attributes, Recording, Request, source_ips};

use super::Peer;
use crate::authentication::User;
use crate::authorization::Decision;
use crate::body::ResponseBody;
use crate::request_info::RequestInfo;

/// The request as the audit log sees it.
pub(super) fn request<'a>(
    peer: &Peer,
    parts: &'a Parts,
    uri: &'a str,
    info: &'a RequestInfo,
    received: Timestamp,
    audit_id: &'a str,
) -> Request<'a> {
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    Request {
        audit_id,
        uri,
        received,
        source_ips: source_ips(header("x-forwarded-for"), header("x-real-ip"), peer.address.ip()),
        user_agent: user_agent(&parts.headers),
        attributes: Attributes {
            verb: &info.verb,
            path: &info.path,
            is_resource: info.is_resource,
            group: &info.group,
            version: &info.version,
            resource: &info.resource,
            subresource: &info.subresource,
            namespace: &info.namespace,
            name: &info.name,
        },
    }
}

/// The user as the audit log sees it.
pub(super) fn user(user: &User) -> podsec_audit::User {
    podsec_audit::User {
        username: user.name.clone(),
        uid: user.uid.clone(),
        groups: user.groups.clone(),
        extra: user.extra.clone(),
    }
}

/// Notes what authorization has decided.
pub(super) fn note_decision(recording: &Recording, decision: &Decision) {
    let (decision, reason) = match decision {
        Decision::Allow(reason) => ("allow", reason.as_str()),
        Decision::Forbid => ("forbid", ""),
    };
    recording.annotate("authorization.k8s.io/decision", decision);
    recording.annotate("authorization.k8s.io/reason", reason);
}

/// Notes that the answer goes out. A stream ends when whatever fills it drops its clone of the recording.
pub(super) fn end(recording: &Recording, response: &Response<ResponseBody>) {
    recording.started(response.status().as_u16());
    if matches!(response.body(), ResponseBody::Full(_)) {
        recording.complete();
    }
}

fn user_agent(headers: &HeaderMap) -> &[u8] {
    headers.get(USER_AGENT).map(HeaderValue::as_bytes).unwrap_or_default()
}
