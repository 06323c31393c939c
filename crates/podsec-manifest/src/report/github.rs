//! Annotations of a GitHub workflow: `::error file=…,line=…::message`.
//!
//! GitHub shows ten errors a step and silently drops the rest. So a pod is annotated once, with everything that is
//! wrong with it, and the tenth annotation says how many pods have none. The step's log holds every violation.

use std::fmt::Write as _;
use std::io::{self, Write};

use podsec_standards::Safety;
use podsec_yaml::Position;

use super::entry::Entry;
use super::renderer::{Assembly, Lines, Renderer};
use super::wording::{IMAGE_USER, counted, not_started, placed_consequence, refused, remedies};
use super::{Concise, Summary};
use crate::Source;
use crate::finding::{FileReport, PodReport, Problem};

/// The format `github`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Github;

impl Renderer for Github {
    fn source(&self, source: &Source, report: &FileReport, out: &mut Vec<u8>) -> io::Result<()> {
        Concise.source(source, report, out)
    }

    fn assembly(&self) -> Box<dyn Assembly> {
        Box::new(Annotated::default())
    }
}

/// The log, and before each file's part of it the annotations that GitHub has room for.
#[derive(Default)]
struct Annotated {
    annotations: usize,
    left_out: usize,
    warnings: usize,
}

impl Annotated {
    /// Whether one more annotation would be shown.
    fn has_room(&mut self) -> bool {
        let has_room = self.annotations < SHOWN - 1;
        if has_room {
            self.annotations += 1;
        } else {
            self.left_out += 1;
        }
        has_room
    }
}

impl Assembly for Annotated {
    fn add(&mut self, report: &FileReport, rendered: &[u8], out: &mut dyn Write) -> io::Result<()> {
        for problem in &report.problems {
            if self.has_room() {
                annotate_problem(report, problem, out)?;
            }
        }
        for pod in report.pods.iter().filter(|pod| !pod.findings.is_empty()) {
            if self.has_room() {
                annotate(report, pod, out)?;
            }
        }
        // GitHub counts warnings and notices apart.
        for entry in Entry::all(report) {
            let message = match entry {
                Entry::Refusal(problem) => problem.message.clone(),
                Entry::NotStarted(pod, container) => {
                    format!("[{IMAGE_USER}] {}", not_started(pod, container))
                }
                Entry::Violation(pod, told) if !told.refuses() => {
                    format!("{}: {}", placed_consequence(report, pod, &told), told.finding.sentence())
                }
                _ => continue,
            };
            if self.warnings == SHOWN {
                break;
            }
            self.warnings += 1;
            let place = place(report, entry.position());
            let (file, message) = (escape_property(report.file()), escape_message(&message));
            writeln!(out, "::warning file={file}{place},title=podsec::{message}")?;
        }
        Lines.add(report, rendered, out)
    }

    fn finish(&mut self, summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
        if self.left_out > 0 {
            let message = format!(
                "{} not annotated, as GitHub shows {SHOWN} annotations a step; the log holds all",
                counted(self.left_out, "more pod or file"),
            );
            writeln!(out, "::error title=podsec::{}", escape_message(&message))?;
        }
        Lines.finish(summary, out)
    }
}

fn annotate(report: &FileReport, pod: &PodReport, out: &mut dyn Write) -> io::Result<()> {
    let Some(first) =
        pod.findings.iter().flat_map(|finding| &finding.places).min_by_key(|place| place.position)
    else {
        return Ok(());
    };
    let mut message = String::new();
    for finding in &pod.findings {
        let kind = finding.safety().map_or("none", Safety::as_str);
        let _ = writeln!(message, "[{}] {}; fix: {kind}", finding.check.id, finding.sentence());
        for remedy in remedies(pod, finding).into_iter().take(3) {
            let _ = writeln!(message, "    {remedy}");
        }
    }
    let title = format!("{} would be refused: {}", refused(pod), counted(pod.findings.len(), "violation"));
    writeln!(
        out,
        "::error file={}{},title={}::{}",
        escape_property(report.file()),
        place(report, Some(first.position)),
        escape_property(&title),
        escape_message(message.trim_end())
    )
}

fn annotate_problem(report: &FileReport, problem: &Problem, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "::error file={}{},title=podsec could not judge this::{}",
        escape_property(report.file()),
        place(report, problem.position),
        escape_message(&problem.message)
    )
}

/// The place in the file, if it is known there.
fn place(report: &FileReport, position: Option<Position>) -> String {
    let position = position.filter(|_| report.rendered_from.is_none());
    position.map_or_else(String::new, |Position { line, column }| format!(",line={line},col={column}"))
}

fn escape_message(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn escape_property(text: &str) -> String {
    escape_message(text).replace(':', "%3A").replace(',', "%2C")
}

/// How many errors GitHub shows a step.
const SHOWN: usize = 10;
