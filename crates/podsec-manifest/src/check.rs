//! One source from its text to its findings.

use std::path::Path;

use podsec_standards::{
    Actual, BROKEN_NON_ROOT, Check, Field, NonRoot, Pod, Policy, Segment, Violation, Workload, evaluate,
};
use podsec_yaml::{Document, Documents, Kind, Position};
use serde_json::Value;

use crate::Source;
use crate::composed::{Composed, composed};
use crate::embedded::{Embedded, embedded};
use crate::finding::{
    Advice, AdvisoryMode, FileReport, Finding, ImageUser, PartialObject, Place, PodReport, Problem, Start,
};
use crate::locate::{Children, Step, display, locate, push};
use crate::node::Unfit;
use crate::object::{Carried, Object, ObjectName, objects};
use crate::patch::incomplete;
use crate::spelling::unknown_kind;
use crate::template::Templates;
use crate::types::{Faults, Mistyped, object_faults, object_type, pod_faults};

/// Which policy an object is judged by.
pub trait Policies {
    /// The policy for the pods of this object; none when they are exempt.
    fn policy(&self, object: &ObjectName, pod: &Pod<'_>) -> Option<Policy>;

    /// [`Policies::policy`] of an object in this file, where files are judged by policies of their own.
    fn policy_in(&self, _file: &str, object: &ObjectName, pod: &Pod<'_>) -> Option<Policy> {
        self.policy(object, pod)
    }

    /// The policies by which the pods of this object are only talked about: those of the modes warn and audit.
    fn advice(&self, _: &ObjectName, _: &Pod<'_>) -> Vec<(AdvisoryMode, Policy)> {
        Vec::new()
    }
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

/// What is known of a source beside its text.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Origin<'o> {
    /// The file that it is, or was made of, if it has another name.
    pub(crate) file: Option<&'o str>,
    /// Where it begins in its file.
    pub(crate) start: Start,
    /// Whether someone named it, who takes it for a manifest.
    pub(crate) named: bool,
    /// Whether it was rendered, so that all of its objects are whole ones.
    pub(crate) rendered: bool,
    /// The kustomization that names it as a patch.
    pub(crate) patch_of: Option<&'o Path>,
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
    check_from(source, Origin::default(), templates, policies, keep)
}

/// [`check_keeping`] of a source of which more is known than its text.
pub(crate) fn check_from<'s>(
    source: &'s Source,
    origin: Origin<'_>,
    templates: &Templates,
    policies: &impl Policies,
    keep: &mut impl FnMut(Kept<'s>),
) -> FileReport {
    let start = origin.start;
    let mut report = FileReport { name: source.name.clone(), start, ..FileReport::default() };
    let mut checking = Checking { origin, templates, policies, json: Vec::new() };
    for document in documents(&source.text, start) {
        let number = start.documents + report.documents;
        report.documents += 1;
        match document {
            Ok(document) => {
                let before = report.pods.len();
                checking.document(&document, number, &mut report);
                if report.pods.iter().skip(before).any(|pod| !pod.findings.is_empty()) {
                    keep(Kept { number, document });
                }
            }
            Err(error) => report.problems.push(unreadable(&source.text, start, &error)),
        }
    }
    report
}

/// The documents of a text that begins there in its file.
pub(crate) fn documents(text: &str, start: Start) -> Documents<'_> {
    match start.lines {
        0 => podsec_yaml::documents(text),
        before => podsec_yaml::documents_from(text, before + 1),
    }
}

/// A source as it is judged.
struct Checking<'c, P> {
    origin: Origin<'c>,
    templates: &'c Templates,
    policies: &'c P,
    /// A pod as text, one after the other.
    json: Vec<u8>,
}

