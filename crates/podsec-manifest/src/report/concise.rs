//! One line a violation, as compilers and grep write: `file:line:column: error[check]: sentence`.

use std::io::{self, Write};

use super::{Renderer, Summary};
use crate::Source;
use crate::finding::FileReport;

/// The format `concise`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Concise;

impl Renderer for Concise {
    fn file(&mut self, _: &Source, report: &FileReport, out: &mut dyn Write) -> io::Result<()> {
        for problem in &report.problems {
            match problem.position {
                Some(position) => writeln!(out, "{}:{position}: error: {}", report.name, problem.message)?,
                None => writeln!(out, "{}: error: {}", report.name, problem.message)?,
            }
        }
        for finding in report.pods.iter().flat_map(|pod| &pod.findings) {
            let Some(first) = finding.places.first() else { continue };
            writeln!(
                out,
                "{}:{}: error[{}]: {} ({})",
                report.name, first.position, finding.check.id, finding.reason, finding.detail
            )?;
        }
        Ok(())
    }

    fn finish(&mut self, _: &Summary, _: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }
}
