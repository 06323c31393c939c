//! Kubernetes' types: what the API server could not decode, wherever in an object it stands, and what it does not know.
//!
//! The checks read a few fields of a pod; a wrong type in any other one keeps Kubernetes from reading the object at all,
//! so there is no verdict on it either. A field that it does not know, it refuses when it is asked to decode strictly, as
//! kubectl asks it to; else it drops the field.

use std::borrow::Cow;
use std::fmt::Write as _;

use podsec_apimachinery::schema::time::{self, Precision};
use podsec_apimachinery::schema::{Definitions, Schema, Shape, StrictCause, StrictError};
use podsec_go::quantity;
use podsec_yaml::{Kind, Node, Position, Scalar};

use crate::locate::{Step, display};
use crate::object::ObjectName;
use crate::spelling;

/// What decoding an object has against it.
#[derive(Default)]
pub(crate) struct Faults {
    /// Every value that Kubernetes' types cannot hold, in the order of the source.
    pub(crate) mistyped: Vec<Mistyped>,
    /// The first fields that Kubernetes does not know, in the order of the source.
    pub(crate) unknown: Vec<Unknown>,
    /// How many more of those there are.
    pub(crate) more_unknown: usize,
}

/// A value that Kubernetes' types cannot hold.
pub(crate) struct Mistyped {
    /// Its path in the object.
    pub(crate) path: String,
    /// Where it is.
    pub(crate) position: Position,
    /// What it must be, and what it is.
    pub(crate) message: String,
}

impl Mistyped {
    /// Whether it stands at a path of the object or below it.
    pub(crate) fn is_below(&self, path: &str) -> bool {
        let rest = self.path.strip_prefix(path);
        path.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    }
}

/// A field that its type does not have.
pub(crate) struct Unknown {
    /// Where its key is.
    pub(crate) position: Position,
    /// Kubernetes' words, and what may be meant.
    pub(crate) message: String,
}

/// The type of a built-in object, if it has one: not every version of every kind is served any more.
pub(crate) fn object_type(name: &ObjectName) -> Option<Schema<'static>> {
    let (group, version) = name.api_version.split_once('/').unwrap_or(("", &name.api_version));
    Definitions::of_pods().kind(group, version, &name.kind)
}

/// What decoding an object of this type has against it.
pub(crate) fn object_faults(schema: Schema<'_>, object: Node<'_, '_>) -> Faults {
    let mut reading = Reading { root: Some(schema), faults: Faults::default() };
    reading.value(schema, object, None);
    reading.faults
}

/// What decoding a pod, or the template of one, has against it. Whoever carries it may know more fields than Kubernetes
/// does, so none is unknown.
pub(crate) fn pod_faults(pod: Node<'_, '_>) -> Faults {
    let mut reading = Reading { root: None, faults: Faults::default() };
    if let Some(schema) = Definitions::pod_template() {
        reading.value(schema, pod, None);
    }
    reading.faults
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

/// One object as it is compared with its type.
struct Reading<'s> {
    /// The type of the whole object, if fields that it does not have are told.
    root: Option<Schema<'s>>,
    faults: Faults,
}

impl Reading<'_> {
    fn value(&mut self, schema: Schema<'_>, node: Node<'_, '_>, way: Option<&Way<'_>>) {
        if node.is_null() {
            return;
        }
        match (schema.shape(), node.kind()) {
            (Shape::Struct(fields), Kind::Mapping(_)) => node.each_entry(|entry| {
                let step = Stepped::Member(&entry.name);
                let way = Way { before: way, step };
                match fields.field(&entry.name) {
                    Some(field) => self.value(field, entry.value, Some(&way)),
                    None => self.unknown(schema, &entry.name, entry.key, &way),
                }
            }),
            (Shape::Map(values), Kind::Mapping(_)) => node.each_entry(|entry| {
                let step = Stepped::Member(&entry.name);
                self.value(values, entry.value, Some(&Way { before: way, step }));
            }),
            (Shape::List(items), Kind::Sequence(_)) => {
                for (index, item) in node.items().enumerate() {
                    let step = Stepped::Element(index);
                    self.value(items, item, Some(&Way { before: way, step }));
                }
            }
            (shape, _) => {
                if let Some(expected) = wrong(shape, node) {
                    self.faults.mistyped.push(Mistyped {
                        path: display(&steps(way)),
                        position: node.position(),
                        message: format!("must be {expected}, not {}", described(node)),
                    });
                }
            }
        }
    }

    /// Notes a field that a type does not have.
    fn unknown(&mut self, schema: Schema<'_>, name: &str, key: Node<'_, '_>, way: &Way<'_>) {
        let Some(root) = self.root else { return };
        if self.faults.unknown.len() == MOST_UNKNOWN {
            self.faults.more_unknown += 1;
            return;
        }
        let steps = steps(Some(way));
        let error = StrictError { cause: StrictCause::Unknown, path: strict_path(&steps) };
        let mut message = error.to_string();
        if let Some(meant) = spelling::meant(root, schema, &steps, name) {
            message.push_str(": ");
            message.push_str(&meant);
        }
        let position = key.alias_position().unwrap_or_else(|| key.position());
        self.faults.unknown.push(Unknown { position, message });
    }
}

