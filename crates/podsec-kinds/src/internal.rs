//! Structs of kube-apiserver's internal API as its messages show them: Go's names, Go's order, zero values written out.
//!
//! ```text
//! {"name":"r"} as a PodResourceClaim ─► {"Name":"r","ResourceClaimName":null,"ResourceClaimTemplateName":null}
//! ```

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

use podsec_apimachinery::field::{Cause, Error, Path};
use serde_json::Value;

use crate::object::{Fields, FieldsMut};
use crate::unified_diff;

/// `Invalid value: <struct>: <detail>` about a value of an internal struct.
pub(crate) fn invalid(path: Path, type_name: &str, value: &Value, detail: &str) -> Error {
    let message = format!("Invalid value: {}: {detail}", json(type_name, value));
    Error { path, cause: Cause::Invalid, message }
}

/// A value of the public API as Go writes the internal struct, on one line. `type_name` may be a list: `[]ServicePort`.
pub(crate) fn json(type_name: &str, value: &Value) -> String {
    let mut text = String::new();
    tree(type_name, value).compact(&mut text);
    text
}

/// A unified diff of two values of an internal struct, as `diff.Diff` of apimachinery makes it.
pub(crate) fn diff(type_name: &str, old: &Value, new: &Value) -> String {
    let pretty = |value| {
        let mut text = String::new();
        tree(type_name, value).pretty(0, &mut text);
        text
    };
    unified_diff::of(&pretty(old), &pretty(new))
}

/// A pod spec with the fields of the host where the internal API has them: in the security context.
pub(crate) fn pod_spec(spec: &Value) -> Value {
    let mut spec = spec.clone();
    if let Some(fields) = spec.as_object_mut() {
        for field in ["hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace", "hostUsers"] {
            if let (Some(value), Some(context)) = (fields.remove(field), fields.ensure("securityContext")) {
                context.insert(field.to_owned(), value);
            }
        }
    }
    spec
}

/// JSON whose members keep their order.
enum Tree {
    Scalar(String),
    Object(Vec<(String, Tree)>),
    Array(Vec<Tree>),
}

impl Tree {
    fn compact(&self, text: &mut String) {
        match self {
            Self::Scalar(scalar) => text.push_str(scalar),
            Self::Object(members) => {
                text.push('{');
                for (index, (name, value)) in members.iter().enumerate() {
                    // Writing to a String does not fail.
                    let _ = write!(text, "{}{}:", if index == 0 { "" } else { "," }, string(name));
                    value.compact(text);
                }
                text.push('}');
            }
            Self::Array(items) => {
                text.push('[');
                for (index, item) in items.iter().enumerate() {
                    text.push_str(if index == 0 { "" } else { "," });
                    item.compact(text);
                }
                text.push(']');
            }
        }
    }

    /// As Go's `json.MarshalIndent` with one space.
    fn pretty(&self, depth: usize, text: &mut String) {
        let line = |text: &mut String, first: bool, depth: usize| {
            text.push_str(if first { "\n" } else { ",\n" });
            text.push_str(&" ".repeat(depth));
        };
        match self {
            Self::Object(members) if !members.is_empty() => {
                text.push('{');
                for (index, (name, value)) in members.iter().enumerate() {
                    line(text, index == 0, depth + 1);
                    let _ = write!(text, "{}: ", string(name));
                    value.pretty(depth + 1, text);
                }
                line(text, true, depth);
                text.push('}');
            }
            Self::Array(items) if !items.is_empty() => {
                text.push('[');
                for (index, item) in items.iter().enumerate() {
                    line(text, index == 0, depth + 1);
                    item.pretty(depth + 1, text);
                }
                line(text, true, depth);
                text.push(']');
            }
            other => other.compact(text),
        }
    }

    fn null() -> Self {
        Self::Scalar("null".to_owned())
    }
}

fn tree(kind: &str, value: &Value) -> Tree {
    if let Some(items) = kind.strip_prefix("[]") {
        return match value.as_array() {
            Some(list) => Tree::Array(list.iter().map(|item| tree(items, item)).collect()),
            None if items == "byte" && value.is_string() => scalar(value),
            None => Tree::null(),
        };
    }
    if let Some(values) = kind.strip_prefix("{}") {
        return match value.as_object() {
            Some(members) => {
                Tree::Object(members.iter().map(|(key, value)| (key.clone(), tree(values, value))).collect())
            }
            None => Tree::null(),
        };
    }
    if let Some(target) = kind.strip_prefix('*') {
        return if value.is_null() { Tree::null() } else { tree(target, value) };
    }
    match STRUCTS.get(kind) {
        Some(fields) => {
            let mut members = Vec::new();
            add_fields(fields, value, &mut members);
            Tree::Object(members)
        }
        None => match (value, kind) {
            (Value::Null, "bool") => Tree::Scalar("false".to_owned()),
            (Value::Null, "string") => Tree::Scalar("\"\"".to_owned()),
            (Value::Null, "resource.Quantity") => Tree::Scalar("\"0\"".to_owned()),
            (Value::Null, "metav1.Time" | "runtime.RawExtension" | "interface{}") => Tree::null(),
            (Value::Null, _) => Tree::Scalar("0".to_owned()),
            (value, _) => scalar(value),
        },
    }
}

