//! One JSON document with everything that is known of each violation.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;

use super::Summary;
use super::renderer::{Assembly, Renderer, separate};
use super::wording::{documentation, policy, remedies};
use crate::Source;
use crate::finding::{FileReport, Place, PodReport, Problem, Told};

/// The version of the format, raised whenever a field changes its meaning or goes.
pub const SCHEMA_VERSION: u32 = 1;

/// The JSON Schema of the format.
pub const SCHEMA: &str = include_str!("../../data/report.schema.json");

/// The format `json`: `{"version", "violations": […], "errors": […], "summary"}`, one object a line within the lists.
#[derive(Clone, Copy, Debug, Default)]
pub struct Json;

impl Renderer for Json {
    fn source(&self, source: &Source, report: &FileReport, out: &mut Vec<u8>) -> io::Result<()> {
        let start = out.len();
        let mut violations: Vec<(usize, usize, &Place)> = Vec::new();
        let mut shared: Vec<Shared<'_>> = Vec::new();
        for pod in &report.pods {
            for told in pod.told() {
                let places = told.finding.places.iter().enumerate();
                violations.extend(places.map(|(index, place)| (shared.len(), index, place)));
                shared.push(Shared::new(pod, told));
            }
        }
        violations.sort_by_key(|(.., place)| place.position);
        for (of, index, place) in violations {
            let Some(Shared { pod, told, policy, revision, modes, help }) = shared.get(of) else { continue };
            separate(out, start);
            let finding = told.finding;
            // The sentence names every container, and is long when there are many.
            let mut sentence = Cow::Borrowed(finding.detail.as_str());
            if index > 0 && sentence.len() > LONGEST_REPEATED {
                let end = sentence.floor_char_boundary(LONGEST_REPEATED);
                sentence = Cow::Owned(format!("{}…", sentence.get(..end).unwrap_or("")));
            }
            let width = source.text.get(place.span.range()).map_or(0, |text| text.chars().count());
            let violation = Violation {
                file: report.file(),
                rendered: report.rendered_from.is_some(),
                rendered_by: report.made_by.as_deref(),
                value: finding.origin.as_deref(),
                line: place.position.line,
                column: place.position.column,
                end_column: place.position.column + width,
                object: Object::from(&pod.object),
                policy,
                severity: if told.refuses() { "error" } else { "warning" },
                modes,
                check: finding.check.id,
                revision,
                level: finding.level.as_str(),
                container: place.container.as_deref(),
                path: &place.path,
                actual: &place.actual,
                allowed: place.allowed,
                reason: finding.reason,
                sentence: &sentence,
                help,
                safe_to_fix: place.edit.is_some() && place.safety.is_made_unasked(),
                fix: place.edit.map_or("none", |_| place.safety.as_str()),
                risk: place.edit.filter(|_| place.safety.may_be_noticed()).map(|_| finding.check.fix.risk),
                documentation: documentation(finding.check),
            };
            serde_json::to_writer(&mut *out, &violation)?;
        }
        Ok(())
    }

    fn assembly(&self) -> Box<dyn Assembly> {
        Box::new(Document::default())
    }
}

/// The document as far as it is written, and the lists that come behind all violations.
#[derive(Default)]
struct Document {
    begun: bool,
    errors: List,
    warnings: List,
    patches: List,
    image_users: List,
}

/// Objects as they will be written, as many as can well be held.
#[derive(Default)]
struct List {
    objects: Vec<u8>,
    left_out: usize,
}

impl List {
    fn push(&mut self, object: &impl Serialize) -> serde_json::Result<()> {
        if self.objects.len() > MOST_BYTES {
            self.left_out += 1;
            return Ok(());
        }
        self.objects.extend_from_slice(if self.objects.is_empty() { b"\n" } else { b",\n" });
        serde_json::to_writer(&mut self.objects, object)
    }
}

impl Document {
    fn begin(&mut self, out: &mut dyn Write) -> io::Result<&'static [u8]> {
        if self.begun {
            return Ok(b",\n");
        }
        self.begun = true;
        let tool = env!("CARGO_PKG_VERSION");
        write!(
            out,
            "{{\"version\":{SCHEMA_VERSION},\"tool\":{{\"name\":\"podsec\",\"version\":\"{tool}\"}},\"violations\":["
        )?;
        Ok(b"\n")
    }
}

impl Assembly for Document {
    fn add(&mut self, report: &FileReport, rendered: &[u8], out: &mut dyn Write) -> io::Result<()> {
        if !rendered.is_empty() {
            let separator = self.begin(out)?;
            out.write_all(separator)?;
            out.write_all(rendered)?;
        }
        for problem in &report.problems {
            self.errors.push(&Unjudged::new(report, problem))?;
        }
        for problem in report.refusals.iter().chain(&report.warnings) {
            self.warnings.push(&Unjudged::new(report, problem))?;
        }
        for pod in &report.pods {
            for container in pod.not_started() {
                self.image_users.push(&NotStarted {
                    file: report.file(),
                    rendered: report.rendered_from.is_some(),
                    line: container.position.line,
                    column: container.position.column,
                    object: Object::from(&pod.object),
                    container: &container.container,
                    image: &container.image,
                    path: &container.path,
                    sentence: container.refusal.as_deref().unwrap_or_default(),
                })?;
            }
        }
        for patch in &report.patches {
            self.patches.push(&Unjudged {
                file: report.file(),
                rendered: report.rendered_from.is_some(),
                line: Some(patch.position.line),
                column: Some(patch.position.column),
                object: Some(Object::from(&patch.object)),
                message: &patch.why,
            })?;
        }
        Ok(())
    }

