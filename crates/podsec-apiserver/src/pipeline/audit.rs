//! Between authentication and impersonation: the audit log watches the rest of the request.

use hyper::header::{HeaderValue, USER_AGENT};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Response};
use jiff::Timestamp;
use podsec_apimachinery::Status;
use podsec_audit::{Auditor, Recording, Request, UserInfo, source_ips};
use tokio::sync::watch;
use tokio::time::Instant;

use super::deadline;
use crate::answer::Answer;
use crate::authorization::Decision;
use crate::body::ResponseBody;
use crate::request::User;
use crate::request::{Peer, RequestInfo};

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
        attributes: podsec_audit::RequestInfo {
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
pub(super) fn user(user: &User) -> UserInfo {
    UserInfo {
        username: user.name.clone(),
        uid: user.uid.clone(),
        groups: user.groups.clone(),
        extra: user.extra.clone(),
    }
}

/// Notes what authorization has decided.
pub(super) fn note_decision(recording: &Recording, decision: &Decision) {
    let (decision, reason) = match decision {
        Decision::Fail(_) => return recording.annotate("authorization.k8s.io/reason", "internal error"),
        Decision::Allow(reason) => ("allow", reason.as_str()),
        Decision::Forbid(reason) => ("forbid", reason.as_str()),
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

/// Waits until the arrival of a request is recorded; only requests that are audited wait.
///
/// # Errors
/// 500 when it cannot be and must, 504 at the deadline, 503 when the server stops meanwhile.
pub(super) async fn receive(
    mut stopping: watch::Receiver<bool>,
    auditor: &Auditor,
    request: &Request<'_>,
    user: &UserInfo,
    deadline: Option<Instant>,
) -> Result<Recording, Answer> {
    let receive = async {
        tokio::select! {
            biased;
            received = auditor.receive(request, user) => {
                // What cannot be recorded does not run.
                received.map_err(|rejected| Answer::internal_error_text(request.uri, &rejected.to_string()))
            }
            _ = stopping.wait_for(|stopping| *stopping) => {
                let why = "the server is shutting down, and its audit log takes no events";
                Err(Status::failure(503, "ServiceUnavailable", why).into())
            }
        }
    };
    deadline::enforce(deadline, receive).await
}

/// Waits until all that was recorded is written, as long as the server does not stop.
///
/// # Errors
/// 504 at the deadline.
pub(super) async fn written(
    mut stopping: watch::Receiver<bool>,
    recording: &Recording,
    deadline: Option<Instant>,
) -> Result<(), Answer> {
    let written = async {
        tokio::select! {
            biased;
            _ = recording.written() => {}
            _ = stopping.wait_for(|stopping| *stopping) => {}
        }
        Ok(())
    };
    deadline::enforce(deadline, written).await
}

fn user_agent(headers: &HeaderMap) -> &[u8] {
    headers.get(USER_AGENT).map(HeaderValue::as_bytes).unwrap_or_default()
}