fn add_fields(fields: &[Field], value: &Value, members: &mut Vec<(String, Tree)>) {
    for Field { shown, public, kind, omit_zero } in fields {
        if *shown == "." {
            let inner = if *public == "." { value } else { value.at(public) };
            if let Some(fields) = STRUCTS.get(kind) {
                add_fields(fields, inner, members);
            }
        } else if !(*omit_zero && is_zero(kind, value.at(public))) {
            members.push(((*shown).to_owned(), tree(kind, value.at(public))));
        }
    }
}

fn is_zero(kind: &str, value: &Value) -> bool {
    match value {
        Value::Null => true,
        _ if kind.starts_with('*') => false,
        Value::Bool(flag) => !flag,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
    }
}

fn scalar(value: &Value) -> Tree {
    Tree::Scalar(match value {
        Value::String(text) => string(text),
        other => other.to_string(),
    })
}

/// A string as Go's JSON encoder writes it: what HTML could mistake is escaped.
fn string(text: &str) -> String {
    let mut escaped = Value::from(text).to_string();
    for (character, code) in [
        ('<', "\\u003c"),
        ('>', "\\u003e"),
        ('&', "\\u0026"),
        ('\u{2028}', "\\u2028"),
        ('\u{2029}', "\\u2029"),
    ] {
        if escaped.contains(character) {
            escaped = escaped.replace(character, code);
        }
    }
    escaped
}

struct Field {
    shown: &'static str,
    public: &'static str,
    kind: &'static str,
    omit_zero: bool,
}

/// The structs of `data/internal-types.txt`, which `tools/refresh-internal-types.py` makes and explains.
static STRUCTS: LazyLock<HashMap<&str, Vec<Field>>> = LazyLock::new(|| {
    let lines = include_str!("../data/internal-types.txt").lines();
    let parsed = lines.filter_map(|line| {
        let mut words = line.split(' ');
        let name = words.next()?;
        let fields = words.filter_map(|word| {
            let (shown, rest) = word.split_once(':')?;
            let (public, kind) = rest.split_once(':')?;
            let omit_zero = kind.ends_with('?');
            Some(Field { shown, public, kind: kind.trim_end_matches('?'), omit_zero })
        });
        Some((name, fields.collect()))
    });
    parsed.collect()
});

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_internal_struct_has_go_names_and_all_its_fields() {
        let affinity = json!({ "required": { "nodeSelectorTerms": [
            { "matchExpressions": [{ "key": "z", "operator": "In", "values": ["<v>"] }] }
        ] } });
        assert_eq!(
            super::json("*VolumeNodeAffinity", &affinity),
            r#"{"Required":{"NodeSelectorTerms":[{"MatchExpressions":[{"Key":"z","Operator":"In","Values":["\u003cv\u003e"]}],"MatchFields":null}]}}"#
        );
        assert_eq!(super::json("*VolumeNodeAffinity", &Value::Null), "null");
    }

    #[test]
    fn every_type_of_a_field_is_known() {
        // A struct without fields is shown as the value is.
        const SCALARS: &[&str] = &[
            "apiextensions.CustomResourceSubresourceStatus",
            "bool",
            "byte",
            "float64",
            "int32",
            "int64",
            "interface{}",
            "intstr.IntOrString",
            "metav1.FieldsV1",
            "metav1.Time",
            "resource.Quantity",
            "runtime.RawExtension",
            "string",
        ];
        for (name, fields) in STRUCTS.iter() {
            for field in fields {
                let kind = field.kind.trim_start_matches(['*', '[', ']', '{', '}']);
                assert!(SCALARS.contains(&kind) || STRUCTS.contains_key(kind), "{name} {}", field.kind);
            }
        }
    }

    #[test]
    fn a_diff_shows_three_lines_around_a_change() {
        let source = |path: &str| json!({ "hostPath": { "path": path, "type": "" } });
        assert_eq!(
            diff("PersistentVolumeSource", &source("/tmp/x"), &source("/tmp/xz")),
            "@@ -2,7 +2,7 @@\n  \"GCEPersistentDisk\": null,\n  \"AWSElasticBlockStore\": null,\n  \"HostPath\": {\n-  \
             \"Path\": \"/tmp/x\",\n+  \"Path\": \"/tmp/xz\",\n   \"Type\": \"\"\n  },\n  \"Glusterfs\": null,\n"
        );
    }
}
