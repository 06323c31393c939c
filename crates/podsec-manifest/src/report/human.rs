//! For people: the lines, a caret under what is wrong, Kubernetes' sentence, and the way out.

use std::fmt::Write as _;
use std::io;
use std::iter;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer as Snippets, Snippet, Title};
use podsec_yaml::Position;

use super::entry::Entry;
use super::excerpt::{Cursor, Excerpt, Window};
use super::renderer::{Assembly, Lines, Renderer};
use super::wording::{
    IMAGE_USER, counted, expectation, not_started, patch, placed_consequence, push_expectation, push_remedy,
};
use crate::Source;
use crate::finding::{FileReport, Finding, Place, PodReport, Problem, Told};

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
        let mut text = String::new();
        let mut cursor = Cursor::new(&source.text, report.start.lines);
        for entry in Entry::all(report) {
            match entry {
                Entry::Problem(problem) => {
                    let title = Level::ERROR.primary_title(problem.message.as_str()).id("unjudged");
                    text.push_str(&self.placed(title, source, problem, &mut cursor));
                }
                Entry::Refusal(problem) => {
                    let title = Level::WARNING.primary_title(problem.message.as_str()).id("strict");
                    text.push_str(&self.placed(title, source, problem, &mut cursor));
                }
                Entry::Warning(problem) => {
                    let title = Level::WARNING.primary_title(problem.message.as_str());
                    text.push_str(&self.placed(title, source, problem, &mut cursor));
                }
                Entry::Patch(object) => {
                    let Position { line, column } = object.position;
                    let origin = Origin::path(source.name.as_str()).line(line).char_column(column);
                    let title = patch(object);
                    let title = Level::NOTE.primary_title(&title);
                    text.push_str(&self.snippets.render(&[title.element(origin)]));
                }
                Entry::NotStarted(pod, container) => {
                    let message = not_started(pod, container);
                    let problem = Problem { object: None, position: Some(container.position), message };
                    let title = Level::ERROR.primary_title(problem.message.as_str()).id(IMAGE_USER);
                    text.push_str(&self.placed(title, source, &problem, &mut cursor));
                }
                Entry::Violation(pod, told) => {
                    let refused = placed_consequence(report, pod, &told);
                    self.violation(&Message::new(source, pod, &told, &refused), &mut text);
                }
            }
            text.push_str("\n\n");
        }
        out.extend_from_slice(text.as_bytes());
        Ok(())
    }

    fn assembly(&self) -> Box<dyn Assembly> {
        Box::new(Lines)
    }
}

impl Human {
    fn violation(&self, message: &Message<'_>, out: &mut String) {
        match &message.window {
            None => message.draw_excerpt(out, self.colour),
            Some(_) if !self.colour && message.draw(out) => {}
            Some(window) => {
                out.push_str(&self.snippets.render(&[message.texts().group(message, window)]));
            }
        }
    }

    /// A title with its place, as far as that is known.
    fn placed<'a>(
        &self,
        title: Title<'a>,
        source: &'a Source,
        problem: &Problem,
        cursor: &mut Cursor<'_>,
    ) -> String {
        let Some(position) = problem.position else {
            return self.snippets.render(&[title.element(Origin::path(source.name.as_str()))]);
        };
        let start = cursor.seek(position);
        let character = source.text.get(start..).and_then(|rest| rest.chars().next());
        let range = start..start + character.map_or(0, char::len_utf8);
        let Some(window) = Window::around(&source.text, &range, position.line) else {
            let origin = Origin::path(source.name.as_str()).line(position.line).char_column(position.column);
            return self.snippets.render(&[title.element(origin)]);
        };
        let annotation = AnnotationKind::Primary.span(window.shift(&range));
        let snippet = Snippet::source(window.text)
            .line_start(window.line)
            .path(source.name.as_str())
            .annotation(annotation);
        self.snippets.render(&[title.element(snippet)])
    }
}

/// What is said of a violation, however many containers share it; the places of the first few are shown.
struct Message<'a> {
    pod: &'a PodReport,
    finding: &'a Finding,
    /// Whether the pod is refused for it.
    refuses: bool,
    /// What would become of the pod, and by what.
    refused: &'a str,
    path: &'a str,
    text: &'a str,
    /// The lines around the places; none when one of them is too long to be shown whole.
    window: Option<Window<'a>>,
    /// The places to point at; the first is the one that counts.
    shown: Vec<&'a Place>,
    /// The other places.
    elsewhere: Vec<Position>,
}

