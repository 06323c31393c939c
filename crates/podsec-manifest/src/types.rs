//! Kubernetes' types: what the API server could not decode, wherever in a pod it stands.
//!
//! The checks read a few fields of a pod; a wrong type in any other one keeps Kubernetes from reading the pod at all,
//! so there is no verdict on it either.

use std::borrow::Cow;

use podsec_apimachinery::schema::time::{self, Precision};
use podsec_apimachinery::schema::{Definitions, Schema, Shape};
use podsec_go::quantity;
use podsec_yaml::{Kind, Node, Position, Scalar};

use crate::locate::{Step, display};

/// A value that Kubernetes' types cannot hold.
pub(crate) struct Mistyped {
    /// Its path in the pod.
    pub(crate) path: String,
    /// Where it is.
    pub(crate) position: Position,
    /// What it must be, and what it is.
    pub(crate) message: String,
}

/// Every value of a pod, or of a pod template, that Kubernetes' types cannot hold, in the order of the source.
pub(crate) fn mistyped(pod: Node<'_, '_>) -> Vec<Mistyped> {
    let mut found = Vec::new();
    if let Some(schema) = Definitions::pod_template() {
        value(schema, pod, None, &mut found);
    }
    found
}

/// Reads Kubernetes' definitions, which the first pod would otherwise wait for: it takes a few milliseconds, and can be
/// done while manifests are searched.
pub fn prepare() {
    Definitions::of_pods();
}

/// The way to a value, kept on the stack: it is written down only when the value is wrong.
struct Way<'w> {
    before: Option<&'w Way<'w>>,
    step: Stepped<'w>,
}

enum Stepped<'w> {
    Member(&'w str),
    Element(usize),
}

fn value(schema: Schema<'_>, node: Node<'_, '_>, way: Option<&Way<'_>>, found: &mut Vec<Mistyped>) {
    if node.is_null() {
        return;
    }
    match (schema.shape(), node.kind()) {
        (Shape::Struct(fields), Kind::Mapping(_)) => node.each_entry(|entry| {
            if let Some(field) = fields.field(&entry.name) {
                let step = Stepped::Member(&entry.name);
                value(field, entry.value, Some(&Way { before: way, step }), found);
            }
        }),
        (Shape::Map(values), Kind::Mapping(_)) => node.each_entry(|entry| {
            let step = Stepped::Member(&entry.name);
            value(values, entry.value, Some(&Way { before: way, step }), found);
        }),
        (Shape::List(items), Kind::Sequence(_)) => {
            for (index, item) in node.items().enumerate() {
                let step = Stepped::Element(index);
                value(items, item, Some(&Way { before: way, step }), found);
            }
        }
        (shape, _) => {
            if let Some(expected) = wrong(shape, node) {
                found.push(Mistyped {
                    path: path(way),
                    position: node.position(),
                    message: format!("must be {expected}, not {}", described(node)),
                });
            }
        }
    }
}

