//! For people: the lines, a caret under what is wrong, Kubernetes' sentence, and the way out.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer as Snippets, Snippet, Title};

use super::wording::{counted, expectation, object, policy, remedy};
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
        for pod in &report.pods {
            for finding in &pod.findings {
                let message = Message::new(source, pod, finding);
                match message.plain().filter(|_| !self.colour) {
                    Some(text) => out.extend_from_slice(text.as_bytes()),
                    None => out.extend_from_slice(self.snippets.render(&[message.group()]).as_bytes()),
                }
                out.extend_from_slice(b"\n\n");
            }
        }
        Ok(())
    }

    fn assembly(&self) -> Box<dyn Assembly> {
        Box::new(Lines)
    }
}

/// What is said of a violation, however many containers share it; the places of the first few are shown.
struct Message<'a> {
    id: &'static str,
    title: String,
    path: &'a str,
    window: Window<'a>,
    /// The bytes of the window to point at, and what to say there; the first is the one that counts.
    labels: Vec<(Range<usize>, String)>,
    notes: Vec<String>,
    help: String,
}

impl<'a> Message<'a> {
    fn new(source: &'a Source, pod: &PodReport, finding: &Finding) -> Self {
        // Several fields that are missing in one place need one arrow.
        let mut shown: Vec<&Place> = Vec::new();
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
        let spans: Vec<Range<usize>> = shown.iter().map(|place| place.span.range()).collect();
        let first = shown.iter().min_by_key(|place| place.span.start).map_or(1, |place| place.position.line);
        let window = Window::around(&source.text, &spans, first);
        let mut notes = Vec::new();
        if !elsewhere.is_empty() {
            let lines: Vec<String> = elsewhere.iter().take(MOST_LINES).map(ToString::to_string).collect();
            let more = if elsewhere.len() > lines.len() { ", …" } else { "" };
            let places = counted(elsewhere.len(), "more place");
            notes.push(format!("and in {places}: line {}{more}", lines.join(", ")));
        }
        notes.push(format!("{} would be refused by {}", object(&pod.object), policy(pod)));
        let risk = if finding.check.fix.safe { "" } else { "; it may break the program" };
        let explain = format!("`podsec explain {}` says more", finding.check.id);
        Self {
            id: finding.check.id,
            title: format!("{}: {}", finding.level, finding.sentence()),
            path: &source.name,
            labels: shown
                .iter()
                .map(|place| (window.shift(&place.span.range()), expectation(place)))
                .collect(),
            window,
            notes,
            help: match remedy(pod, finding) {
                Some(remedy) => format!("{remedy}{risk}; {explain}"),
                None => explain,
            },
        }
    }

    /// The message for the library that can draw any.
    fn group(&self) -> Group<'_> {
        let mut snippet = Snippet::source(self.window.text).line_start(self.window.line).path(self.path);
        for (index, (span, label)) in self.labels.iter().enumerate() {
            let kind = if index == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
            snippet = snippet.annotation(kind.span(span.clone()).label(label));
        }
        let mut group = Level::ERROR.primary_title(&self.title).id(self.id).element(snippet);
        for note in &self.notes {
            group = group.element(Level::NOTE.message(note));
        }
        group.element(Level::HELP.message(&self.help))
    }

    /// The message as the library would draw it without colours, in a small part of the time, if it is as simple as most
    /// are: short lines of plain characters, each with one arrow at most.
    fn plain(&self) -> Option<String> {
        let texts = self.notes.iter().map(String::as_str).chain([&*self.title, self.path, &self.help]);
        if !texts.chain(self.labels.iter().map(|(_, label)| &**label)).all(is_plain) {
            return None;
        }
        let lines: Vec<&str> = self.window.text.split('\n').map(|line| line.trim_end_matches('\r')).collect();
        let arrows = self.arrows()?;
        let (primary, last) = (arrows.iter().find(|arrow| arrow.primary)?, arrows.last()?);
        let number = |line: usize| self.window.line + line;
        let width = number(last.line).to_string().len();
        let mut out = format!(
            "error[{}]: {}\n{:width$}--> {}:{}:{}\n{:width$} |\n",
            self.id,
            self.title,
            "",
            self.path,
            number(primary.line),
            primary.column + 1,
            ""
        );
        let show = |line: usize| {
            let text = lines.get(line).filter(|text| text.len() <= LONGEST_LINE && is_plain(text))?;
            // The library shifts what is indented deeply.
            let blanks = text.len() - text.trim_start().len();
            (blanks <= MOST_BLANKS).then(|| (number(line), *text))
        };
        let mut before: Option<usize> = None;
        for arrow in &arrows {
            match before.map(|before| arrow.line - before) {
                Some(0) => return None,
                Some(2) => {
                    let (number, text) = show(arrow.line - 1)?;
                    push_line(&mut out, width, number, text);
                }
                Some(3..) => out.push_str("...\n"),
                _ => {}
            }
            before = Some(arrow.line);
            let (number, text) = show(arrow.line)?;
            push_line(&mut out, width, number, text);
            let mark = if arrow.primary { "^" } else { "-" }.repeat(arrow.length);
            let Arrow { column, label, .. } = *arrow;
            let _ = writeln!(out, "{:width$} | {:column$}{mark} {label}", "", "");
        }
        let _ = writeln!(out, "{:width$} |", "");
        for note in &self.notes {
            let _ = writeln!(out, "{:width$} = note: {note}", "");
        }
        let _ = write!(out, "{:width$} = help: {}", "", self.help);
        Some(out)
    }

    /// What to draw below which line, from the first line of the window on; none when that is not simple.
    fn arrows(&self) -> Option<Vec<Arrow<'_>>> {
        let arrow = |(index, labelled)| {
            let (span, label): &(Range<usize>, String) = labelled;
            let before = self.window.text.get(..span.start)?;
            let start = before.rfind('\n').map_or(0, |newline| newline + 1);
            let fits =
                span.end - start + label.len() <= LONGEST_LINE && !span.is_empty() && !label.is_empty();
            fits.then(|| Arrow {
                line: before.bytes().filter(|byte| *byte == b'\n').count(),
                column: span.start - start,
                length: span.len(),
                label,
                primary: index == 0,
            })
        };
        let mut arrows = self.labels.iter().enumerate().map(arrow).collect::<Option<Vec<_>>>()?;
        arrows.sort_by_key(|arrow| arrow.line);
        Some(arrows)
    }
}

/// What points at a part of a line.
struct Arrow<'a> {
    line: usize,
    column: usize,
    length: usize,
    label: &'a str,
    primary: bool,
}

fn push_line(out: &mut String, width: usize, number: usize, text: &str) {
    let _ = match text {
        "" => writeln!(out, "{number:>width$} |"),
        text => writeln!(out, "{number:>width$} | {text}"),
    };
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
                let message = Message::new(&source, pod, finding);
                all += 1;
                if let Some(plain) = message.plain() {
                    here += 1;
                    assert_eq!(plain, Snippets::plain().render(&[message.group()]));
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
