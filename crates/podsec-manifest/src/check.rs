//! One source from its text to its findings.

use podsec_standards::{Actual, Check, Field, Pod, Policy, Violation, Workload, evaluate};
use podsec_yaml::{Document, Node, Position};
use serde_json::Value;

use crate::Source;
use crate::finding::{FileReport, Finding, Place, PodReport, Problem};
use crate::locate::{Step, display, locate, push};
use crate::object::{Object, ObjectName, objects};
use crate::template::Templates;
use crate::types::mistyped;

/// Which policy an object is judged by.
pub trait Policies {
    /// The policy for the pods of this object; none when they are exempt.
    fn policy(&self, object: &ObjectName, pod: &Pod<'_>) -> Option<Policy>;
}

impl Policies for Policy {
    fn policy(&self, _: &ObjectName, _: &Pod<'_>) -> Option<Policy> {
        Some(*self)
    }
}

/// A document in which something was found, and its number in the source.
#[derive(Debug)]
pub struct Kept<'s> {
    pub(crate) number: usize,
    pub(crate) document: Document<'s>,
}

/// Judges every pod of a source.
///
/// A document or pod that cannot be read becomes a [`Problem`] and does not hide the others.
pub fn check(source: &Source, templates: &Templates, policies: &impl Policies) -> FileReport {
    check_keeping(source, templates, policies, &mut drop)
}

/// [`check`], which hands over each document in which something was found, for whoever mends it.
pub(crate) fn check_keeping<'s>(
    source: &'s Source,
    templates: &Templates,
    policies: &impl Policies,
    keep: &mut impl FnMut(Kept<'s>),
) -> FileReport {
    let mut report = FileReport { name: source.name.clone(), ..FileReport::default() };
    let mut json = Vec::new();
    for document in podsec_yaml::documents(&source.text) {
        let number = report.documents;
        report.documents += 1;
        match document {
            Ok(document) => {
                let before = report.pods.len();
                check_document(&document, number, &mut report, templates, policies, &mut json);
                if report.pods.iter().skip(before).any(|pod| !pod.findings.is_empty()) {
                    keep(Kept { number, document });
                }
            }
            Err(error) => report.problems.push(unreadable(&source.text, &error)),
        }
    }
    report
}

fn check_document(
    document: &Document<'_>,
    number: usize,
    report: &mut FileReport,
    templates: &Templates,
    policies: &impl Policies,
    json: &mut Vec<u8>,
) {
    for object in objects(document, number) {
        for carried in carried_pods(&object, templates) {
            let problem =
                |position, message| Problem { object: Some(object.name.clone()), position, message };
            let faults = mistyped(carried.node);
            if !faults.is_empty() {
                let path = |path: &str| {
                    let separator = if path.is_empty() || carried.path.is_empty() { "" } else { "." };
                    [carried.path.as_str(), path].join(separator)
                };
                report.problems.extend(faults.into_iter().map(|fault| {
                    let message =
                        format!("Kubernetes cannot read the pod: {} {}", path(&fault.path), fault.message);
                    problem(Some(fault.position), message)
                }));
                continue;
            }
            json.clear();
            carried.node.write_json(json);
            let pod = match Pod::from_json(json) {
                Ok(pod) => pod,
                Err(error) => {
                    let message = format!("Kubernetes cannot read the pod: {error}");
                    report.problems.push(problem(Some(carried.node.position()), message));
                    continue;
                }
            };
            let policy = policies.policy(&object.name, &pod);
            let violations = policy.map(|policy| evaluate(policy, &pod).violations).unwrap_or_default();
            let findings =
                violations.iter().map(|violation| finding(violation, document.text(), &carried)).collect();
            report.pods.push(PodReport {
                object: object.name.clone(),
                document: document.span(),
                path: carried.path,
                policy,
                findings,
                silenced: Vec::new(),
            });
        }
    }
}

fn finding(violation: &Violation<'_>, text: &str, carried: &Carried<'_, '_>) -> Finding {
    let (reason, detail, fields) = violation.parts();
    Finding {
        check: violation.check,
        revision: violation.revision.since,
        level: violation.level(),
        reason,
        detail,
        places: fields.iter().map(|field| place(violation.check, field, text, carried)).collect(),
    }
}

