//! Takes off what is around an event.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::annotations::of_pod_security;
use super::columns::event_of_columns;
use super::{LogReader, LoggedEvent, MOST_DEPTH, gke};

/// An event, or what may be around one. Nothing is decoded before it is known which.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Envelope<'a> {
    #[serde(borrow)]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    api_version: Option<&'a RawValue>,
    #[serde(borrow)]
    level: Option<&'a RawValue>,
    #[serde(borrow, rename = "auditID")]
    audit_id: Option<&'a RawValue>,
    #[serde(borrow)]
    stage: Option<&'a RawValue>,
    #[serde(borrow, rename = "requestURI")]
    request_uri: Option<&'a RawValue>,
    #[serde(borrow)]
    verb: Option<&'a RawValue>,
    #[serde(borrow)]
    user: Option<&'a RawValue>,
    #[serde(borrow)]
    impersonated_user: Option<&'a RawValue>,
    #[serde(borrow)]
    object_ref: Option<&'a RawValue>,
    #[serde(borrow)]
    response_status: Option<&'a RawValue>,
    #[serde(borrow)]
    request_object: Option<&'a RawValue>,
    #[serde(borrow)]
    response_object: Option<&'a RawValue>,
    #[serde(borrow)]
    request_received_timestamp: Option<&'a RawValue>,
    #[serde(borrow)]
    annotations: Option<&'a RawValue>,
    // What is around events.
    #[serde(borrow)]
    items: Option<&'a RawValue>,
    #[serde(borrow)]
    proto_payload: Option<&'a RawValue>,
    #[serde(borrow)]
    records: Option<&'a RawValue>,
    #[serde(borrow)]
    log_events: Option<&'a RawValue>,
    #[serde(borrow)]
    events: Option<&'a RawValue>,
    #[serde(borrow)]
    properties: Option<&'a RawValue>,
    #[serde(borrow)]
    message: Option<&'a RawValue>,
    #[serde(borrow, rename = "@message")]
    at_message: Option<&'a RawValue>,
    #[serde(borrow)]
    log: Option<&'a RawValue>,
    #[serde(borrow, rename = "log_s")]
    log_column: Option<&'a RawValue>,
    #[serde(borrow, rename = "properties_s")]
    properties_column: Option<&'a RawValue>,
    #[serde(borrow)]
    line: Option<&'a RawValue>,
    #[serde(borrow)]
    streams: Option<&'a RawValue>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    #[serde(borrow)]
    values: Option<&'a RawValue>,
    #[serde(borrow, rename = "_source")]
    source: Option<&'a RawValue>,
    #[serde(borrow)]
    hits: Option<&'a RawValue>,
    #[serde(borrow)]
    tables: Option<&'a RawValue>,
    #[serde(borrow)]
    rows: Option<&'a RawValue>,
    #[serde(borrow)]
    columns: Option<&'a RawValue>,
    #[serde(borrow)]
    json_payload: Option<&'a RawValue>,
    #[serde(borrow)]
    text_payload: Option<&'a RawValue>,
    /// Columns of Log Analytics' own table.
    #[serde(borrow, rename = "AuditId")]
    audit_id_column: Option<&'a RawValue>,
    #[serde(borrow, rename = "RequestUri")]
    request_uri_column: Option<&'a RawValue>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct UserInfo<'a> {
    #[serde(borrow)]
    username: Cow<'a, str>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Reference<'a> {
    #[serde(borrow)]
    resource: Cow<'a, str>,
    #[serde(borrow)]
    subresource: Cow<'a, str>,
    #[serde(borrow)]
    namespace: Cow<'a, str>,
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    api_group: Cow<'a, str>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Outcome<'a> {
    code: Option<u16>,
    #[serde(borrow)]
    message: Cow<'a, str>,
}

impl LogReader {
    /// A value that is an event, or has some in it.
    pub(super) fn value(&mut self, json: &[u8], depth: usize, each: &mut dyn FnMut(&LoggedEvent<'_>)) {
        if depth > MOST_DEPTH {
            self.counts.other += 1;
            return;
        }
        if json.first() == Some(&b'[') {
            return self.list(json, depth, each);
        }
        let envelope = match serde_json::from_slice::<Envelope<'_>>(json) {
            Ok(envelope) => envelope,
            Err(error) => {
                // What ends too early, or says so, was cut off.
                let says_so = memchr::memmem::find(json, b"[Truncated...]").is_some();
                if error.is_eof() || says_so {
                    self.counts.cut += 1;
                } else {
                    self.counts.other += 1;
                }
                return;
            }
        };
        if is_text(envelope.api_version, |version| version.starts_with("audit.k8s.io/"))
            && is_text(envelope.kind, |kind| kind == "Event")
        {
            self.counts.events += 1;
            let event = event(&envelope, &mut self.counts.bodies_left_out);
            return each(&event);
        }
        if let Some(payload) = envelope.proto_payload {
            match gke::event(json, payload.get()) {
                Some(event) => {
                    self.counts.events += 1;
                    each(&event);
                }
                None => self.counts.other += 1,
            }
            return;
        }
        if envelope.audit_id_column.is_some() && envelope.request_uri_column.is_some() {
            let row: Value = serde_json::from_slice(json).unwrap_or_default();
            return match event_of_columns(&row) {
                Some(event) => self.value(event.to_string().as_bytes(), depth + 1, each),
                None => self.counts.other += 1,
            };
        }
        if let (Some(columns), Some(rows)) = (envelope.columns, envelope.rows) {
            return self.rows(columns, rows, depth, each);
        }
        self.unwrapped(&envelope, depth, each);
    }

    /// What is in a wrapper, whichever it is.
    fn unwrapped(&mut self, envelope: &Envelope<'_>, depth: usize, each: &mut dyn FnMut(&LoggedEvent<'_>)) {
        let within = [
            envelope.items,
            envelope.records,
            envelope.log_events,
            envelope.events,
            envelope.properties,
            envelope.message,
            envelope.at_message,
            envelope.log,
            envelope.log_column,
            envelope.properties_column,
            envelope.line,
            envelope.streams,
            envelope.data,
            envelope.result,
            envelope.values,
            envelope.source,
            envelope.hits,
            envelope.tables,
            envelope.json_payload,
            envelope.text_payload,
        ];
        let Some(within) = within.into_iter().flatten().find(|within| within.get() != "null") else {
            self.counts.other += 1;
            return;
        };
        let text = within.get();
        match text.as_bytes().first() {
            Some(b'{' | b'[') => self.value(text.as_bytes(), depth + 1, each),
            Some(b'"') => match serde_json::from_str::<Cow<'_, str>>(text) {
                Ok(text) => self.text(text.as_bytes(), depth + 1, each),
                Err(_) => self.counts.other += 1,
            },
            _ => self.counts.other += 1,
        }
    }

    /// A list of values; of Loki's pairs of a time and a line, the lines.
    fn list(&mut self, json: &[u8], depth: usize, each: &mut dyn FnMut(&LoggedEvent<'_>)) {
        let Ok(values) = serde_json::from_slice::<Vec<&RawValue>>(json) else {
            self.counts.cut += 1;
            return;
        };
        let is_text = |value: &&RawValue| value.get().starts_with('"');
        if values.len() >= 2
            && values.iter().take(2).all(is_text)
            && let Some(line) = values.get(1)
        {
            let line = serde_json::from_str::<Cow<'_, str>>(line.get()).unwrap_or_default();
            return self.text(line.as_bytes(), depth + 1, each);
        }
        for value in values {
            match serde_json::from_str::<Cow<'_, str>>(value.get()) {
                Ok(text) => self.text(text.as_bytes(), depth + 1, each),
                Err(_) => self.value(value.get().as_bytes(), depth + 1, each),
            }
        }
    }

    /// The rows of a table, as Log Analytics answers.
    fn rows(
        &mut self,
        columns: &RawValue,
        rows: &RawValue,
        depth: usize,
        each: &mut dyn FnMut(&LoggedEvent<'_>),
    ) {
        let columns: Vec<Value> = serde_json::from_str(columns.get()).unwrap_or_default();
        let rows: Vec<Vec<Value>> = serde_json::from_str(rows.get()).unwrap_or_default();
        let names: Vec<&str> = columns
            .iter()
            .map(|column| column.get("name").and_then(Value::as_str).unwrap_or_default())
            .collect();
        for row in rows {
            let members = names.iter().map(|name| (*name).to_owned()).zip(row);
            self.value(Value::Object(members.collect()).to_string().as_bytes(), depth + 1, each);
        }
    }
}

fn event<'a>(envelope: &Envelope<'a>, left_out: &mut usize) -> LoggedEvent<'a> {
    let reference: Reference<'a> = part(envelope.object_ref);
    let outcome: Outcome<'a> = part(envelope.response_status);
    let user: UserInfo<'a> = part(envelope.impersonated_user.or(envelope.user));
    let mut body = |body: Option<&'a RawValue>| {
        let text = body?.get();
        // A string in the place of an object says that the object was too large.
        *left_out += usize::from(text.starts_with('"'));
        text.starts_with('{').then_some(Cow::Borrowed(text))
    };
    let (request, response) = (body(envelope.request_object), body(envelope.response_object));
    LoggedEvent {
        level: text(envelope.level),
        stage: text(envelope.stage),
        audit_id: text(envelope.audit_id),
        uri: text(envelope.request_uri),
        verb: text(envelope.verb),
        user: user.username,
        group: reference.api_group,
        resource: reference.resource,
        subresource: reference.subresource,
        namespace: reference.namespace,
        name: reference.name,
        code: outcome.code,
        message: outcome.message,
        time: text(envelope.request_received_timestamp),
        request,
        response,
        annotations: of_pod_security(envelope.annotations),
    }
}

fn part<'a, T: Default + Deserialize<'a>>(json: Option<&'a RawValue>) -> T {
    json.and_then(|json| serde_json::from_str(json.get()).ok()).unwrap_or_default()
}

fn text(json: Option<&RawValue>) -> Cow<'_, str> {
    let Some(json) = json else { return Cow::Borrowed("") };
    let plain = json.get().strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    match plain.filter(|text| !text.contains('\\')) {
        Some(text) => Cow::Borrowed(text),
        None => Cow::Owned(serde_json::from_str(json.get()).unwrap_or_default()),
    }
}

fn is_text(json: Option<&RawValue>, fits: impl Fn(&str) -> bool) -> bool {
    json.is_some_and(|json| fits(&text(Some(json))))
}
