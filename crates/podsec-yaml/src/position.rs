//! Where something stands in a text.

use std::fmt;
use std::ops::Range;

/// A range of bytes of the whole text, on character boundaries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
}

/// A place in the whole text. Displays as `line:column`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
}

impl Span {
    /// For slicing the text.
    pub fn range(self) -> Range<usize> {
        self.start..self.end
    }

    /// Whether there are no bytes.
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }
}

impl Position {
    /// The place of a byte of `text`. Past the end it is the end.
    pub fn of(text: &str, offset: usize) -> Self {
        let before = text.get(..text.floor_char_boundary(offset)).unwrap_or(text);
        Self { line: line_breaks(before) + 1, column: column_behind(before) }
    }

    /// The place behind a text that starts here.
    pub(crate) fn behind(self, text: &str) -> Self {
        match line_breaks(text) {
            0 => Self { line: self.line, column: self.column + text.chars().count() },
            lines => Self { line: self.line + lines, column: column_behind(text) },
        }
    }

    /// The place of a byte at most a few lines before `known`, without counting from the start of the text.
    pub(crate) fn of_near(text: &str, known: Position, known_offset: usize, offset: usize) -> Self {
        let between = text.get(offset..known_offset).unwrap_or("");
        let before = text.get(..offset).unwrap_or("");
        let line = known.line.saturating_sub(line_breaks(between)).max(1);
        Self { line, column: column_behind(before) }
    }
}

/// How many lines end in a text. YAML ends a line at a lone carriage return, too.
pub fn line_breaks(text: &str) -> usize {
    let bytes = text.as_bytes();
    let is_lone = |at: &usize| bytes.get(at + 1) != Some(&b'\n');
    memchr::memchr_iter(b'\n', bytes).count() + memchr::memchr_iter(b'\r', bytes).filter(is_lone).count()
}

/// The column of what follows a text.
fn column_behind(before: &str) -> usize {
    let line_start = before.rfind(['\n', '\r']).map_or(0, |end| end + 1);
    before.get(line_start..).unwrap_or("").chars().count() + 1
}

impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.line, self.column)
    }
}
