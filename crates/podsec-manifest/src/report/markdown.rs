//! Markdown for a comment or a job's summary: the counts, and a table of what would be refused.

use std::io::{self, Write};

use super::Summary;
use super::entry::Entry;
use podsec_standards::Safety;

use super::renderer::{Assembly, Renderer};
use super::wording::{IMAGE_USER, counted, not_started, object, patch, policy};
use crate::Source;
use crate::finding::FileReport;

/// The format `markdown`. A comment on GitHub holds 65,536 characters; the table ends well before, and says so.
#[derive(Clone, Copy, Debug, Default)]
pub struct Markdown;

impl Renderer for Markdown {
    /// The rows of the table.
    fn source(&self, _: &Source, report: &FileReport, out: &mut Vec<u8>) -> io::Result<()> {
        for entry in Entry::all(report) {
            let Entry::Violation(pod, told) = entry else { continue };
            let line = entry.position().map_or(1, |position| position.line);
            let warning = if told.refuses() { "" } else { "warning: " };
            writeln!(
                out,
                "| {} | {} | {} | {} | {warning}{} | {} |",
                code(&format!("{}:{line}", report.name)),
                escape(&object(&pod.object)),
                escape(&policy(told.policy)),
                code(told.finding.check.id),
                escape(&told.finding.sentence()),
                told.finding.safety().map_or("none", Safety::as_str)
            )?;
        }
        Ok(())
    }

    fn assembly(&self) -> Box<dyn Assembly> {
        Box::new(Comment::default())
    }
}

#[derive(Default)]
struct Comment {
    rows: Vec<u8>,
    left_out: usize,
    problems: Vec<u8>,
    not_started: Vec<u8>,
}

impl Comment {
    fn has_room(&mut self, line: &[u8]) -> bool {
        let has_room = self.rows.len() + self.problems.len() + self.not_started.len() + line.len() <= LONGEST;
        self.left_out += usize::from(!has_room);
        has_room
    }
}

impl Assembly for Comment {
    fn add(&mut self, report: &FileReport, rendered: &[u8], _: &mut dyn Write) -> io::Result<()> {
        for entry in Entry::all(report) {
            let message = match entry {
                Entry::NotStarted(pod, container) => not_started(pod, container),
                Entry::Problem(problem) | Entry::Refusal(problem) => problem.message.clone(),
                Entry::Patch(object) => patch(object),
                Entry::Warning(_) | Entry::Violation(..) => continue,
            };
            let place = entry.position().map_or_else(String::new, |position| format!(":{}", position.line));
            let line = format!("- {}: {}\n", code(&format!("{}{place}", report.name)), escape(&message));
            if self.has_room(line.as_bytes()) {
                match entry {
                    Entry::NotStarted(..) => self.not_started.extend_from_slice(line.as_bytes()),
                    _ => self.problems.extend_from_slice(line.as_bytes()),
                }
            }
        }
        for row in rendered.split_inclusive(|byte| *byte == b'\n') {
            if self.has_room(row) {
                self.rows.extend_from_slice(row);
            }
        }
        Ok(())
    }

    fn finish(&mut self, summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
        let verdict = match summary.exit_code() {
            0 => "admitted",
            1 if summary.violations == 0 => "admitted, and not all started",
            1 => "refused",
            _ => "not all judged",
        };
        writeln!(out, "### Pod Security: {verdict}\n\n{}.", summary.sentence())?;
        if !self.problems.is_empty() {
            writeln!(out, "\nNot judged, or not as it stands:\n")?;
            out.write_all(&self.problems)?;
        }
        if !self.not_started.is_empty() {
            writeln!(out, "\nNot started by the kubelet ({}):\n", code(IMAGE_USER))?;
            out.write_all(&self.not_started)?;
        }
        if !summary.by_check.is_empty() {
            writeln!(out, "\n| check | violations |\n| --- | ---: |")?;
            for (check, count) in &summary.by_check {
                writeln!(out, "| {} | {count} |", code(check))?;
            }
        }
        if !self.rows.is_empty() {
            writeln!(
                out,
                "\n| place | object | judged by | check | what is wrong | fix |\n| --- | --- | --- | --- | --- | --- |"
            )?;
            out.write_all(&self.rows)?;
        }
        if self.left_out > 0 {
            writeln!(out, "\n{} left out here.", counted(self.left_out, "more line"))?;
        }
        Ok(())
    }
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\r' => escaped.push(' '),
            '|' | '*' | '_' | '`' | '[' | ']' | '\\' | '#' | '~' | '@' => {
                escaped.push('\\');
                escaped.push(character);
            }
            '<' => escaped.push_str("&lt;"),
            '&' => escaped.push_str("&amp;"),
            _ => escaped.push(character),
        }
    }
    escaped
}

/// Text in backquotes, more of them than it holds itself.
fn code(text: &str) -> String {
    let text = text.replace(['\n', '\r'], " ").replace('|', "\\|");
    let longest = text.split(|character| character != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let pad = if longest > 0 { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

const LONGEST: usize = 50_000;