/// What a value should be, if it is not.
fn wrong(shape: Shape<'_>, node: Node<'_, '_>) -> Option<&'static str> {
    let scalar = node.scalar();
    let (fits, expected) = match shape {
        Shape::Boolean => (matches!(scalar, Some(Scalar::Bool(_))), "true or false"),
        Shape::String | Shape::Bytes => (matches!(scalar, Some(Scalar::String(_))), "a string"),
        Shape::Integer32 => (scalar.is_some_and(is_integer32), "a 32-bit integer"),
        Shape::Integer64 => (matches!(scalar, Some(Scalar::Int(_))), "an integer"),
        Shape::Number => {
            (matches!(scalar, Some(Scalar::Int(_) | Scalar::Uint(_) | Scalar::Float(_))), "a number")
        }
        Shape::IntOrString => (
            scalar.is_some_and(|scalar| matches!(scalar, Scalar::String(_)) || is_integer32(scalar)),
            "a 32-bit integer or a string",
        ),
        Shape::Quantity => {
            (text(node).is_some_and(|text| quantity::is_valid(text.trim())), "a quantity such as 100m or 1Gi")
        }
        Shape::Time => (is_time(node, Precision::Seconds), "a time in RFC 3339"),
        Shape::MicroTime => (is_time(node, Precision::Microseconds), "a time in RFC 3339"),
        Shape::List(_) => (false, "a list"),
        Shape::Map(_) | Shape::Struct(_) => (false, "an object"),
        _ => (true, ""),
    };
    (!fits).then_some(expected)
}

fn is_integer32(scalar: &Scalar<'_>) -> bool {
    matches!(scalar, Scalar::Int(value) if i32::try_from(*value).is_ok())
}

fn is_time(node: Node<'_, '_>, precision: Precision) -> bool {
    node.as_str().is_some_and(|text| text.is_empty() || time::parse(text, precision).is_ok())
}

/// The text of a string or a number.
fn text<'d>(node: Node<'d, '_>) -> Option<Cow<'d, str>> {
    match node.scalar()? {
        Scalar::String(text) => Some(Cow::Borrowed(text)),
        Scalar::Int(_) | Scalar::Uint(_) | Scalar::Float(_) => Some(Cow::Owned(node.to_json().to_string())),
        Scalar::Null | Scalar::Bool(_) => None,
    }
}

fn described(node: Node<'_, '_>) -> String {
    match (node.kind(), node.scalar()) {
        (Kind::Sequence(_), _) => "a list".to_owned(),
        (Kind::Mapping(_), _) => "an object".to_owned(),
        (_, Some(Scalar::String(text))) if text.chars().count() > LONGEST_QUOTED => {
            "a long string".to_owned()
        }
        (_, Some(Scalar::String(text))) => format!("the string {text:?}"),
        _ => node.to_json().to_string(),
    }
}

fn path(way: Option<&Way<'_>>) -> String {
    let mut steps: Vec<Step> = std::iter::successors(way, |way| way.before)
        .map(|way| match way.step {
            Stepped::Member(name) => Step::Member(name.to_owned()),
            Stepped::Element(index) => Step::Element(index),
        })
        .collect();
    steps.reverse();
    display(&steps)
}

const LONGEST_QUOTED: usize = 60;

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<String> {
        let document = podsec_yaml::documents(text).next().unwrap().unwrap();
        let describe = |fault: Mistyped| format!("{} {}: {}", fault.position, fault.path, fault.message);
        mistyped(document.root()).into_iter().map(describe).collect()
    }

    #[test]
    fn a_wrong_type_is_found_in_fields_that_no_check_reads() {
        let text = "\
metadata: {name: 1, creationTimestamp: yesterday, labels: {a: yes}}
spec:
  containers:
  - name: a
    ports: [{containerPort: http}, {containerPort: 3000000000}]
    resources: {limits: {cpu: 1, memory: 1Gi, x: 1.5e3, z: lots}}
    livenessProbe: {httpGet: {port: http}, periodSeconds: 1.5}
    env: NAME=value
  tolerations: {}
";
        assert_eq!(
            faults(text),
            [
                "1:18 metadata.name: must be a string, not 1",
                r#"1:40 metadata.creationTimestamp: must be a time in RFC 3339, not the string "yesterday""#,
                "1:63 metadata.labels.a: must be a string, not true",
                r#"5:29 spec.containers[0].ports[0].containerPort: must be a 32-bit integer, not the string "http""#,
                "5:52 spec.containers[0].ports[1].containerPort: must be a 32-bit integer, not 3000000000",
                r#"6:60 spec.containers[0].resources.limits.z: must be a quantity such as 100m or 1Gi, not the string "lots""#,
                "7:59 spec.containers[0].livenessProbe.periodSeconds: must be a 32-bit integer, not 1.5",
                r#"8:10 spec.containers[0].env: must be a list, not the string "NAME=value""#,
                "9:16 spec.tolerations: must be a list, not an object",
            ]
        );
    }

    #[test]
    fn null_and_unknown_fields_fit_every_type() {
        assert!(
            faults("metadata: ~\nspec: {containers: [~, {image: ~}], misspelt: [1], hostPID: ~}").is_empty()
        );
    }
}