/// The texts of a message for the library that can draw any.
struct Texts {
    title: String,
    labels: Vec<String>,
    notes: Vec<String>,
    help: String,
    risk: Option<String>,
}

impl<'a> Message<'a> {
    fn new(source: &'a Source, pod: &'a PodReport, told: &Told<'a>, refused: &'a str) -> Self {
        let finding = told.finding;
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
                elsewhere.push(place.position);
            }
        }
        let text = source.text.as_str();
        let is_long = |place: &&Place| Excerpt::of(text, &place.span.range()).is_cut();
        let window = if shown.iter().any(is_long) { None } else { window(text, &shown) };
        if window.is_none() {
            let others = shown.iter().skip(1).map(|place| place.position);
            elsewhere = others.chain(elsewhere).collect();
            shown.truncate(1);
        }
        Self {
            pod,
            finding,
            refuses: told.refuses(),
            refused,
            path: &source.name,
            text,
            window,
            shown,
            elsewhere,
        }
    }

    fn severity(&self) -> &'static str {
        if self.refuses { "error" } else { "warning" }
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
        let place = |position: &Position| match self.window {
            Some(_) => position.line.to_string(),
            // Many may be in one long line.
            None => position.to_string(),
        };
        let lines: Vec<String> = self.elsewhere.iter().take(MOST_LINES).map(place).collect();
        let more = if self.elsewhere.len() > lines.len() { ", …" } else { "" };
        let places = counted(self.elsewhere.len(), "more place");
        let _ = write!(text, "and in {places}: line {}{more}", lines.join(", "));
    }

    /// What the fix may break; nothing when podsec makes it unasked.
    fn risk(&self) -> Option<String> {
        let finding = self.finding;
        finding
            .safety()
            .filter(|safety| !safety.is_made_unasked())
            .map(|_| format!("this may break the program: {}", finding.check.fix.risk))
    }

    fn push_help(&self, text: &mut String) {
        if let Some(advice) = &self.finding.advice {
            text.push_str(advice);
            text.push_str("; ");
        } else if push_remedy(text, self.pod, self.finding) {
            text.push_str("; ");
        }
        text.push_str("`podsec explain ");
        text.push_str(self.finding.check.id);
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
            risk: self.risk(),
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
        let window = self.window.as_ref()?;
        let arrows = self.arrows(window)?;
        let (primary, last) = (arrows.iter().find(|arrow| arrow.primary)?, arrows.last()?);
        let number = |line: usize| window.line + line;
        let width = digits(number(last.line));
        let _ = write!(out, "{}[{}]: ", self.severity(), self.finding.check.id);
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
                    let line_above = line_before(window, arrow.line_start)?;
                    push_line(out, width, number(arrow.line - 1), line_above)?;
                }
                Some(3..) => out.push_str("...\n"),
                _ => {}
            }
            before = Some(arrow.line);
            push_line(out, width, number(arrow.line), line_at(window, arrow.line_start)?)?;
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
        push_plain(out, |out| self.push_help(out))?;
        if let Some(risk) = self.risk() {
            out.push('\n');
            push_blanks(out, width);
            out.push_str(" = note: ");
            push_plain(out, |out| out.push_str(&risk))?;
        }
        Some(())
    }

    /// Draws the message with a part of its long line, as the library draws others: that would look at the whole of it.
    fn draw_excerpt(&self, out: &mut String, colour: bool) {
        let Some(place) = self.shown.first() else { return };
        let Excerpt { before, marked, after, cut } = Excerpt::of(self.text, &place.span.range());
        let [begins_before, marks_less, goes_on] = cut.map(|cut| if cut { "..." } else { "" });
        let before = [begins_before, &visible(before)].concat();
        let marked = [&visible(marked), marks_less].concat();
        let paint = |text: &str, style: &str| {
            if colour { format!("\u{1b}[1m\u{1b}[{style}m{text}\u{1b}[0m") } else { text.to_owned() }
        };
        let error = |text: &str| paint(text, if self.refuses { "91" } else { "33" });
        let frame = |text: &str| paint(text, "94");
        let number = place.position.line.to_string();
        let blanks = " ".repeat(number.len());
        let id = self.finding.check.id;
        let _ = write!(out, "{}: ", error(&format!("{}[{id}]", self.severity())));
        self.push_title(out);
        let _ = writeln!(out, "\n{blanks}{} {}:{}", frame("-->"), self.path, place.position);
        let _ = writeln!(out, "{blanks} {}", frame("|"));
        let line = [&before, &marked, &*visible(after), goes_on].concat();
        let _ = writeln!(out, "{} {line}", frame(&format!("{number} |")));
        let arrow = "^".repeat(marked.chars().count().max(1));
        let indent = " ".repeat(before.chars().count());
        let label = expectation(place);
        let arrow = [arrow.as_str(), " ", &label].concat();
        let _ = writeln!(out, "{blanks} {} {indent}{}", frame("|"), error(arrow.trim_end()));
        let _ = writeln!(out, "{blanks} {}", frame("|"));
        let mut note = |what: &str, push: &dyn Fn(&mut String)| {
            let start = out.len();
            let _ = write!(out, "{blanks} {} {what}: ", frame("="));
            let before = out.len();
            push(out);
            if out.len() == before { out.truncate(start) } else { out.push('\n') }
        };
        note("note", &|out| self.push_elsewhere(out));
        note("note", &|out| out.push_str(self.refused));
        note("help", &|out| self.push_help(out));
        out.truncate(out.trim_end().len());
    }

    /// What to draw below which line, from the first line of the window on; none when that is not simple.
    fn arrows(&self, window: &Window<'_>) -> Option<Vec<Arrow<'_>>> {
        let arrow = |(index, place): (usize, &&'a Place)| {
            let span = window.shift(&place.span.range());
            let before = window.text.get(..span.start)?;
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
}

/// The lines around places; none when they are long.
fn window<'a>(text: &'a str, places: &[&Place]) -> Option<Window<'a>> {
    let first = places.iter().min_by_key(|place| place.span.start)?;
    let end = places.iter().map(|place| place.span.end).max()?;
    Window::around(text, &(first.span.start..end), first.position.line)
}

