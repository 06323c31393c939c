//! Turns text into a [`Document`]: what manifests are made of directly, everything else with granit.

mod direct;
mod granit;

use crate::{Document, Error, Position, Span};

/// Who would read the text; they differ in small things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A document of a file or stream: kubectl ends its last line when the author did not.
    Manifest,
    /// One of several JSON objects, known to be JSON.
    Json,
    /// A request body: a block scalar cut off by the end of the text has no final line break.
    Body,
}

/// Reads the document in the bytes `span` of a text, which start at `start`.
pub(crate) type Read = for<'t> fn(&'t str, Span, Position, Source) -> Result<Document<'t>, Error>;

/// Reads the document in the bytes `span` of `text`, which start at `start`.
pub(crate) fn document(
    text: &str,
    span: Span,
    start: Position,
    source: Source,
) -> Result<Document<'_>, Error> {
    match direct::read(text, span, start, source) {
        Some(document) => Ok(document),
        None => granit::document(text, span, start, source),
    }
}

pub(crate) use granit::document as document_by_granit;

/// Reads the first document of `text`.
pub(crate) fn first_document(text: &str) -> Result<Document<'_>, Error> {
    document(text, Span { start: 0, end: text.len() }, Position { line: 1, column: 1 }, Source::Body)
}