/// What a value should be, if it is not.
fn wrong(shape: Shape<'_>, node: Node<'_, '_>) -> Option<&'static str> {
    let scalar = node.scalar();
    let (fits, expected) = match shape {
        Shape::Boolean => (matches!(scalar, Some(Scalar::Bool(_))), "true or false"),
        Shape::String | Shape::Bytes => (matches!(scalar, Some(Scalar::String(_))), "a string"),
        Shape::Integer32 => (scalar.is_some_and(is_integer32), "a 32-bit integer"),
        Shape::Integer64 => (scalar.is_some_and(|scalar| scalar.as_integer().is_some()), "an integer"),
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
    scalar.as_integer().is_some_and(|value| i32::try_from(value).is_ok())
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

fn steps(way: Option<&Way<'_>>) -> Vec<Step> {
    let mut steps: Vec<Step> = std::iter::successors(way, |way| way.before)
        .map(|way| match way.step {
            Stepped::Member(name) => Step::Member(name.to_owned()),
            Stepped::Element(index) => Step::Element(index),
        })
        .collect();
    steps.reverse();
    steps
}

/// Steps as Kubernetes' strict decoding writes them, which puts no name in brackets.
fn strict_path(steps: &[Step]) -> String {
    let mut path = String::new();
    for step in steps {
        match step {
            // Writing to a string cannot fail.
            Step::Element(index) => drop(write!(path, "[{index}]")),
            Step::Member(name) => {
                path.push_str(if path.is_empty() { "" } else { "." });
                path.push_str(name);
            }
        }
    }
    path
}

/// So many unknown fields are told of an object, with what may be meant.
const MOST_UNKNOWN: usize = 20;
const LONGEST_QUOTED: usize = 60;

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<String> {
        let document = podsec_yaml::documents(text).next().unwrap().unwrap();
        let describe = |fault: Mistyped| format!("{} {}: {}", fault.position, fault.path, fault.message);
        pod_faults(document.root()).mistyped.into_iter().map(describe).collect()
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
    fn a_float_that_is_whole_is_an_integer_as_kubectl_sends_it() {
        let spec = |user: &str| format!("spec: {{securityContext: {{runAsUser: {user}}}}}\n");
        for user in ["1.00065e+09", "0.0", "1e3", "0008", "-0.0", "9.2e18"] {
            assert_eq!(faults(&spec(user)), Vec::<String>::new(), "{user}");
        }
        for user in ["1.5", "1e19", "1e21", "1e-1"] {
            assert_eq!(faults(&spec(user)).len(), 1, "{user}");
        }
        assert_eq!(faults("spec: {priority: 3e9}").len(), 1);
        assert!(faults("spec: {containers: [{livenessProbe: {httpGet: {port: 8.08e3}}}]}").is_empty());
    }

    #[test]
    fn null_and_unknown_fields_fit_every_type() {
        assert!(
            faults("metadata: ~\nspec: {containers: [~, {image: ~}], misspelt: [1], hostPID: ~}").is_empty()
        );
    }

    #[test]
    fn fields_that_kubernetes_does_not_know_are_told_in_its_words_and_only_the_first_few_one_by_one() {
        let unknown = |text: &str| {
            let document = podsec_yaml::documents(text).next().unwrap().unwrap();
            let objects = crate::objects(&document, 0);
            let faults = object_faults(object_type(&objects[0].name).unwrap(), objects[0].node);
            let told = |unknown: &Unknown| format!("{} {}", unknown.position, unknown.message);
            (faults.unknown.iter().map(told).collect::<Vec<_>>(), faults.more_unknown)
        };
        let pod = "apiVersion: v1\nkind: Pod\nSpec: {}\nspec:\n  hostPid: true\n  securityContext: {allowPrivilegeEscalation: \
                   false}\n  containers:\n  - {name: a, securityContext: {priviledged: true}, x: 1, nodeSelector: {}}\n  volumes: \
                   [{name: v, hostPath: {path: /, kind: x}}]\nstatus: {Phase: a}\n";
        let told = [
            "3:1 unknown field \"Spec\": the field is spec",
            "5:3 unknown field \"spec.hostPid\": the field is hostPID",
            "6:21 unknown field \"spec.securityContext.allowPrivilegeEscalation\": that is a field of \
             spec.containers[*].securityContext",
            "8:33 unknown field \"spec.containers[0].securityContext.priviledged\": the field is privileged",
            "8:53 unknown field \"spec.containers[0].x\"",
            "8:59 unknown field \"spec.containers[0].nodeSelector\": that is a field of spec",
            "9:43 unknown field \"spec.volumes[0].hostPath.kind\": that is a field of the object itself",
            "10:10 unknown field \"status.Phase\": the field is phase",
        ];
        assert_eq!(unknown(pod), (told.map(str::to_owned).to_vec(), 0));
        let many: Vec<String> = (0..100).map(|number| format!("x{number}: 1")).collect();
        let many = many.join("\n");
        let (first, more) = unknown(&format!("apiVersion: apps/v1\nkind: Deployment\n{many}"));
        assert_eq!((first.len(), more), (20, 80));
    }
}
