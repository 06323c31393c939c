//! Annotations of a GitHub workflow: `::error file=…,line=…::message`.
//!
//! GitHub shows ten errors a step and silently drops the rest. So a pod is annotated once, with everything that is
//! wrong with it, and the tenth annotation says how many pods have none. The step's log holds every violation.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::wording::{counted, object, remedies};
use super::{Concise, Renderer, Summary};
use crate::Source;
use crate::finding::{FileReport, PodReport, Problem};

/// The format `github`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Github {
    annotations: usize,
    left_out: usize,
}

impl Github {
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

impl Renderer for Github {
    fn file(&mut self, source: &Source, report: &FileReport, out: &mut dyn Write) -> io::Result<()> {
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
        Concise.file(source, report, out)
    }

    fn finish(&mut self, summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
        if self.left_out > 0 {
            let message = format!(
                "{} not annotated, as GitHub shows {SHOWN} annotations a step; the log holds all",
                counted(self.left_out, "more pod or file"),
            );
            writeln!(out, "::error title=podsec::{}", escape_message(&message))?;
        }
        Concise.finish(summary, out)
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
        let _ = writeln!(message, "[{}] {}", finding.check.id, finding.sentence());
        for remedy in remedies(pod, finding).into_iter().take(3) {
            let _ = writeln!(message, "    {remedy}");
        }
    }
    let title =
        format!("{} would be refused: {}", object(&pod.object), counted(pod.findings.len(), "violation"));
    writeln!(
        out,
        "::error file={},line={},col={},title={}::{}",
        escape_property(&report.name),
        first.position.line,
        first.position.column,
        escape_property(&title),
        escape_message(message.trim_end())
    )
}

fn annotate_problem(report: &FileReport, problem: &Problem, out: &mut dyn Write) -> io::Result<()> {
    let place = problem
        .position
        .map_or_else(String::new, |position| format!(",line={},col={}", position.line, position.column));
    writeln!(
        out,
        "::error file={}{place},title=podsec could not judge this::{}",
        escape_property(&report.name),
        escape_message(&problem.message)
    )
}

fn escape_message(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn escape_property(text: &str) -> String {
    escape_message(text).replace(':', "%3A").replace(',', "%2C")
}

/// How many errors GitHub shows a step.
const SHOWN: usize = 10;