impl<P: Policies> Checking<'_, P> {
    fn document(&mut self, document: &Document<'_>, number: usize, report: &mut FileReport) {
        let root = document.root();
        if !matches!(root.kind(), Kind::Mapping(_)) && self.origin.patch_of.is_none() {
            // Lists stand in many files that are no manifests, and mention some.
            let is_list = matches!(root.kind(), Kind::Sequence(_));
            if !is_list || self.origin.named {
                let what = if is_list { "a list" } else { "a single value" };
                let message = format!("no object that Kubernetes could be given: this document is {what}");
                report.problems.push(Problem { object: None, position: Some(root.position()), message });
            }
            return;
        }
        for object in objects(document, number) {
            self.object(&object, document, report);
        }
    }

    fn object(&mut self, object: &Object<'_, '_>, document: &Document<'_>, report: &mut FileReport) {
        let workload = built_in(object.name.group(), &object.name.kind);
        if self.origin.patch_of.is_some() && carried_pods(object, self.templates).is_empty() {
            return;
        }
        if let Some(why) = self.patch(object, workload) {
            let position = object.node.position();
            report.patches.push(PartialObject { object: object.name.clone(), position, why });
            return;
        }
        let Some(workload) = workload else {
            for carried in self.templates.carried(object) {
                let faults = pod_faults(carried.node);
                self.pod(object, carried, &faults, document, report);
            }
            for composed in composed(object) {
                self.composed(object, &composed, document, report);
            }
            for embedded in embedded(object) {
                if let Embedded::Remote { chart, position } = embedded {
                    let message = format!(
                        "deploys the chart {chart:?} of a repository of charts, which is not judged: render it with `helm \
                         template` and judge what that prints"
                    );
                    report.warnings.push(refusal(object, position, message));
                }
            }
            if let Some(message) = unknown_kind(&object.name) {
                let position = object.node.get("kind").unwrap_or(object.node).position();
                report.refusals.push(refusal(object, position, message));
            }
            return;
        };
        let faults = match object_type(&object.name) {
            Some(schema) => object_faults(schema, object.node),
            None => Faults::default(),
        };
        for unknown in &faults.unknown {
            report.refusals.push(refusal(object, unknown.position, unknown.message.clone()));
        }
        if let (more @ 1.., Some(last)) = (faults.more_unknown, faults.unknown.last()) {
            let message = format!("and {more} more unknown fields behind this one");
            report.refusals.push(refusal(object, last.position, message));
        }
        let carried = carried(object, workload);
        // What is wrong around the pod keeps Kubernetes from reading the object; there is a verdict on the pod all the same.
        let pod = carried.as_ref().map(|carried| carried.path.as_str());
        for fault in faults.mistyped.iter().filter(|fault| pod.is_none_or(|pod| !fault.is_below(pod))) {
            let message =
                format!("Kubernetes cannot read the {}: {} {}", object.name.kind, fault.path, fault.message);
            report.refusals.push(refusal(object, fault.position, message));
        }
        if let Some(carried) = carried {
            let of_pod = object_type(&object.name).is_none().then(|| pod_faults(carried.node));
            self.pod(object, carried, of_pod.as_ref().unwrap_or(&faults), document, report);
        }
    }

    /// How an object is known that is no whole one.
    fn patch(&self, object: &Object<'_, '_>, workload: Option<Workload>) -> Option<String> {
        if let Some(kustomization) = self.origin.patch_of {
            // What Kubernetes is never given needs no word.
            return Some(format!("{} names its file as one", kustomization.display()));
        }
        let workload = workload.filter(|_| !self.origin.rendered)?;
        incomplete(object, workload)
    }

    /// A pod that a controller would make of parts of an object.
    fn composed(
        &mut self,
        object: &Object<'_, '_>,
        composed: &Composed<'_, '_>,
        document: &Document<'_>,
        report: &mut FileReport,
    ) {
        let pod = match Pod::from_json(&composed.json) {
            Ok(pod) => pod,
            Err(error) => {
                let message = format!("Kubernetes could not read the pod that is made of this: {error}");
                let (object, position) = (Some(object.name.clone()), Some(composed.node.position()));
                report.problems.push(Problem { object, position, message });
                return;
            }
        };
        let policy = self.policies.policy_in(self.origin.file.unwrap_or(&report.name), &object.name, &pod);
        let text = document.text();
        let mut children = Children::default();
        let mut judged = |policy| {
            let violations = evaluate(policy, &pod).violations;
            let found = violations.iter().map(|violation| {
                let place = |field: &Field<'_>| {
                    let segments = field.path().segments();
                    let (steps, node, rest) = composed.part(&segments);
                    let carried = Carried { path: display(steps), steps: steps.to_vec(), node };
                    // Which edit is right depends on the controller, too.
                    let place = place(violation.check, &pod, field, rest, text, &carried, &mut children);
                    Place { edit: None, ..place }
                };
                finding_of(violation, place)
            });
            found.collect::<Vec<_>>()
        };
        let findings = policy.map(&mut judged).unwrap_or_default();
        report.pods.push(PodReport {
            object: object.name.clone(),
            document: document.span(),
            path: display(&composed.steps),
            policy,
            findings,
            advice: Vec::new(),
            silenced: Vec::new(),
            continued: false,
            image_users: Vec::new(),
        });
    }

    fn pod(
        &mut self,
        object: &Object<'_, '_>,
        carried: Carried<'_, '_>,
        faults: &Faults,
        document: &Document<'_>,
        report: &mut FileReport,
    ) {
        let problem = |position, message| Problem { object: Some(object.name.clone()), position, message };
        // Those of a whole object have paths in it, and those of a custom one in its pod.
        let is_whole = object_type(&object.name).is_some();
        let of_pod = |fault: &&Mistyped| !is_whole || fault.is_below(&carried.path);
        let mistyped: Vec<Problem> = faults
            .mistyped
            .iter()
            .filter(of_pod)
            .map(|fault| {
                let between = if fault.path.is_empty() || carried.path.is_empty() { "" } else { "." };
                let (above, between) = if is_whole { ("", "") } else { (carried.path.as_str(), between) };
                let message = format!(
                    "Kubernetes cannot read the pod: {above}{between}{} {}",
                    fault.path, fault.message
                );
                problem(Some(fault.position), message)
            })
            .collect();
        if !mistyped.is_empty() {
            report.problems.extend(mistyped);
            return;
        }
        self.json.clear();
        carried.node.write_json(&mut self.json);
        let pod = match Pod::from_json(&self.json) {
            Ok(pod) => pod,
            Err(error) => {
                let message = format!("Kubernetes cannot read the pod: {error}");
                report.problems.push(problem(Some(carried.node.position()), message));
                return;
            }
        };
        let policy = self.policies.policy_in(self.origin.file.unwrap_or(&report.name), &object.name, &pod);
        let text = document.text();
        let mut children = Children::default();
        let mut judged = |policy| {
            let violations = evaluate(policy, &pod).violations;
            let unfit = if violations.is_empty() { Unfit::default() } else { Unfit::to(carried.node) };
            let found = violations
                .iter()
                .map(|violation| finding(violation, &pod, text, &carried, &mut children, &unfit));
            found.collect::<Vec<_>>()
        };
        let findings = policy.map(&mut judged).unwrap_or_default();
        let mut advice: Vec<Advice> = Vec::new();
        for (mode, policy) in self.policies.advice(&object.name, &pod) {
            match advice.iter_mut().find(|advice| advice.policy == policy) {
                Some(advice) => advice.modes.push(mode),
                None => advice.push(Advice { modes: vec![mode], policy, findings: judged(policy) }),
            }
        }
        for advice in &mut advice {
            advice
                .findings
                .retain(|finding| !findings.iter().any(|refused| refused.check.id == finding.check.id));
        }
        advice.retain(|advice| !advice.findings.is_empty());
        let image_users = image_users(&pod, text, &carried, &mut children);
        report.pods.push(PodReport {
            object: object.name.clone(),
            document: document.span(),
            path: carried.path,
            policy,
            findings,
            advice,
            silenced: Vec::new(),
            continued: false,
            image_users,
        });
    }
}

