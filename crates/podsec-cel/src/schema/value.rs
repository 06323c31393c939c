//! The value of a JSON object by its schema.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;

use super::escape::escape;
use crate::error::{Budget, Error};
use crate::library;
use crate::value::{Key, List, ListSemantics, Object, SCHEMA_OBJECT, Value};

/// The value of a part of an object by the schema of that part.
///
/// # Errors
/// When the value is not of the schema's type, or not in its format.
pub fn value(json: &Json, schema: &Json) -> Result<Value, Error> {
    let flag = |name: &str| schema.get(name).and_then(Json::as_bool).unwrap_or_default();
    if json.is_null() {
        return if flag("nullable") {
            Ok(Value::Null)
        } else {
            Err(Error::new("invalid data, got null for schema with nullable=false"))
        };
    }
    if flag("x-kubernetes-int-or-string") {
        return Ok(Value::from_json(json));
    }
    match (schema.get("type").and_then(Json::as_str).unwrap_or_default(), json) {
        ("object", Json::Object(fields)) => object(fields, schema),
        ("array", Json::Array(items)) => {
            let of = schema.get("items").unwrap_or(&Json::Null);
            let items = items.iter().map(|item| value(item, of)).collect::<Result<_, _>>()?;
            Ok(Value::List(Arc::new(List { items, semantics: semantics(schema) })))
        }
        ("string", Json::String(text)) => string(text, schema),
        ("number", Json::Number(number)) => Ok(Value::Double(number.as_f64().unwrap_or(f64::NAN))),
        ("integer", Json::Number(number)) => number
            .as_i64()
            .map(Value::Int)
            .ok_or_else(|| Error::new("invalid data, expected int, got a number with a fraction")),
        ("boolean", Json::Bool(flag)) => Ok(Value::Bool(*flag)),
        ("", other) => Ok(Value::from_json(other)),
        (of, _) => Err(Error::new(format!("invalid data, expected {of}"))),
    }
}

fn object(fields: &serde_json::Map<String, Json>, schema: &Json) -> Result<Value, Error> {
    if let Some(inner) = schema.get("additionalProperties").filter(|inner| inner.is_object()) {
        let entries = fields
            .iter()
            .map(|(name, json)| Ok((Key::String(name.as_str().into()), value(json, inner)?)))
            .collect::<Result<_, Error>>()?;
        return Ok(Value::map(entries));
    }
    let properties = schema.get("properties");
    let text = serde_json::json!({ "type": "string" });
    let mut set = std::collections::BTreeMap::new();
    // A field that is null counts as absent.
    for (name, json) in fields.iter().filter(|(_, json)| !json.is_null()) {
        let Some(escaped) = escape(name) else { continue };
        let known = properties.and_then(|properties| properties.get(name));
        let part = match (known, name.as_str()) {
            // Of an object's identity only these are seen, whatever the schema says of it.
            (_, "kind" | "apiVersion") if known.is_none() => value(json, &text),
            (_, "metadata") if known.is_none_or(|known| known.get("properties").is_none()) => {
                Ok(metadata(json))
            }
            (Some(known), _) => value(json, known),
            (None, _) => continue,
        };
        set.insert(escaped, part?);
    }
    Ok(Value::Object(Arc::new(Object { message: SCHEMA_OBJECT.into(), fields: set })))
}

/// Name and generateName.
fn metadata(json: &Json) -> Value {
    let seen = ["name", "generateName"].into_iter().filter_map(|name| {
        json.get(name).and_then(Json::as_str).map(|text| (name.to_owned(), Value::string(text)))
    });
    Value::Object(Arc::new(Object { message: SCHEMA_OBJECT.into(), fields: seen.collect() }))
}

fn semantics(schema: &Json) -> ListSemantics {
    match schema.get("x-kubernetes-list-type").and_then(Json::as_str) {
        Some("set") => ListSemantics::Set,
        Some("map") => {
            let keys = schema.get("x-kubernetes-list-map-keys").and_then(Json::as_array);
            let keys = keys.into_iter().flatten().filter_map(Json::as_str).filter_map(escape);
            ListSemantics::Map(keys.collect())
        }
        _ => ListSemantics::Atomic,
    }
}

fn string(text: &str, schema: &Json) -> Result<Value, Error> {
    let mut budget = Budget::new(u64::MAX);
    let args = [Value::string(text)];
    match schema.get("format").and_then(Json::as_str).unwrap_or_default() {
        "duration" => duration(text).map(Value::Duration).ok_or_else(|| {
            Error::new(format!("Invalid duration {text}: unable to parse {text} as duration"))
        }),
        "date" => {
            let midnight = [Value::string(format!("{text}T00:00:00Z"))];
            library::to_timestamp(&midnight, &mut budget)
                .map_err(|_| Error::new(format!("Invalid date formatted string {text}: expected yyyy-mm-dd")))
        }
        "date-time" => library::to_timestamp(&args, &mut budget)
            .map_err(|error| Error::new(format!("Invalid date-time formatted string {text}: {error}"))),
        "byte" => STANDARD
            .decode(text)
            .map(|bytes| Value::Bytes(bytes.into()))
            .map_err(|error| Error::new(format!("Invalid byte formatted string {text}: {error}"))),
        _ => {
            let [text] = args;
            Ok(text)
        }
    }
}

/// A duration as schemas take it: as Go reads it, or whole numbers of units up to weeks, as in `1d` or `2 weeks`.
fn duration(text: &str) -> Option<i64> {
    if let Ok(nanoseconds) = podsec_go::duration::parse(text) {
        return Some(nanoseconds);
    }
    let mut rest = text.trim();
    let mut sum: i64 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|character: char| !character.is_ascii_digit())?;
        let count: i64 = rest.get(..digits)?.parse().ok()?;
        rest = rest.get(digits..)?.trim_start();
        let letters = rest.find(|character: char| !character.is_alphabetic()).unwrap_or(rest.len());
        let unit =
            UNITS.iter().find(|(names, _)| names.contains(&rest.get(..letters).unwrap_or_default()))?.1;
        sum = sum.checked_add(count.checked_mul(unit)?)?;
        rest = rest.get(letters..)?.trim_start();
    }
    Some(sum).filter(|sum| *sum != 0)
}

/// The names of units and their nanoseconds.
const UNITS: &[(&[&str], i64)] = &[
    (&["ns", "nano"], 1),
    (&["us", "µs", "micro"], 1_000),
    (&["ms", "milli"], 1_000_000),
    (&["s", "sec", "secs", "second", "seconds"], 1_000_000_000),
    (&["m", "min", "mins", "minute", "minutes"], 60_000_000_000),
    (&["h", "hr", "hrs", "hour", "hours"], 3_600_000_000_000),
    (&["d", "day", "days"], 86_400_000_000_000),
    (&["w", "wk", "wks", "week", "weeks"], 604_800_000_000_000),
];
