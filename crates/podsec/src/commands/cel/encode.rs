//! Values as JSON: what JSON has no form for is an object with one key that begins with `$`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use podsec_cel::value::{Key, Map, Object};
use podsec_cel::{Opaque, Value, kubernetes, native};
use serde_json::{Value as Json, json};

/// The value as JSON.
pub(super) fn json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(flag) => (*flag).into(),
        Value::Int(number) => (*number).into(),
        Value::Uint(number) => json!({ "$uint": number.to_string() }),
        Value::Double(number) => json!({ "$double": double(*number) }),
        Value::String(text) => (**text).into(),
        Value::Bytes(bytes) => json!({ "$bytes": STANDARD.encode(bytes) }),
        Value::Timestamp(_) => json!({ "$timestamp": value.to_string() }),
        Value::Duration(_) => json!({ "$duration": value.to_string() }),
        Value::Type(of) => json!({ "$type": of.name() }),
        Value::List(list) => list.items.iter().map(json).collect(),
        Value::Map(map) => self::map(map),
        Value::Object(object) => self::object(object),
        Value::Optional(Some(inner)) => json!({ "$optional": json(inner) }),
        Value::Optional(None) => json!({ "$none": true }),
        Value::Opaque(opaque) => {
            let key = match &**opaque {
                Opaque::Quantity(_) => "$quantity",
                Opaque::Url(_) => "$url",
                Opaque::Ip(_) => "$ip",
                Opaque::Cidr(_) => "$cidr",
                Opaque::Semver(_) => "$semver",
                Opaque::Format(_) => "$format",
                _ => "$other",
            };
            json!({ key: opaque.to_string() })
        }
        _ => json!({ "$other": value.type_name() }),
    }
}

fn double(number: f64) -> Json {
    if number.is_nan() {
        return "NaN".into();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf" } else { "-Inf" }.into();
    }
    if number == 0.0 && number.is_sign_negative() {
        return "-0".into();
    }
    // Whole numbers are written without a point.
    #[expect(clippy::cast_possible_truncation, reason = "within the bounds, and without a fraction")]
    if number.fract() == 0.0 && number.abs() < 9e18 { (number as i64).into() } else { number.into() }
}

fn map(map: &Map) -> Json {
    let texts: Option<serde_json::Map<String, Json>> = map
        .iter()
        .map(|(key, value)| match key {
            Key::String(text) => Some((text.to_string(), json(value))),
            _ => None,
        })
        .collect();
    texts.map_or_else(
        || {
            let mut entries: Vec<(String, Json)> = map
                .iter()
                .map(|(key, value)| {
                    let key = json(&key.value());
                    (key.to_string(), json!([key, json(value)]))
                })
                .collect();
            entries.sort_by(|one, other| one.0.cmp(&other.0));
            json!({ "$map": entries.into_iter().map(|(_, entry)| entry).collect::<Json>() })
        },
        Json::Object,
    )
}

fn object(object: &Object) -> Json {
    if &*object.message == kubernetes::JSON_PATCH {
        let mut fields: serde_json::Map<String, Json> =
            object.fields.iter().map(|(name, value)| (name.clone(), json(value))).collect();
        for required in ["op", "path"] {
            fields.entry(required).or_insert_with(|| "".into());
        }
        return json!({ "$jsonpatch": fields });
    }
    let mismatches = native::type_mismatches(object);
    let mut encoded =
        json!({ "$object": native(&Value::Object(object.clone().into())), "$typeName": &*object.message });
    if let (false, Some(fields)) = (mismatches.is_empty(), encoded.as_object_mut()) {
        fields.insert("$typeMismatch".to_owned(), mismatches.join("\n").into());
    }
    encoded
}

/// The value as the patcher takes it: a null in a message is 0, and a map with other keys than texts vanishes.
fn native(value: &Value) -> Json {
    match value {
        Value::Object(object) => {
            let fields = object.fields.iter().filter_map(|(name, value)| match value {
                Value::Null => Some((name.clone(), 0.into())),
                Value::Map(map) if map.keys().any(|key| !matches!(key, Key::String(_))) => None,
                other => Some((name.clone(), native(other))),
            });
            Json::Object(fields.collect())
        }
        Value::List(list) => list.items.iter().map(native).collect(),
        other => json(other),
    }
}