/// The line of the window that starts here, without its end.
fn line_at<'a>(window: &Window<'a>, start: usize) -> Option<&'a str> {
    let rest = window.text.get(start..)?;
    let line = rest.get(..rest.find('\n').unwrap_or(rest.len()))?;
    Some(line.trim_end_matches('\r'))
}

/// The line before the one that starts here.
fn line_before<'a>(window: &Window<'a>, start: usize) -> Option<&'a str> {
    let before = window.text.get(..start.checked_sub(1)?)?;
    line_at(window, before.rfind('\n').map_or(0, |newline| newline + 1))
}

/// A text of which every character takes a place of its own.
fn visible(text: &str) -> String {
    let shown = |character: char| match character {
        '\t' => ' ',
        character if character.is_control() => char::REPLACEMENT_CHARACTER,
        character => character,
    };
    text.chars().map(shown).collect()
}

impl Texts {
    fn group<'g>(&'g self, message: &'g Message<'_>, window: &'g Window<'_>) -> Group<'g> {
        let mut snippet = Snippet::source(window.text).line_start(window.line).path(message.path);
        for (index, (place, label)) in message.shown.iter().zip(&self.labels).enumerate() {
            let kind = if index == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
            snippet = snippet.annotation(kind.span(window.shift(&place.span.range())).label(label));
        }
        let level = if message.refuses { Level::ERROR } else { Level::WARNING };
        let title = level.primary_title(&self.title).id(message.finding.check.id);
        let mut group = title.element(snippet);
        for note in &self.notes {
            group = group.element(Level::NOTE.message(note));
        }
        group = group.element(Level::HELP.message(&self.help));
        match &self.risk {
            Some(risk) => group.element(Level::NOTE.message(risk)),
            None => group,
        }
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
                let told = Told { finding, policy: pod.policy, modes: &[] };
                let message = Message::new(&source, pod, &told, "Pod \"a\" would be refused");
                all += 1;
                let mut plain = String::new();
                if message.draw(&mut plain) {
                    here += 1;
                    let window = message.window.as_ref().unwrap();
                    let texts = message.texts();
                    assert_eq!(plain, Snippets::plain().render(&[texts.group(&message, window)]));
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
