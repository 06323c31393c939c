//! One line a violation, as compilers and grep write: `file:line:column: error[check]: sentence`.

use std::io::{self, Write};

use super::entry::Entry;
use super::renderer::{Assembly, Lines, Renderer};
use super::wording::{IMAGE_USER, not_started, patch};
use crate::Source;
use crate::finding::FileReport;

/// The format `concise`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Concise;

impl Renderer for Concise {
    fn source(&self, _: &Source, report: &FileReport, out: &mut Vec<u8>) -> io::Result<()> {
        for entry in Entry::all(report) {
            write!(out, "{}:", report.name)?;
            if let Some(position) = entry.position() {
                write!(out, "{position}:")?;
            }
            match entry {
                Entry::Problem(problem) => writeln!(out, " error: {}", problem.message)?,
                Entry::Refusal(problem) => writeln!(out, " warning[strict]: {}", problem.message)?,
                Entry::Warning(problem) => writeln!(out, " warning: {}", problem.message)?,
                Entry::Patch(object) => writeln!(out, " note: {}", patch(object))?,
                Entry::NotStarted(pod, container) => {
                    writeln!(out, " error[{IMAGE_USER}]: {}", not_started(pod, container))?;
                }
                Entry::Violation(_, told) => {
                    let severity = if told.refuses() { "error" } else { "warning" };
                    write!(out, " {severity}[{}]: {}", told.finding.check.id, told.finding.sentence())?;
                    match &report.made_by {
                        Some(made_by) => writeln!(out, ", in {made_by}")?,
                        None => writeln!(out)?,
                    }
                }
            }
        }
        Ok(())
    }

    fn assembly(&self) -> Box<dyn Assembly> {
        Box::new(Lines)
    }
}
