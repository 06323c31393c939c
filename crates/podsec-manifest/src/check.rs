//! One source from its text to its findings.

use std::fmt::Write as _;

use podsec_standards::{Field, Pod, Policy, Segment, Workload, evaluate};
use podsec_yaml::{Document, Node, Position};

use crate::Source;
use crate::finding::{FileReport, Finding, Place, PodReport, Problem};
use crate::locate::{Step, locate};
use crate::object::{Object, ObjectName, objects};
use crate::template::Templates;

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

/// Judges every pod of a source.
///
/// A document or pod that cannot be read becomes a [`Problem`] and does not hide the others.
pub fn check(source: &Source, templates: &Templates, policies: &impl Policies) -> FileReport {
    let mut report = FileReport { name: source.name.clone(), ..FileReport::default() };
    let mut json = Vec::new();
    for document in podsec_yaml::documents(&source.text) {
        match document {
            Ok(document) => {
                check_document(&document, &mut report, templates, policies, &mut json);
            }
            Err(error) => {
                let position = Some(Position { line: error.line, column: error.column });
                report.problems.push(Problem { object: None, position, message: error.message });
            }
        }
        report.documents += 1;
    }
    report
}

fn check_document(
    document: &Document<'_>,
    report: &mut FileReport,
    templates: &Templates,
    policies: &impl Policies,
    json: &mut Vec<u8>,
) {
    for object in objects(document, report.documents) {
        for carried in carried_pods(&object, templates) {
            json.clear();
            carried.node.write_json(json);
            let pod = match Pod::from_json(json) {
                Ok(pod) => pod,
                Err(error) => {
                    report.problems.push(Problem {
                        object: Some(object.name.clone()),
                        position: Some(carried.node.position()),
                        message: format!("the pod cannot be decoded: {error}"),
                    });
                    continue;
                }
            };
            let policy = policies.policy(&object.name, &pod);
            let violations = policy.map(|policy| evaluate(policy, &pod).violations).unwrap_or_default();
            let findings = violations
                .into_iter()
                .map(|violation| Finding {
                    check: violation.check,
                    revision: violation.revision.since,
                    level: violation.level(),
                    reason: violation.reason(),
                    detail: violation.detail(),
                    places: violation.fields().iter().map(|field| place(field, &carried)).collect(),
                })
                .collect();
            report.pods.push(PodReport {
                object: object.name.clone(),
                path: display(&carried.steps),
                policy,
                findings,
            });
        }
    }
}

/// A pod in an object.
struct Carried<'d, 't> {
    steps: Vec<Step>,
    node: Node<'d, 't>,
}

fn carried_pods<'d, 't>(object: &Object<'d, 't>, templates: &Templates) -> Vec<Carried<'d, 't>> {
    let group = object.name.group();
    let Some(workload) = built_in(group, &object.name.kind) else {
        let pods = templates.pods(group, &object.name.kind, object.node);
        return pods.into_iter().map(|(steps, node)| Carried { steps, node }).collect();
    };
    let mut carried = Carried { steps: Vec::new(), node: object.node };
    for name in workload.pod_path() {
        let Some(node) = carried.node.get(name).filter(|node| !node.is_null()) else { return Vec::new() };
        carried.steps.push(Step::Member((*name).to_owned()));
        carried.node = node;
    }
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

fn place(field: &Field<'_>, carried: &Carried<'_, '_>) -> Place {
    let steps: Vec<Step> = field
        .path()
        .segments()
        .into_iter()
        .map(|segment| match segment {
            Segment::Member(name) => Step::Member(name.to_owned()),
            Segment::Element(index) => Step::Element(index),
        })
        .collect();
    let located = locate(carried.node, &steps);
    let missing = steps.get(located.depth..).unwrap_or_default();
    let in_object: Vec<Step> = carried.steps.iter().chain(&steps).cloned().collect();
    Place {
        container: field.container().map(str::to_owned),
        path: display(&in_object),
        actual: field.actual.to_string(),
        allowed: field.allowed,
        span: located.span,
        position: located.position,
        missing: display(missing),
    }
}

/// Steps as Kubernetes writes a path: `spec.containers[0].image`.
fn display(steps: &[Step]) -> String {
    let mut path = String::new();
    for step in steps {
        match step {
            Step::Member(name) => {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(name);
            }
            Step::Element(index) => {
                // Writing to a string cannot fail.
                let _ = write!(path, "[{index}]");
            }
        }
    }
    path
}
