//! Turns text into a [`Document`]: what manifests are made of directly, everything else with granit.

mod direct;
mod granit;
mod source;

use crate::{Document, Error, Position, Span};
pub(crate) use source::Source;

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
