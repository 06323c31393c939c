//! One JSON document with everything that is known of each violation.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;

use super::wording::{documentation, policy, remedies};
use super::{Assembly, Renderer, Summary, separate};
use crate::Source;
use crate::finding::{FileReport, Problem};

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
        for pod in &report.pods {
            let policy = policy(pod);
            for finding in &pod.findings {
                let revision = finding.revision.to_string();
                let help = remedies(pod, finding);
                for place in &finding.places {
                    separate(out, start);
                    let width = source.text.get(place.span.range()).map_or(0, |text| text.chars().count());
                    let violation = Violation {
                        file: report.file(),
                        rendered: report.rendered_from.is_some(),
                        line: place.position.line,
                        column: place.position.column,
                        end_column: place.position.column + width,
                        object: Object::from(&pod.object),
                        policy: &policy,
                        check: finding.check.id,
                        revision: &revision,
                        level: finding.level.as_str(),
                        container: place.container.as_deref(),
                        path: &place.path,
                        actual: &place.actual,
                        allowed: place.allowed,
                        reason: finding.reason,
                        sentence: &finding.detail,
                        help: &help,
                        safe_to_fix: finding.check.fix.safe,
                        documentation: documentation(finding.check),
                    };
                    serde_json::to_writer(&mut *out, &violation)?;
                }
            }
        }
        Ok(())
    }

    fn assembly(&self) -> Box<dyn Assembly> {
        Box::new(Document::default())
    }
}

/// The document as far as it is written, and the errors that come behind all violations.
#[derive(Default)]
struct Document {
    begun: bool,
    errors: Vec<String>,
}

impl Document {
    fn begin(&mut self, out: &mut dyn Write) -> io::Result<&'static [u8]> {
        if self.begun {
            return Ok(b",\n");
        }
        self.begun = true;
        write!(out, "{{\"version\":{SCHEMA_VERSION},\"violations\":[")?;
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
            self.errors.push(serde_json::to_string(&Unjudged::new(report, problem))?);
        }
        Ok(())
    }

    fn finish(&mut self, summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
        if !self.begun {
            self.begin(out)?;
        }
        write!(out, "\n],\"errors\":[")?;
        for (place, error) in self.errors.iter().enumerate() {
            write!(out, "{}{error}", if place == 0 { "\n" } else { ",\n" })?;
        }
        write!(out, "\n],\"summary\":")?;
        serde_json::to_writer(&mut *out, &Counts::from(summary))?;
        writeln!(out, "}}")
    }
}

/// One field that is to blame.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Violation<'a> {
    file: &'a str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    rendered: bool,
    line: usize,
    column: usize,
    end_column: usize,
    #[serde(flatten)]
    object: Object<'a>,
    policy: &'a str,
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

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Counts<'a> {
    files: usize,
    documents: usize,
    pods: usize,
    exempt_pods: usize,
    refused_pods: usize,
    violations: usize,
    by_check: &'a BTreeMap<&'static str, usize>,
    silenced: usize,
    errors: usize,
}

impl<'a> From<&'a Summary> for Counts<'a> {
    fn from(summary: &'a Summary) -> Self {
        Self {
            files: summary.files,
            documents: summary.documents,
            pods: summary.pods,
            exempt_pods: summary.exempt_pods,
            refused_pods: summary.refused_pods,
            violations: summary.violations,
            by_check: &summary.by_check,
            silenced: summary.silenced,
            errors: summary.problems,
        }
    }
}
