//! For people: the lines, a caret under what is wrong, Kubernetes' sentence, and the way out.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::iter;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer as Snippets, Snippet, Title};

use super::wording::{counted, expectation, object, policy, push_expectation, push_remedy};
use super::{Assembly, Lines, Renderer};
use crate::Source;
use crate::finding::{FileReport, Finding, Place, PodReport, Problem};

/// The format `human`.
#[derive(Debug)]
pub struct Human {
    snippets: Snippets,
    colour: bool,
}

impl Human {
    /// With colours, or without.
    pub fn new(colour: bool) -> Self {
        Self { snippets: if colour { Snippets::styled() } else { Snippets::plain() }, colour }
    }
}

impl Renderer for Human {
    fn source(&self, source: &Source, report: &FileReport, out: &mut Vec<u8>) -> io::Result<()> {
        for problem in &report.problems {
            let title = Level::ERROR.primary_title(problem.message.as_str()).id("unjudged");
            writeln!(out, "{}\n", self.snippets.render(&[placed(title, source, problem)]))?;
        }
        for warning in &report.warnings {
            let title = Level::WARNING.primary_title(warning.message.as_str());
            writeln!(out, "{}\n", self.snippets.render(&[placed(title, source, warning)]))?;
        }
        let mut text = String::new();
        for pod in &report.pods {
            let refused = format!("{} would be refused by {}", object(&pod.object), policy(pod));
            for finding in &pod.findings {
                let message = Message::new(source, pod, finding, &refused);
                if self.colour || !message.draw(&mut text) {
                    text.push_str(&self.snippets.render(&[message.texts().group(&message)]));
                }
                text.push_str("\n\n");
            }
        }
        out.extend_from_slice(text.as_bytes());
        Ok(())
    }

    fn assembly(&self) -> Box<dyn Assembly> {
        Box::new(Lines)
    }
}

/// What is said of a violation, however many containers share it; the places of the first few are shown.
struct Message<'a> {
    pod: &'a PodReport,
    finding: &'a Finding,
    /// That the pod would be refused, and by what.
    refused: &'a str,
    path: &'a str,
    window: Window<'a>,
    /// The places to point at; the first is the one that counts.
    shown: Vec<&'a Place>,
    /// The lines of the other places.
    elsewhere: Vec<usize>,
}

/// The texts of a message for the library that can draw any.
struct Texts {
    title: String,
    labels: Vec<String>,
    notes: Vec<String>,
    help: String,
}

impl<'a> Message<'a> {
    fn new(source: &'a Source, pod: &'a PodReport, finding: &'a Finding, refused: &'a str) -> Self {
        // Several fields that are missing in one place need one arrow.
        let mut shown: Vec<&Place> = Vec::with_capacity(MOST_PLACES.min(finding.places.len()));
        let mut elsewhere = Vec::new();
        for place in &finding.places {
            if shown.iter().any(|other| other.span == place.span) {
                continue;
            }
            if shown.len() < MOST_PLACES {
                shown.push(place);
            } else {
                elsewhere.push(place.position.line);
            }
        }
        let window = Window::around(&source.text, &shown);
        Self { pod, finding, refused, path: &source.name, window, shown, elsewhere }
    }

    fn push_title(&self, text: &mut String) {
        text.push_str(self.finding.level.as_str());
        text.push_str(": ");
        self.finding.push_sentence(text);
    }

    /// Where else there is something; nothing when all places are shown.
    fn push_elsewhere(&self, text: &mut String) {
        if self.elsewhere.is_empty() {
            return;
        }
        let lines: Vec<String> = self.elsewhere.iter().take(MOST_LINES).map(ToString::to_string).collect();
        let more = if self.elsewhere.len() > lines.len() { ", …" } else { "" };
        let places = counted(self.elsewhere.len(), "more place");
        let _ = write!(text, "and in {places}: line {}{more}", lines.join(", "));
    }

    fn push_help(&self, text: &mut String) {
        let check = self.finding.check;
        if push_remedy(text, self.pod, self.finding) {
            text.push_str(if check.fix.safe { "; " } else { "; it may break the program; " });
        }
        text.push_str("`podsec explain ");
        text.push_str(check.id);
        text.push_str("` says more");
    }

    fn texts(&self) -> Texts {
        let text = |push: &dyn Fn(&mut String)| {
            let mut text = String::new();
            push(&mut text);
            text
        };
        let elsewhere = Some(text(&|text| self.push_elsewhere(text))).filter(|note| !note.is_empty());
        Texts {
            title: text(&|text| self.push_title(text)),
            labels: self.shown.iter().map(|place| expectation(place)).collect(),
            notes: elsewhere.into_iter().chain([self.refused.to_owned()]).collect(),
            help: text(&|text| self.push_help(text)),
        }
    }

    /// Draws the message as the library would without colours, in a small part of the time, if it is as simple as most
    /// are: short lines of plain characters, each with one arrow at most. Else nothing is drawn.
    fn draw(&self, out: &mut String) -> bool {
        let start = out.len();
        let is_drawn = self.draw_or_stop(out).is_some();
        if !is_drawn {
            out.truncate(start);
        }
        is_drawn
    }

