//! Google's form of an audit event: a LogEntry with a `protoPayload`.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::LoggedEvent;
use super::annotations::of_pod_security;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Entry<'a> {
    #[serde(borrow)]
    timestamp: Cow<'a, str>,
    #[serde(borrow)]
    insert_id: Cow<'a, str>,
    #[serde(borrow)]
    labels: Option<&'a RawValue>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Payload<'a> {
    #[serde(borrow)]
    method_name: Cow<'a, str>,
    #[serde(borrow)]
    resource_name: Cow<'a, str>,
    #[serde(borrow)]
    request: Option<&'a RawValue>,
    #[serde(borrow)]
    response: Option<&'a RawValue>,
    #[serde(borrow)]
    status: Option<RpcStatus<'a>>,
    #[serde(borrow)]
    authentication_info: Option<Principal<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RpcStatus<'a> {
    code: u16,
    #[serde(borrow)]
    message: Cow<'a, str>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Principal<'a> {
    #[serde(borrow)]
    principal_email: Cow<'a, str>,
}

/// The event of an entry, if its payload is one of Kubernetes.
pub(super) fn event<'a>(entry: &'a [u8], payload: &'a str) -> Option<LoggedEvent<'a>> {
    let entry: Entry<'_> = serde_json::from_slice(entry).ok()?;
    let payload: Payload<'_> = serde_json::from_str(payload).ok()?;
    if !payload.method_name.starts_with("io.") {
        return None;
    }
    let (_, verb) = payload.method_name.rsplit_once('.')?;
    // GROUP/VERSION/[namespaces/NAMESPACE/]RESOURCE[/NAME[/SUBRESOURCE]]
    let parts: Vec<&str> = payload.resource_name.split('/').collect();
    let (group, rest) = match parts.as_slice() {
        [group, _, rest @ ..] => (*group, rest),
        _ => return None,
    };
    let (namespace, rest) = match rest {
        ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (*namespace, rest),
        rest => ("", rest),
    };
    let part = |index: usize| Cow::Owned(rest.get(index).copied().unwrap_or_default().to_owned());
    let status = payload.status.unwrap_or_default();
    let body = |body: Option<&'a RawValue>| body.map(RawValue::get).filter(|body| body.starts_with('{'));
    let (request, response) = (body(payload.request), body(payload.response));
    Some(LoggedEvent {
        level: Cow::Borrowed(match (request, response) {
            (None, None) => "Metadata",
            (Some(_), None) => "Request",
            _ => "RequestResponse",
        }),
        audit_id: entry.insert_id,
        verb: Cow::Owned(verb.to_owned()),
        user: payload.authentication_info.unwrap_or_default().principal_email,
        group: Cow::Owned(if group == "core" { String::new() } else { group.to_owned() }),
        resource: part(0),
        name: part(1),
        subresource: part(2),
        namespace: Cow::Owned(namespace.to_owned()),
        code: Some(http_code(status.code)),
        message: status.message,
        time: entry.timestamp,
        request: request.map(Cow::Borrowed),
        response: response.map(Cow::Borrowed),
        annotations: of_pod_security(entry.labels),
        ..LoggedEvent::default()
    })
}

/// The HTTP code that Google's API tells by this code of gRPC.
fn http_code(code: u16) -> u16 {
    match code {
        0 => 200,
        3 | 9 | 11 => 400,
        5 => 404,
        6 | 10 => 409,
        7 => 403,
        8 => 429,
        12 => 501,
        14 => 503,
        16 => 401,
        _ => 500,
    }
}