fn refusal(object: &Object<'_, '_>, position: Position, message: String) -> Problem {
    Problem { object: Some(object.name.clone()), position: Some(position), message }
}

fn finding<'d, 't, 'p>(
    violation: &Violation<'p>,
    pod: &'p Pod<'p>,
    text: &str,
    carried: &Carried<'d, 't>,
    children: &mut Children<'d, 't>,
    unfit: &Unfit,
) -> Finding {
    let place = |field: &Field<'p>| {
        let segments = field.path().segments();
        place(violation.check, pod, field, &segments, text, carried, children)
    };
    let mut finding = finding_of(violation, place);
    finding.advice = unfit.advice_on(violation.check);
    if finding.advice.is_some() {
        for place in &mut finding.places {
            place.edit = None;
        }
    }
    finding
}

/// A violation whose places are found so.
fn finding_of<'p>(violation: &Violation<'p>, place: impl FnMut(&Field<'p>) -> Place) -> Finding {
    let (reason, detail, fields) = violation.parts();
    let mut places: Vec<Place> = fields.iter().map(place).collect();
    places.sort_by_key(|place| place.position);
    Finding {
        check: violation.check,
        revision: violation.revision.since,
        level: violation.level(),
        reason,
        detail,
        places,
        advice: None,
        origin: None,
        continued: false,
    }
}

