//! The fields that the checks read, set in pods: names and values from the checks themselves.

use podsec_standards::CHECKS;
use serde_json::{Value, json};

/// A field of a check, with a value that some example gives to a field of its name.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    pub(crate) pattern: &'static str,
    pub(crate) value: Value,
}

/// Every field that any check reads, with every value that examples give to fields of its name, and with null.
pub(crate) fn settings() -> Vec<Setting> {
    let examples: Vec<Value> = CHECKS
        .iter()
        .flat_map(|check| check.examples)
        .map(|example| serde_json::from_str(example.pod).unwrap())
        .collect();
    let mut settings = Vec::new();
    for pattern in CHECKS.iter().flat_map(|check| check.fields) {
        let mut values = vec![Value::Null];
        for example in &examples {
            collect(example, pattern, &mut values);
        }
        assert!(values.len() > 1, "no example has a value for {pattern}");
        settings.extend(values.into_iter().map(|value| Setting { pattern, value }));
    }
    settings
}

/// Sets a field in a pod, in this list of containers.
pub(crate) fn set(pod: &mut Value, list: &str, Setting { pattern, value }: &Setting) {
    if let Some(key) = pattern.strip_prefix("metadata.annotations[") {
        let key = key.trim_end_matches(']').replace('*', "a");
        *member(member(pod, "metadata"), "annotations") = object(pod["metadata"]["annotations"].take());
        pod["metadata"]["annotations"][key] = value.clone();
        return;
    }
    let mut at = pod;
    for step in pattern.split('.') {
        let (name, is_element) = step.strip_suffix("[*]").map_or((step, false), |name| (name, true));
        at = member(at, if name == "containers" { list } else { name });
        if is_element {
            if !at.is_array() {
                *at = json!([]);
            }
            let elements = at.as_array_mut().unwrap();
            if elements.is_empty() {
                elements.push(Value::Null);
            }
            at = elements.last_mut().unwrap();
        }
    }
    *at = value.clone();
}

fn member<'v>(value: &'v mut Value, name: &str) -> &'v mut Value {
    *value = object(value.take());
    &mut value[name]
}

fn object(value: Value) -> Value {
    if value.is_object() { value } else { json!({}) }
}

/// The values of fields of the pattern's last name anywhere in an example.
fn collect(value: &Value, pattern: &str, values: &mut Vec<Value>) {
    if pattern.starts_with("metadata.annotations") {
        let annotations = value["metadata"]["annotations"].as_object();
        values.extend(annotations.into_iter().flat_map(|annotations| annotations.values().cloned()));
        return;
    }
    let last = pattern.rsplit('.').next().unwrap();
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if name == last {
                    values.push(member.clone());
                } else if last.strip_suffix("[*]") == Some(name) {
                    values.extend(member.as_array().into_iter().flatten().cloned());
                }
                collect(member, pattern, values);
            }
        }
        Value::Array(elements) => elements.iter().for_each(|element| collect(element, pattern, values)),
        _ => {}
    }
}
