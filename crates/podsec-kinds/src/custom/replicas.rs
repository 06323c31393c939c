//! Whether what stands where a custom object keeps its replicas is a number of replicas.

use podsec_apimachinery::field::{Error, Path};
use serde_json::Value;

/// What is wrong with the replicas under `named`, a path like `.spec.replicas`.
pub(super) fn replicas(object: &Value, named: &str) -> Option<Error> {
    let wrong = |shown: i64, why: &str| Some(Error::invalid(Path::new(named), &shown.into(), why));
    let value = match find(object, named) {
        Ok(value) => value?,
        Err(why) => return wrong(0, &why),
    };
    match value.as_i64() {
        None => wrong(0, &unfit(named, value, "int64")),
        Some(count) if count < 0 => wrong(count, "should be a non-negative integer"),
        Some(count) if count > i64::from(i32::MAX) => {
            wrong(count, &format!("should be less than or equal to {}", i32::MAX))
        }
        Some(_) => None,
    }
}

/// What is wrong with the text under `named`.
pub(super) fn selector(object: &Value, named: &str) -> Option<Error> {
    let wrong = |why: &str| Some(Error::invalid(Path::new(named), &"".into(), why));
    match find(object, named) {
        Ok(value) => {
            value.filter(|value| !value.is_string()).and_then(|value| wrong(&unfit(named, value, "string")))
        }
        Err(why) => wrong(&why),
    }
}

/// The value at a path; `None` where nothing stands.
///
/// # Errors
/// When something else than an object is on the way.
fn find<'o>(object: &'o Value, named: &str) -> Result<Option<&'o Value>, String> {
    let (mut value, mut walked) = (object, String::new());
    for field in named.trim_start_matches('.').split('.') {
        walked = format!("{walked}.{field}");
        match value {
            Value::Null => return Ok(None),
            Value::Object(fields) => match fields.get(field) {
                Some(inner) => value = inner,
                None => return Ok(None),
            },
            other => return Err(unfit(&walked, other, "map[string]interface{}")),
        }
    }
    Ok(Some(value).filter(|value| !value.is_null() || named.is_empty()))
}

fn unfit(path: &str, value: &Value, expected: &str) -> String {
    let of = match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_i64() => "int64",
        Value::Number(_) => "float64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    };
    format!("{path} accessor error: {} is of the type {of}, expected {expected}", shown(value))
}

/// As Go's `%v` shows it.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(" ")),
        Value::Object(fields) => {
            let fields: Vec<String> =
                fields.iter().map(|(name, value)| format!("{name}:{}", shown(value))).collect();
            format!("map[{}]", fields.join(" "))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_no_number_of_replicas_is_told_in_kubernetes_words() {
        let of = |spec: Value| replicas(&json!({"spec": spec}), ".spec.size").map(|error| error.to_string());
        assert_eq!(of(json!({"size": 3})), None);
        assert_eq!(of(json!({})), None);
        assert_eq!(
            of(json!({"size": "3"})).as_deref(),
            Some(
                ".spec.size: Invalid value: 0: .spec.size accessor error: 3 is of the type string, expected int64"
            )
        );
        assert_eq!(
            of(json!([])).as_deref(),
            Some(
                ".spec.size: Invalid value: 0: .spec.size accessor error: [] is of the type []interface {}, expected map[string]interface{}"
            )
        );
        assert_eq!(
            of(json!({"size": -1})).as_deref(),
            Some(".spec.size: Invalid value: -1: should be a non-negative integer")
        );
    }
}