    fn finish(&mut self, summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
        if !self.begun {
            self.begin(out)?;
        }
        for (name, list) in [
            ("errors", &self.errors),
            ("warnings", &self.warnings),
            ("patches", &self.patches),
            ("imageUsers", &self.image_users),
        ] {
            write!(out, "\n],\"{name}\":[")?;
            out.write_all(&list.objects)?;
        }
        let lists = [&self.errors, &self.warnings, &self.patches, &self.image_users];
        let left_out: usize = lists.iter().map(|list| list.left_out).sum();
        write!(out, "\n],")?;
        if left_out > 0 {
            write!(out, "\"leftOut\":{left_out},")?;
        }
        write!(out, "\"summary\":")?;
        serde_json::to_writer(&mut *out, &Counts::from(summary))?;
        writeln!(out, "}}")
    }
}

/// What all places of a violation share.
struct Shared<'r> {
    pod: &'r PodReport,
    told: Told<'r>,
    policy: String,
    revision: String,
    modes: Vec<&'static str>,
    help: Vec<String>,
}

impl<'r> Shared<'r> {
    fn new(pod: &'r PodReport, told: Told<'r>) -> Self {
        Self {
            pod,
            told,
            policy: policy(told.policy),
            revision: told.finding.revision.to_string(),
            modes: told.modes.iter().map(|mode| mode.as_str()).collect(),
            help: remedies(pod, told.finding),
        }
    }
}

/// One field that is to blame.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Violation<'a> {
    file: &'a str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    rendered: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    rendered_by: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a str>,
    line: usize,
    column: usize,
    end_column: usize,
    #[serde(flatten)]
    object: Object<'a>,
    policy: &'a str,
    severity: &'static str,
    #[serde(skip_serializing_if = "<[&str]>::is_empty")]
    modes: &'a [&'static str],
    check: &'static str,
    revision: &'a str,
    level: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    container: Option<&'a str>,
    path: &'a str,
    actual: &'a serde_json::Value,
    allowed: &'static [&'static str],
    reason: &'a str,
    sentence: &'a str,
    help: &'a [String],
    safe_to_fix: bool,
    fix: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    risk: Option<&'static str>,
    documentation: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Object<'a> {
    document: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    item: Option<usize>,
    api_version: &'a str,
    kind: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    namespace: &'a str,
    name: &'a str,
}

impl<'a> From<&'a crate::ObjectName> for Object<'a> {
    fn from(name: &'a crate::ObjectName) -> Self {
        Self {
            document: name.document,
            item: name.item,
            api_version: &name.api_version,
            kind: &name.kind,
            namespace: &name.namespace,
            name: &name.name,
        }
    }
}

/// Something that could not be judged.
#[derive(Serialize)]
struct Unjudged<'a> {
    file: &'a str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    rendered: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    object: Option<Object<'a>>,
    message: &'a str,
}

impl<'a> Unjudged<'a> {
    fn new(report: &'a FileReport, problem: &'a Problem) -> Self {
        Self {
            file: report.file(),
            rendered: report.rendered_from.is_some(),
            line: problem.position.map(|position| position.line),
            column: problem.position.map(|position| position.column),
            object: problem.object.as_ref().map(Object::from),
            message: &problem.message,
        }
    }
}

/// A container that the kubelet would not start.
#[derive(Serialize)]
struct NotStarted<'a> {
    file: &'a str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    rendered: bool,
    line: usize,
    column: usize,
    #[serde(flatten)]
    object: Object<'a>,
    container: &'a str,
    image: &'a str,
    path: &'a str,
    sentence: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Counts<'a> {
    files: usize,
    documents: usize,
    pods: usize,
    policies: &'a BTreeMap<String, usize>,
    exempt_pods: usize,
    refused_pods: usize,
    violations: usize,
    by_check: &'a BTreeMap<&'static str, usize>,
    silenced: usize,
    warned_pods: usize,
    audited_pods: usize,
    unknown: usize,
    patches: usize,
    errors: usize,
    not_started: usize,
    left_to_images: usize,
}

impl<'a> From<&'a Summary> for Counts<'a> {
    fn from(summary: &'a Summary) -> Self {
        Self {
            files: summary.files,
            documents: summary.documents,
            pods: summary.pods,
            policies: &summary.policies,
            exempt_pods: summary.exempt_pods,
            refused_pods: summary.refused_pods,
            violations: summary.violations,
            by_check: &summary.by_check,
            silenced: summary.silenced,
            warned_pods: summary.warned_pods,
            audited_pods: summary.audited_pods,
            unknown: summary.refusals,
            patches: summary.patches,
            errors: summary.problems,
            not_started: summary.not_started,
            left_to_images: summary.left_to_images,
        }
    }
}

/// A longer sentence is told whole at the first of a violation's places, and its start at the others.
const LONGEST_REPEATED: usize = 200;

/// So much is held of each list that comes behind the violations.
const MOST_BYTES: usize = 16 << 20;