    fn draw_or_stop(&self, out: &mut String) -> Option<()> {
        let arrows = self.arrows()?;
        let (primary, last) = (arrows.iter().find(|arrow| arrow.primary)?, arrows.last()?);
        let number = |line: usize| self.window.line + line;
        let width = digits(number(last.line));
        out.push_str("error[");
        out.push_str(self.finding.check.id);
        out.push_str("]: ");
        push_plain(out, |out| self.push_title(out))?;
        out.push('\n');
        push_blanks(out, width);
        out.push_str("--> ");
        push_plain(out, |out| out.push_str(self.path))?;
        let _ = writeln!(out, ":{}:{}", number(primary.line), primary.column + 1);
        push_blanks(out, width);
        out.push_str(" |\n");
        let mut before: Option<usize> = None;
        for arrow in &arrows {
            match before.map(|before| arrow.line - before) {
                Some(0) => return None,
                Some(2) => {
                    let line_above = self.line_before(arrow.line_start)?;
                    push_line(out, width, number(arrow.line - 1), line_above)?;
                }
                Some(3..) => out.push_str("...\n"),
                _ => {}
            }
            before = Some(arrow.line);
            push_line(out, width, number(arrow.line), self.line_at(arrow.line_start)?)?;
            push_blanks(out, width);
            out.push_str(" | ");
            push_blanks(out, arrow.column);
            out.extend(iter::repeat_n(if arrow.primary { '^' } else { '-' }, arrow.length));
            out.push(' ');
            let label = out.len();
            push_plain(out, |out| push_expectation(out, arrow.place))?;
            let length = out.len() - label;
            if length == 0 || arrow.column + arrow.length + length > LONGEST_LINE {
                return None;
            }
            out.push('\n');
        }
        push_blanks(out, width);
        out.push_str(" |\n");
        if !self.elsewhere.is_empty() {
            push_blanks(out, width);
            out.push_str(" = note: ");
            push_plain(out, |out| self.push_elsewhere(out))?;
            out.push('\n');
        }
        push_blanks(out, width);
        out.push_str(" = note: ");
        push_plain(out, |out| out.push_str(self.refused))?;
        out.push('\n');
        push_blanks(out, width);
        out.push_str(" = help: ");
        push_plain(out, |out| self.push_help(out))
    }

    /// What to draw below which line, from the first line of the window on; none when that is not simple.
    fn arrows(&self) -> Option<Vec<Arrow<'_>>> {
        let arrow = |(index, place): (usize, &&'a Place)| {
            let span = self.window.shift(&place.span.range());
            let before = self.window.text.get(..span.start)?;
            let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
            (!span.is_empty()).then(|| Arrow {
                line: before.bytes().filter(|byte| *byte == b'\n').count(),
                line_start,
                column: span.start - line_start,
                length: span.len(),
                place,
                primary: index == 0,
            })
        };
        let mut arrows = self.shown.iter().enumerate().map(arrow).collect::<Option<Vec<_>>>()?;
        arrows.sort_by_key(|arrow| arrow.line);
        Some(arrows)
    }

    /// The line of the window that starts here, without its end.
    fn line_at(&self, start: usize) -> Option<&'a str> {
        let rest = self.window.text.get(start..)?;
        let line = rest.get(..rest.find('\n').unwrap_or(rest.len()))?;
        Some(line.trim_end_matches('\r'))
    }

    /// The line before the one that starts here.
    fn line_before(&self, start: usize) -> Option<&'a str> {
        let before = self.window.text.get(..start.checked_sub(1)?)?;
        self.line_at(before.rfind('\n').map_or(0, |newline| newline + 1))
    }
}

impl Texts {
    fn group<'g>(&'g self, message: &'g Message<'_>) -> Group<'g> {
        let window = &message.window;
        let mut snippet = Snippet::source(window.text).line_start(window.line).path(message.path);
        for (index, (place, label)) in message.shown.iter().zip(&self.labels).enumerate() {
            let kind = if index == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
            snippet = snippet.annotation(kind.span(window.shift(&place.span.range())).label(label));
        }
        let title = Level::ERROR.primary_title(&self.title).id(message.finding.check.id);
        let mut group = title.element(snippet);
        for note in &self.notes {
            group = group.element(Level::NOTE.message(note));
        }
        group.element(Level::HELP.message(&self.help))
    }
}

/// What points at a part of a line.
struct Arrow<'a> {
    line: usize,
    /// The first byte of the line in the window.
    line_start: usize,
    column: usize,
    length: usize,
    place: &'a Place,
    primary: bool,
}