/// A document that is no YAML; or that would be, once someone has rendered it.
pub(crate) fn unreadable(text: &str, error: &podsec_yaml::Error) -> Problem {
    if let Some((position, tag)) = template_text(text, error) {
        let message = format!(
            "this is a template, with {tag} left in: render it first, as --helm and --kustomize do, and judge the result"
        );
        return Problem { object: None, position: Some(position), message };
    }
    let position = Some(Position { line: error.line, column: error.column });
    Problem {
        object: None,
        position,
        message: format!("no YAML that Kubernetes can read: {}", error.message),
    }
}

/// The text between double braces that made a document unreadable: in the line of the error, or opening a line before
/// it in the same document.
fn template_text<'t>(text: &'t str, error: &podsec_yaml::Error) -> Option<(Position, &'t str)> {
    let mut suspect = None;
    for (index, line) in text.lines().enumerate().take(error.line) {
        if line.starts_with("---") {
            suspect = None;
        }
        let Some(start) = line.find("{{") else { continue };
        if index + 1 < error.line && !line.trim_start().starts_with("{{") {
            continue;
        }
        let tag = line.get(start..)?;
        let end = tag.find("}}").map_or(tag.len(), |end| end + 2);
        let column = line.get(..start)?.chars().count() + 1;
        suspect = suspect.or(Some((Position { line: index + 1, column }, tag.get(..end)?)));
    }
    suspect
}

/// A pod in an object.
pub(crate) struct Carried<'d, 't> {
    /// The steps from the object to it.
    pub(crate) steps: Vec<Step>,
    /// The same, as Kubernetes writes them.
    pub(crate) path: String,
    pub(crate) node: Node<'d, 't>,
}

pub(crate) fn carried_pods<'d, 't>(object: &Object<'d, 't>, templates: &Templates) -> Vec<Carried<'d, 't>> {
    let group = object.name.group();
    let Some(workload) = built_in(group, &object.name.kind) else {
        let pods = templates.pods(group, &object.name.kind, object.node);
        return pods
            .into_iter()
            .map(|(steps, node)| Carried { path: display(&steps), steps, node })
            .collect();
    };
    let mut carried = Carried { steps: Vec::new(), path: String::new(), node: object.node };
    for name in workload.pod_path() {
        let Some(node) = carried.node.get(name).filter(|node| !node.is_null()) else { return Vec::new() };
        carried.steps.push(Step::Member((*name).to_owned()));
        carried.node = node;
    }
    carried.path = display(&carried.steps);
    vec![carried]
}

/// The workload of a group and kind. Deployments, DaemonSets and ReplicaSets began in the group `extensions`; manifests
/// that still say so are judged, since the pods they describe are the same.
fn built_in(group: &str, kind: &str) -> Option<Workload> {
    let group = match group {
        "extensions" => "apps",
        group => group,
    };
    Workload::from_kind(group, kind)
}

fn place(check: &Check, field: &Field<'_>, text: &str, carried: &Carried<'_, '_>) -> Place {
    let segments = field.path().segments();
    let located = locate(text, carried.node, &segments);
    let mut path = String::with_capacity(carried.path.len() + USUAL_PATH);
    path.push_str(&carried.path);
    let mut found = path.len();
    for (segment, depth) in segments.iter().zip(1..) {
        push(&mut path, *segment);
        if depth <= located.depth {
            found = path.len();
        }
    }
    let missing = path.get(found..).unwrap_or("");
    let missing = missing.strip_prefix('.').unwrap_or(missing).to_owned();
    let pattern = field.pattern();
    Place {
        container: field.container().map(str::to_owned),
        actual: actual(&field.actual),
        allowed: field.allowed,
        span: located.span,
        position: located.position,
        missing,
        path,
        edit: check.fix.edits.iter().find(|(of, _)| *of == pattern).map(|(_, edit)| *edit),
    }
}

/// Holds the path of nearly every field in its pod.
const USUAL_PATH: usize = 80;

fn actual(actual: &Actual<'_>) -> Value {
    match actual {
        Actual::Undefined => Value::Null,
        Actual::Bool(value) => Value::from(*value),
        Actual::Integer(value) => Value::from(*value),
        Actual::Text(value) => Value::from(*value),
        Actual::List(values) => values.iter().map(AsRef::as_ref).collect(),
        Actual::Object => Value::Object(serde_json::Map::new()),
    }
}
