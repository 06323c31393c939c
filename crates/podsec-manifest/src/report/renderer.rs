//! What a format is.

use std::io::{self, Write};

use super::summary::Summary;
use crate::Source;
use crate::check::Kept;
use crate::finding::FileReport;

/// A format.
pub trait Renderer: Sync {
    /// Appends what a source adds to the report: the same whatever other sources add, so that any thread may do it.
    ///
    /// # Errors
    /// When a value has no form in the format.
    fn source(&self, source: &Source, report: &FileReport, out: &mut Vec<u8>) -> io::Result<()>;

    /// [`Renderer::source`] of a source of which the documents in which something was found are at hand.
    ///
    /// # Errors
    /// When a value has no form in the format.
    fn source_with(
        &self,
        source: &Source,
        report: &FileReport,
        _: &[Kept<'_>],
        out: &mut Vec<u8>,
    ) -> io::Result<()> {
        self.source(source, report, out)
    }

    /// Whether documents that are at hand spare this format some work.
    fn wants_documents(&self) -> bool {
        false
    }

    /// A new report.
    fn assembly(&self) -> Box<dyn Assembly>;
}

/// A report that is put together, source by source.
pub trait Assembly: Send {
    /// Adds a source of which the renderer made these bytes.
    ///
    /// # Errors
    /// When `out` cannot be written.
    fn add(&mut self, report: &FileReport, rendered: &[u8], out: &mut dyn Write) -> io::Result<()>;

    /// Writes the end of the report.
    ///
    /// # Errors
    /// When `out` cannot be written.
    fn finish(&mut self, summary: &Summary, out: &mut dyn Write) -> io::Result<()>;
}

/// A report that is nothing but its parts and a sentence at the end.
pub(super) struct Lines;

impl Assembly for Lines {
    fn add(&mut self, _: &FileReport, rendered: &[u8], out: &mut dyn Write) -> io::Result<()> {
        out.write_all(rendered)
    }

    fn finish(&mut self, summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}", summary.sentence())
    }
}

/// Begins an element of a list: behind the elements before it in `out`, of which the first starts at `start`.
pub(super) fn separate(out: &mut Vec<u8>, start: usize) {
    if out.len() > start {
        out.extend_from_slice(b",\n");
    }
}