/// A document that is no YAML; or that would be, once someone has rendered it.
pub(crate) fn unreadable(text: &str, start: Start, error: &podsec_yaml::Error) -> Problem {
    if let Some((position, tag)) = template_text(text, start, error) {
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
fn template_text<'t>(text: &'t str, start: Start, error: &podsec_yaml::Error) -> Option<(Position, &'t str)> {
    let mut suspect = None;
    for (line, number) in text.lines().zip(start.lines + 1..=error.line) {
        if line.starts_with("---") {
            suspect = None;
        }
        let Some(start) = line.find("{{") else { continue };
        if number < error.line && !line.trim_start().starts_with("{{") {
            continue;
        }
        let tag = line.get(start..)?;
        let end = tag.find("}}").map_or(tag.len(), |end| end + 2);
        let column = line.get(..start)?.chars().count() + 1;
        suspect = suspect.or(Some((Position { line: number, column }, tag.get(..end)?)));
    }
    suspect
}

/// The pods of an object, whether it is built in or custom.
pub(crate) fn carried_pods<'d, 't>(object: &Object<'d, 't>, templates: &Templates) -> Vec<Carried<'d, 't>> {
    match built_in(object.name.group(), &object.name.kind) {
        Some(workload) => carried(object, workload).into_iter().collect(),
        None => templates.carried(object),
    }
}

/// The pod of a built-in object, unless it has none.
fn carried<'d, 't>(object: &Object<'d, 't>, workload: Workload) -> Option<Carried<'d, 't>> {
    let mut carried = Carried { steps: Vec::new(), path: String::new(), node: object.node };
    for name in workload.pod_path() {
        let node = carried.node.get(name).filter(|node| !node.is_null())?;
        carried.steps.push(Step::Member((*name).to_owned()));
        carried.node = node;
    }
    carried.path = display(&carried.steps);
    Some(carried)
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

fn place<'d, 't, 'p>(
    check: &Check,
    pod: &'p Pod<'p>,
    field: &Field<'p>,
    segments: &[Segment<'_>],
    text: &str,
    carried: &Carried<'d, 't>,
    children: &mut Children<'d, 't>,
) -> Place {
    let located = locate(text, carried.node, segments, children);
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
        safety: check.safety(pod, field),
        edit: check.fix.edits.iter().find(|(of, _)| *of == pattern).map(|(_, edit)| *edit),
    }
}

/// The containers whose user the kubelet refuses, or finds in the image alone.
fn image_users<'d, 't>(
    pod: &Pod<'_>,
    text: &str,
    carried: &Carried<'d, 't>,
    children: &mut Children<'d, 't>,
) -> Vec<ImageUser> {
    let mut found = Vec::new();
    for (kind, index, container) in pod.containers() {
        let refusal = match pod.non_root(container) {
            NonRoot::NotAsked | NonRoot::Kept => continue,
            NonRoot::Broken => Some(BROKEN_NON_ROOT.to_owned()),
            NonRoot::ImageDecides => None,
        };
        let list = Segment::Member(kind.list());
        let segments = [Segment::Member("spec"), list, Segment::Element(index), Segment::Member("image")];
        let located = locate(text, carried.node, &segments, children);
        let mut path = carried.path.clone();
        for segment in segments {
            push(&mut path, segment);
        }
        found.push(ImageUser {
            container: container.name().to_owned(),
            image: container.image().to_owned(),
            path,
            position: located.position,
            span: located.span,
            refusal,
        });
    }
    found
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
