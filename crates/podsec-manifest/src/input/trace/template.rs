//! Places in a template, from those in what Helm made of it.

use std::fs;
use std::path::PathBuf;

use podsec_yaml::{Position, Span};

use super::lines::Alignment;
use super::values;
use crate::Source;
use crate::finding::{FileReport, Finding, PodReport};

/// The report with its places in the template; none when that cannot be read, or is too long.
pub(super) fn traced(
    file: &str,
    files: &[PathBuf],
    source: &Source,
    report: &FileReport,
) -> Option<Vec<(Source, FileReport)>> {
    let text = fs::read_to_string(file).ok()?;
    let template = Template {
        alignment: Alignment::new(&text, &source.text)?,
        starts: starts(&text),
        text: &text,
        rendered: &source.text,
        files,
    };
    let mut report = FileReport { name: file.to_owned(), ..report.clone() };
    for pod in &mut report.pods {
        template.pod(pod);
    }
    for problem in report.problems.iter_mut().chain(&mut report.refusals).chain(&mut report.warnings) {
        problem.position = problem.position.map(|position| template.place(position, None).1);
    }
    Some(vec![(Source { name: file.to_owned(), text }, report)])
}

struct Template<'t> {
    text: &'t str,
    rendered: &'t str,
    alignment: Alignment<'t>,
    /// Where its lines start.
    starts: Vec<usize>,
    /// Where its values stand.
    files: &'t [PathBuf],
}

impl Template<'_> {
    fn pod(&self, pod: &mut PodReport) {
        pod.document = Span { start: 0, end: self.text.len() };
        let advised = pod.advice.iter_mut().flat_map(|advice| &mut advice.findings);
        let silenced = pod.silenced.iter_mut().map(|silenced| &mut silenced.finding);
        pod.findings.iter_mut().chain(advised).chain(silenced).for_each(|finding| self.finding(finding));
        for user in &mut pod.image_users {
            (user.span, user.position) = self.place(user.position, Some(user.span));
        }
    }

    fn finding(&self, finding: &mut Finding) {
        for place in &mut finding.places {
            (place.span, place.position) = self.place(place.position, Some(place.span));
            // It is the template that would have to change, and no edit of what was made of it.
            if finding.origin.is_none() {
                let line = self.line(place.position.line - 1);
                finding.origin = values::behind(line, self.files);
            }
        }
        finding.places.sort_by_key(|place| place.position);
    }

    fn line(&self, index: usize) -> &str {
        let start = self.starts.get(index).copied().unwrap_or_default();
        let rest = self.text.get(start..).unwrap_or("");
        rest.lines().next().unwrap_or("")
    }

    /// The bytes of the template to point at, and where they start: the same text in the line that made it, else all of
    /// that line.
    fn place(&self, position: Position, span: Option<Span>) -> (Span, Position) {
        let index = self.alignment.line(position.line.saturating_sub(1));
        let start = self.starts.get(index).copied().unwrap_or_default();
        let line = self.line(index);
        let marked = span.and_then(|span| self.rendered.get(span.range())).filter(|text| !text.is_empty());
        let bare = line.trim();
        let indent = line.len() - line.trim_start().len();
        let (offset, length) = match marked.and_then(|marked| Some((line.find(marked)?, marked.len()))) {
            Some(found) => found,
            None => (indent, bare.len()),
        };
        let column = line.get(..offset).unwrap_or("").chars().count() + 1;
        let span = Span { start: start + offset, end: start + offset + length };
        (span, Position { line: index + 1, column })
    }
}

/// Where the lines of a text start.
fn starts(text: &str) -> Vec<usize> {
    let behind = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(index, _)| index + 1);
    [0].into_iter().chain(behind).collect()
}
