//! One line a violation, as compilers and grep write: `file:line:column: error[check]: sentence`.

use std::io::{self, Write};

use podsec_yaml::Position;

use super::{Assembly, Lines, Renderer};
use crate::Source;
use crate::finding::{FileReport, Problem};

/// The format `concise`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Concise;

impl Renderer for Concise {
    fn source(&self, _: &Source, report: &FileReport, out: &mut Vec<u8>) -> io::Result<()> {
        let mut line = |problem: &Problem, what: &str| match problem.position {
            Some(position) => writeln!(out, "{}:{position}: {what}: {}", report.name, problem.message),
            None => writeln!(out, "{}: {what}: {}", report.name, problem.message),
        };
        report.problems.iter().try_for_each(|problem| line(problem, "error"))?;
        report.warnings.iter().try_for_each(|problem| line(problem, "warning"))?;
        for finding in report.pods.iter().flat_map(|pod| &pod.findings) {
            let Some(first) = finding.places.first() else { continue };
            let Position { line, column } = first.position;
            let id = finding.check.id;
            writeln!(out, "{}:{line}:{column}: error[{id}]: {}", report.name, finding.sentence())?;
        }
        Ok(())
    }

    fn assembly(&self) -> Box<dyn Assembly> {
        Box::new(Lines)
    }
}
