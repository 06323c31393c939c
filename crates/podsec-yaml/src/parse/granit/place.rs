//! From places as granit counts them to places in the whole text.

use granit_parser::{Marker, ScanError};

use super::indentation::Insertion;
use crate::{Comment, Error, Position, Span};

/// Where the parser's first character stands in the whole text.
#[derive(Clone, Copy)]
pub(super) struct Origin<'i> {
    pub(super) offset: usize,
    /// How many lines come before.
    pub(super) line: usize,
    /// How many characters of its line come before.
    pub(super) column: usize,
    /// What the parser reads and the author did not write, in ascending order.
    pub(super) insertions: &'i [Insertion],
}

impl Origin<'_> {
    pub(super) fn offset(self, marker: Marker) -> usize {
        let read = marker.byte_offset().unwrap_or(0);
        let before = self.insertions.partition_point(|insertion| insertion.offset < read);
        let inserted = match before.checked_sub(1).and_then(|last| self.insertions.get(last)) {
            Some(last) => last.before + last.length.min(read - last.offset),
            None => 0,
        };
        self.offset + read - inserted
    }

    pub(super) fn span(self, span: granit_parser::Span) -> Span {
        let start = self.offset(span.start);
        Span { start, end: self.offset(span.end).max(start) }
    }

    pub(super) fn position(self, marker: Marker) -> Position {
        let first = if marker.line() == 1 { self.column } else { 0 };
        let inserted = match self.insertions.binary_search_by_key(&marker.line(), |insertion| insertion.line)
        {
            Ok(found) => self.insertions.get(found).map_or(0, |insertion| insertion.length),
            Err(_) => 0,
        };
        let column = marker.col().saturating_sub(inserted) + 1 + first;
        Position { line: self.line + marker.line(), column }
    }

    pub(super) fn comment(self, span: granit_parser::Span) -> Comment {
        Comment { span: self.span(span), position: self.position(span.start) }
    }

    pub(super) fn error(self, marker: Marker, message: impl Into<String>) -> Error {
        let Position { line, column } = self.position(marker);
        Error::new(line, column, self.offset(marker), message)
    }

    pub(super) fn scan_error(self, error: &ScanError) -> Error {
        self.error(*error.marker(), error.info())
    }
}

/// The place of a node, counted in the whole text.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) span: Span,
    pub(super) position: Position,
}

impl Place {
    pub(super) fn new(origin: Origin<'_>, span: granit_parser::Span) -> Self {
        Self { span: origin.span(span), position: origin.position(span.start) }
    }
}
