//! Renderers of findings, one a file.
//!
//! Sources are rendered as they are judged and then forgotten, so that a report of any length takes little memory.

mod concise;
mod fingerprint;
mod github;
mod gitlab;
mod html;
mod human;
mod json;
mod junit;
mod markdown;
mod replacement;
mod sarif;
mod summary;
pub(crate) mod wording;

use std::io::{self, Write};

use crate::Source;
use crate::finding::FileReport;

pub use concise::Concise;
pub use github::Github;
pub use gitlab::Gitlab;
pub use html::Html;
pub use human::Human;
pub use json::{Json, SCHEMA, SCHEMA_VERSION};
pub use junit::Junit;
pub use markdown::Markdown;
pub use sarif::Sarif;
pub use summary::Summary;

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
