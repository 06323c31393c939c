//! Renderers of findings, one a file.
//!
//! Sources are rendered as they are judged and then forgotten, so that a report of any length takes little memory.

mod concise;
mod human;
mod json;

use std::io::{self, Write};

use crate::Source;
use crate::finding::FileReport;

pub use concise::Concise;
pub use human::Human;
pub use json::{Json, SCHEMA_VERSION};

/// Writes a report, source by source.
pub trait Renderer {
    /// Writes what was found in one source.
    ///
    /// # Errors
    /// When `out` cannot be written.
    fn file(&mut self, source: &Source, report: &FileReport, out: &mut dyn Write) -> io::Result<()>;

    /// Writes the end of the report.
    ///
    /// # Errors
    /// When `out` cannot be written.
    fn finish(&mut self, summary: &Summary, out: &mut dyn Write) -> io::Result<()>;
}

/// The counts of a whole check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Sources read.
    pub files: usize,
    /// Documents in them, empty ones left out.
    pub documents: usize,
    /// Pods judged.
    pub pods: usize,
    /// Pods that would be refused.
    pub refused_pods: usize,
    /// Rules that they break, each pod's counted.
    pub violations: usize,
    /// What could not be judged.
    pub problems: usize,
}

impl Summary {
    /// Counts one source.
    pub fn add(&mut self, report: &FileReport) {
        self.files += 1;
        self.documents += report.documents;
        self.pods += report.pods.len();
        self.refused_pods += report.pods.iter().filter(|pod| !pod.findings.is_empty()).count();
        self.violations += report.pods.iter().map(|pod| pod.findings.len()).sum::<usize>();
        self.problems += report.problems.len();
    }

    /// The exit code: 0 when everything is allowed, 1 when something would be refused, 2 when something could not be
    /// judged.
    pub fn exit_code(&self) -> u8 {
        match (self.problems, self.violations) {
            (0, 0) => 0,
            (0, _) => 1,
            _ => 2,
        }
    }
}

/// A number and its noun: `1 pod`, `2 pods`.
fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// Where a check is explained.
fn documentation(check: &podsec_standards::Check) -> String {
    format!("podsec explain {}", check.id)
}