/// Appends a line of the source; nothing when it is not simple.
fn push_line(out: &mut String, width: usize, number: usize, text: &str) -> Option<()> {
    // The library shifts what is indented deeply.
    let blanks = text.len() - text.trim_start().len();
    if text.len() > LONGEST_LINE || blanks > MOST_BLANKS || !is_plain(text) {
        return None;
    }
    push_blanks(out, width - digits(number));
    let _ = write!(out, "{number} |");
    if !text.is_empty() {
        out.push(' ');
        out.push_str(text);
    }
    out.push('\n');
    Some(())
}

/// Appends a text; nothing when it is not plain.
fn push_plain(out: &mut String, push: impl FnOnce(&mut String)) -> Option<()> {
    let start = out.len();
    push(out);
    out.get(start..).is_some_and(is_plain).then_some(())
}

fn push_blanks(out: &mut String, count: usize) {
    out.extend(iter::repeat_n(' ', count));
}

/// How many digits a line's number has.
fn digits(number: usize) -> usize {
    number.checked_ilog10().map_or(1, |digits| digits as usize + 1)
}

/// Whether every character is one column wide and shown as it is.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// A title with its place, as far as that is known.
fn placed<'a>(title: Title<'a>, source: &'a Source, problem: &Problem) -> Group<'a> {
    let Some(position) = problem.position else {
        return title.element(Origin::path(source.name.as_str()));
    };
    let start = offset(&source.text, position.line, position.column);
    let end =
        source.text.get(start..).and_then(|rest| rest.chars().next()).map_or(start, |c| start + c.len_utf8());
    let window = Window::around_range(&source.text, &(start..end), position.line);
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
    fn around(text: &'a str, places: &[&Place]) -> Self {
        let first = places.iter().min_by_key(|place| place.span.start);
        let (start, line) = first.map_or((0, 1), |place| (place.span.start, place.position.line));
        let end = places.iter().map(|place| place.span.end).max().unwrap_or(start);
        Self::around_range(text, &(start..end), line)
    }

    /// The lines around a range that starts in `line`.
    fn around_range(text: &'a str, range: &Range<usize>, line: usize) -> Self {
        let before = text.get(..range.start).unwrap_or("");
        let start = before.rmatch_indices('\n').nth(CONTEXT).map_or(0, |(at, _)| at + 1);
        let after = text.get(range.end..).unwrap_or("");
        let end = after.match_indices('\n').nth(CONTEXT).map_or(text.len(), |(at, _)| range.end + at);
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

/// Beyond these the library cuts lines, so that they fit the terminal.
const LONGEST_LINE: usize = 120;
const MOST_BLANKS: usize = 20;

/// Lines that are named of the other places.
const MOST_LINES: usize = 12;

#[cfg(test)]
mod tests {
    use podsec_standards::{Policy, Version};
    use proptest::prelude::*;

    use super::*;
    use crate::{Templates, check};

    /// How many messages of a text are drawn here, of how many; each as the library draws it.
    fn drawn(text: &str) -> (usize, usize) {
        let source = Source { name: "a.yaml".to_owned(), text: text.to_owned() };
        let policy = Policy::new(podsec_standards::Level::Restricted, Version::Latest);
        let report = check(&source, &Templates::default(), &policy);
        let (mut here, mut all) = (0, 0);
        for pod in &report.pods {
            for finding in &pod.findings {
                let message = Message::new(&source, pod, finding, "Pod \"a\" would be refused");
                all += 1;
                let mut plain = String::new();
                if message.draw(&mut plain) {
                    here += 1;
                    assert_eq!(plain, Snippets::plain().render(&[message.texts().group(&message)]));
                } else {
                    assert_eq!(plain, "");
                }
            }
        }
        (here, all)
    }

    #[test]
    fn most_messages_are_drawn_here_and_as_the_library_draws_them() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/manifests");
        let texts = std::fs::read_dir(folder).unwrap();
        let texts = texts.map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap());
        let (here, all) =
            texts.map(|text| drawn(&text)).fold((0, 0), |sum, (here, all)| (sum.0 + here, sum.1 + all));
        assert!(here * 10 > all * 6, "{here} of {all}");
    }

    proptest! {
        #[test]
        fn whatever_the_lines_look_like_a_message_is_drawn_as_the_library_draws_it(
            indents in proptest::collection::vec(0..40_usize, 6),
            between in proptest::collection::vec("[ -~\t\u{e4}\u{4e2d}]{0,130}", 6),
            above in prop_oneof![0..10_usize, 80..101_usize],
            names in proptest::collection::vec("[a-z\u{e4}]{1,60}", 3),
        ) {
            let mut text = "# x\n".repeat(above) + "kind: Pod\napiVersion: v1\nspec:\n  hostPID: true\n  containers:\n";
            for (index, name) in names.iter().enumerate() {
                let indent = " ".repeat(indents[index] + 2);
                let _ = writeln!(text, "  -\n{indent}  name: {name:?} #{}\n#{}", between[index], between[index + 3]);
                let _ = writeln!(text, "{indent}  securityContext: {{privileged: true}}");
                text += &"\n".repeat(indents[index + 3] % 4);
            }
            let (_, all) = drawn(&text);
            prop_assert!(all > 3);
        }
    }
}
