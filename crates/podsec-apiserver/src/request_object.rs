//! What the audit log learns of the object that a client sent.

use podsec_apimachinery::schema::{self, Definitions};
use podsec_audit::{Level, Recording};
use serde_json::Value;

/// Notes a decoded and defaulted object, as Go writes it.
pub(crate) fn record(recording: &Recording, object: &Value) {
    let text = |field: &str| object.get(field).and_then(Value::as_str).unwrap_or_default();
    let (group, version) = text("apiVersion").split_once('/').unwrap_or(("", text("apiVersion")));
    let schema = Definitions::builtin().kind(group, version, text("kind"));
    match schema {
        Some(schema) if recording.level() >= Level::Request => {
            let mut written = object.clone();
            schema::write_zeros(schema, &mut written);
            recording.request_object(&written);
        }
        _ => recording.request_object(object),
    }
}
