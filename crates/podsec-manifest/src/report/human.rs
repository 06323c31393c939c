//! For people: the lines, a caret under what is wrong, Kubernetes' sentence, and the way out.

use std::io::{self, Write};
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer as Snippets, Snippet, Title};

use super::wording::{counted, expectation, object, policy, remedy};
use super::{Renderer, Summary};
use crate::Source;
use crate::finding::{FileReport, Finding, Place, PodReport, Problem};

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
            let title = Level::ERROR.primary_title(problem.message.as_str()).id("unjudged");
            writeln!(out, "{}\n", self.snippets.render(&[placed(title, source, problem)]))?;
        }
        for warning in &report.warnings {
            let title = Level::WARNING.primary_title(warning.message.as_str());
            writeln!(out, "{}\n", self.snippets.render(&[placed(title, source, warning)]))?;
        }
        for pod in &report.pods {
            for finding in &pod.findings {
                writeln!(out, "{}\n", self.snippets.render(&[violation(source, pod, finding)]))?;
            }
        }
        Ok(())
    }

    fn finish(&mut self, summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}", summary.sentence())
    }
}

/// A violation, however many containers share it, is one message; the places of the first few are shown.
fn violation<'a>(source: &'a Source, pod: &'a PodReport, finding: &'a Finding) -> Group<'a> {
    // Several fields that are missing in one place need one arrow.
    let mut shown: Vec<(Range<usize>, &Place)> = Vec::new();
    let mut elsewhere = Vec::new();
    for place in &finding.places {
        let span = place.span.range();
        if shown.iter().any(|(other, _)| *other == span) {
            continue;
        }
        if shown.len() < MOST_PLACES {
            shown.push((span, place));
        } else {
            elsewhere.push(place.position.line);
        }
    }
    let spans: Vec<Range<usize>> = shown.iter().map(|(span, _)| span.clone()).collect();
    let first = shown.iter().min_by_key(|(span, _)| span.start).map_or(1, |(_, place)| place.position.line);
    let window = Window::around(&source.text, &spans, first);
    let mut snippet = Snippet::source(window.text).line_start(window.line).path(source.name.as_str());
    for (index, (span, place)) in shown.iter().enumerate() {
        let kind = if index == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
        snippet = snippet.annotation(kind.span(window.shift(span)).label(expectation(place)));
    }
    let mut group = Level::ERROR
        .primary_title(format!("{}: {}", finding.level, finding.sentence()))
        .id(finding.check.id)
        .element(snippet);
    if !elsewhere.is_empty() {
        let lines: Vec<String> = elsewhere.iter().take(MOST_LINES).map(ToString::to_string).collect();
        let more = if elsewhere.len() > lines.len() { ", …" } else { "" };
        let places = counted(elsewhere.len(), "more place");
        group =
            group.element(Level::NOTE.message(format!("and in {places}: line {}{more}", lines.join(", "))));
    }
    let refused = format!("{} would be refused by {}", object(&pod.object), policy(pod));
    let risk = if finding.check.fix.safe { "" } else { "; it may break the program" };
    let explain = format!("`podsec explain {}` says more", finding.check.id);
    let help = match remedy(pod, finding) {
        Some(remedy) => format!("{remedy}{risk}; {explain}"),
        None => explain,
    };
    group.element(Level::NOTE.message(refused)).element(Level::HELP.message(help))
}

/// A title with its place, as far as that is known.
fn placed<'a>(title: Title<'a>, source: &'a Source, problem: &Problem) -> Group<'a> {
    let Some(position) = problem.position else {
        return title.element(Origin::path(source.name.as_str()));
    };
    let start = offset(&source.text, position.line, position.column);
    let end =
        source.text.get(start..).and_then(|rest| rest.chars().next()).map_or(start, |c| start + c.len_utf8());
    let window = Window::around(&source.text, std::slice::from_ref(&(start..end)), position.line);
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
    /// The lines around spans, of which the first starts in `line`.
    fn around(text: &'a str, spans: &[Range<usize>], line: usize) -> Self {
        let first = spans.iter().map(|span| span.start).min().unwrap_or(0);
        let last = spans.iter().map(|span| span.end).max().unwrap_or(first);
        let before = text.get(..first).unwrap_or("");
        let start = before.rmatch_indices('\n').nth(CONTEXT).map_or(0, |(at, _)| at + 1);
        let after = text.get(last..).unwrap_or("");
        let end = after.match_indices('\n').nth(CONTEXT).map_or(text.len(), |(at, _)| last + at);
        let above = before.get(start..).unwrap_or("").bytes().filter(|byte| *byte == b'\n').count();
        let line = line.saturating_sub(above).max(1);
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

/// Places of one violation that are shown with their lines.
const MOST_PLACES: usize = 4;

/// Lines that are named of the other places.
const MOST_LINES: usize = 12;
