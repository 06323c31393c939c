//! One line a violation, as compilers and grep write: `file:line:column: error[check]: sentence`.

use std::io::{self, Write};

use super::{Renderer, Summary};
use crate::Source;
use crate::finding::{FileReport, Problem};

/// The format `concise`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Concise;

impl Renderer for Concise {
    fn file(&mut self, _: &Source, report: &FileReport, out: &mut dyn Write) -> io::Result<()> {
        let mut line = |problem: &Problem, what: &str| match problem.position {
            Some(position) => writeln!(out, "{}:{position}: {what}: {}", report.name, problem.message),
            None => writeln!(out, "{}: {what}: {}", report.name, problem.message),
        };
        report.problems.iter().try_for_each(|problem| line(problem, "error"))?;
        report.warnings.iter().try_for_each(|problem| line(problem, "warning"))?;
        for finding in report.pods.iter().flat_map(|pod| &pod.findings) {
            let Some(first) = finding.places.first() else { continue };
            let sentence = finding.sentence();
            writeln!(out, "{}:{}: error[{}]: {sentence}", report.name, first.position, finding.check.id)?;
        }
        Ok(())
    }

    fn finish(&mut self, summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}", summary.sentence())
    }
}
