//! For people: the lines, a caret under what is wrong, Kubernetes' sentence, and the way out.

use std::io::{self, Write};
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer as Snippets, Snippet};

use super::{Renderer, Summary, counted};
use crate::Source;
use crate::finding::{FileReport, Finding, PodReport, Problem};

/// The format `human`.
#[derive(Debug)]
pub struct Human {
    snippets: Snippets,
}

impl Human {
    /// With colours, or without.
    pub fn new(colour: bool) -> Self {
        Self { snippets: if colour { Snippets::styled() } else { Snippets::plain() } }
    }
}

impl Renderer for Human {
    fn file(&mut self, source: &Source, report: &FileReport, out: &mut dyn Write) -> io::Result<()> {
        for problem in &report.problems {
            writeln!(out, "{}\n", self.snippets.render(&[unjudged(source, problem)]))?;
        }
        for pod in &report.pods {
            for finding in &pod.findings {
                writeln!(out, "{}\n", self.snippets.render(&[violation(source, pod, finding)]))?;
            }
        }
        Ok(())
    }

    fn finish(&mut self, summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
        let read = format!("{} in {}", counted(summary.pods, "pod"), counted(summary.files, "file"));
        if summary.problems > 0 {
            writeln!(out, "{} could not be judged", counted(summary.problems, "place"))?;
        }
        if summary.refused_pods == 0 {
            writeln!(out, "{read}: all that could be judged would be admitted")
        } else {
            writeln!(
                out,
                "{read}: {} would be refused, for {}",
                summary.refused_pods,
                counted(summary.violations, "violation")
            )
        }
    }
}

fn violation<'a>(source: &'a Source, pod: &'a PodReport, finding: &'a Finding) -> Group<'a> {
    let spans: Vec<Range<usize>> = finding.places.iter().map(|place| place.span.range()).collect();
    let window = Window::around(&source.text, &spans);
    let mut snippet = Snippet::source(window.text).line_start(window.line).path(source.name.as_str());
    let mut labelled: Vec<&Range<usize>> = Vec::new();
    for (place, span) in finding.places.iter().zip(&spans) {
        // Several fields that are missing in one place need one arrow.
        if labelled.contains(&span) {
            continue;
        }
        labelled.push(span);
        let kind = if labelled.len() == 1 { AnnotationKind::Primary } else { AnnotationKind::Context };
        let label = match (place.missing.as_str(), place.allowed) {
            ("", []) => String::new(),
            ("", allowed) => format!("must be {}", allowed.join(" or ")),
            (missing, []) => format!("{missing} is missing"),
            (missing, allowed) => format!("{missing} is missing; it must be {}", allowed.join(" or ")),
        };
        snippet = snippet.annotation(kind.span(window.shift(span)).label(label));
    }
    let object = &pod.object;
    let policy = pod.policy.map(|policy| policy.to_string()).unwrap_or_default();
    let title = if finding.detail.is_empty() {
        finding.reason.to_owned()
    } else {
        format!("{}: {}", finding.reason, finding.detail)
    };
    Level::ERROR
        .primary_title(title)
        .id(finding.check.id)
        .element(snippet)
        .element(
            Level::NOTE.message(format!("{} {:?} would be refused under {policy}", object.kind, object.name)),
        )
        .element(Level::HELP.message(super::documentation(finding.check)))
}

fn unjudged<'a>(source: &'a Source, problem: &'a Problem) -> Group<'a> {
    let title = Level::ERROR.primary_title(problem.message.as_str()).id("unjudged");
    let Some(position) = problem.position else {
        return title.element(annotate_snippets::Origin::path(source.name.as_str()));
    };
    let start = offset(&source.text, position.line, position.column);
    let end =
        source.text.get(start..).and_then(|rest| rest.chars().next()).map_or(start, |c| start + c.len_utf8());
    let window = Window::around(&source.text, std::slice::from_ref(&(start..end)));
    let annotation = AnnotationKind::Primary.span(window.shift(&(start..end)));
    title.element(
        Snippet::source(window.text)
            .line_start(window.line)
            .path(source.name.as_str())
            .annotation(annotation),
    )
}

/// The lines that a snippet shows; without them every finding would take as long as its whole file.
struct Window<'a> {
    text: &'a str,
    start: usize,
    line: usize,
}

impl<'a> Window<'a> {
    fn around(text: &'a str, spans: &[Range<usize>]) -> Self {
        let first = spans.iter().map(|span| span.start).min().unwrap_or(0);
        let last = spans.iter().map(|span| span.end).max().unwrap_or(first);
        let before = text.get(..first).unwrap_or("");
        let start = before.rmatch_indices('\n').nth(CONTEXT).map_or(0, |(at, _)| at + 1);
        let after = text.get(last..).unwrap_or("");
        let end = after.match_indices('\n').nth(CONTEXT).map_or(text.len(), |(at, _)| last + at);
        let line = before.get(..start).unwrap_or("").bytes().filter(|byte| *byte == b'\n').count() + 1;
        Self { text: text.get(start..end).unwrap_or(""), start, line }
    }

    fn shift(&self, span: &Range<usize>) -> Range<usize> {
        span.start - self.start..span.end - self.start
    }
}

fn offset(text: &str, line: usize, column: usize) -> usize {
    let start = match line.checked_sub(2) {
        None => 0,
        Some(before) => text.match_indices('\n').nth(before).map_or(text.len(), |(at, _)| at + 1),
    };
    let rest = text.get(start..).unwrap_or("");
    start + rest.char_indices().nth(column.saturating_sub(1)).map_or(rest.len(), |(at, _)| at)
}

/// Lines shown before and after what is wrong.
const CONTEXT: usize = 1;
