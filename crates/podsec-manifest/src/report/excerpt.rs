//! The part of a source that is shown of a violation: never more than a few lines, and of a long line a part.
//!
//! A list that a program printed is one line of any length. Whatever is shown of it must not grow with it, so ends of
//! lines are looked for a little way only.

use std::ops::Range;

use podsec_yaml::Position;

/// What is pointed at, and the part of its line around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Excerpt<'a> {
    pub(super) before: &'a str,
    pub(super) marked: &'a str,
    pub(super) after: &'a str,
    /// Whether the line begins before the excerpt, whether more is meant than is marked, and whether the line goes on.
    pub(super) cut: [bool; 3],
}

impl<'a> Excerpt<'a> {
    /// Of the line in which a range of the text stands.
    pub(super) fn of(text: &'a str, range: &Range<usize>) -> Self {
        let marked = text.get(range.clone()).unwrap_or("");
        let (before, marked_rest) = (text.get(..range.start).unwrap_or(""), marked);
        let marked = start_of(marked_rest, LONGEST_MARK);
        let rest = text.get(range.start + marked.len()..).unwrap_or("");
        let (before, begins_before) =
            match before.get(before.floor_char_boundary(before.len().saturating_sub(LONGEST_LINE))..) {
                Some(near) => match near.rfind('\n') {
                    Some(newline) => (near.get(newline + 1..).unwrap_or(""), false),
                    None if near.len() == before.len() => (near, false),
                    None => (end_of(near, AROUND), true),
                },
                None => ("", false),
            };
        let near = start_of(rest, LONGEST_LINE);
        let (after, goes_on) = match near.find('\n') {
            Some(newline) => (near.get(..newline).unwrap_or(""), false),
            None if near.len() == rest.len() => (near, false),
            None => (start_of(near, AROUND), true),
        };
        let cut = [begins_before, marked.len() < marked_rest.len(), goes_on];
        Self { before, marked, after: after.trim_end_matches('\r'), cut }
    }

    /// Whether it is not the whole line.
    pub(super) fn is_cut(&self) -> bool {
        self.cut.contains(&true)
    }
}

fn start_of(text: &str, length: usize) -> &str {
    text.get(..text.floor_char_boundary(length)).unwrap_or(text)
}

fn end_of(text: &str, length: usize) -> &str {
    text.get(text.ceil_char_boundary(text.len().saturating_sub(length))..).unwrap_or(text)
}

/// The lines that a snippet shows; without them every finding would take as long as its whole file.
pub(super) struct Window<'a> {
    pub(super) text: &'a str,
    pub(super) start: usize,
    /// The number of its first line.
    pub(super) line: usize,
}

impl<'a> Window<'a> {
    /// The lines around a range that starts in `line`; none when they are long.
    pub(super) fn around(text: &'a str, range: &Range<usize>, line: usize) -> Option<Self> {
        if range.end.saturating_sub(range.start) > FARTHEST {
            return None;
        }
        let before = text.get(..range.start)?;
        let near = end_of(before, LONGEST_CONTEXT);
        let start = match near.rmatch_indices('\n').nth(CONTEXT) {
            Some((newline, _)) => before.len() - near.len() + newline + 1,
            None if near.len() == before.len() => 0,
            None => return None,
        };
        let after = text.get(range.end..)?;
        let near = start_of(after, LONGEST_CONTEXT);
        let end = match near.match_indices('\n').nth(CONTEXT) {
            Some((newline, _)) => range.end + newline,
            None if near.len() == after.len() => text.len(),
            None => return None,
        };
        let above = before.get(start..)?.bytes().filter(|byte| *byte == b'\n').count();
        let line = line.saturating_sub(above).max(1);
        Some(Self { text: text.get(start..end)?, start, line })
    }

    /// A range of the whole text as one of the window.
    pub(super) fn shift(&self, span: &Range<usize>) -> Range<usize> {
        span.start - self.start..span.end - self.start
    }
}

/// Finds the bytes of places that come in order, without counting from the start of the text for each.
pub(super) struct Cursor<'a> {
    text: &'a str,
    position: Position,
    offset: usize,
}

impl<'a> Cursor<'a> {
    /// At the start of a text before which so many lines come in its file.
    pub(super) fn new(text: &'a str, lines: usize) -> Self {
        Self { text, position: Position { line: lines + 1, column: 1 }, offset: 0 }
    }

    /// The offset of a place that is not before the one asked for last; the end of the text behind that.
    pub(super) fn seek(&mut self, position: Position) -> usize {
        let rest = |offset: usize| self.text.get(offset..).unwrap_or("");
        while self.position.line < position.line {
            // YAML ends a line at a lone carriage return, too.
            let text = rest(self.offset).as_bytes();
            let is_end = |at: &usize| text.get(*at) == Some(&b'\n') || text.get(at + 1) != Some(&b'\n');
            let Some(end) = memchr::memchr2_iter(b'\n', b'\r', text).find(is_end) else { break };
            self.offset += end + 1;
            self.position = Position { line: self.position.line + 1, column: 1 };
        }
        let further = position.column.saturating_sub(self.position.column);
        let rest = rest(self.offset);
        self.offset += rest.char_indices().nth(further).map_or(rest.len(), |(at, _)| at);
        self.position.column += further;
        self.offset
    }
}

/// Lines shown before and after what is wrong.
const CONTEXT: usize = 1;

/// A longer line is cut, so many bytes before and behind what is marked.
const LONGEST_LINE: usize = 1000;
const AROUND: usize = 60;

/// Of a longer value only its start is marked.
const LONGEST_MARK: usize = 400;

/// So far the lines before and behind may reach, and so far places that are shown together may be from each other.
const LONGEST_CONTEXT: usize = 2 * LONGEST_LINE;
const FARTHEST: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_line_is_shown_whole_and_a_long_one_around_its_mark() {
        let text = "first\r\nkey: value # why\r\nlast";
        let shown = |text, range| {
            let Excerpt { before, marked, after, cut } = Excerpt::of(text, &range);
            (before.to_owned(), marked.to_owned(), after.to_owned(), cut)
        };
        let line = |before: &str, marked: &str, after: &str, cut| {
            (before.to_owned(), marked.to_owned(), after.to_owned(), cut)
        };
        assert_eq!(shown(text, 12..17), line("key: ", "value", " # why", [false; 3]));
        assert_eq!(shown(text, 25..29), line("", "last", "", [false; 3]));
        let long = format!("{}mark{}", "\u{e4}".repeat(5000), "\u{4e2d}".repeat(5000));
        let (before, after) = ("\u{e4}".repeat(30), "\u{4e2d}".repeat(20));
        assert_eq!(shown(&long, 10_000..10_004), line(&before, "mark", &after, [true, false, true]));
        assert_eq!(shown(&long, 0..10_000).1.len(), LONGEST_MARK);
        assert_eq!(shown(&long, 0..10_000).3, [false, true, true]);
    }

    #[test]
    fn a_cursor_finds_the_places_that_lie_ahead() {
        let text = "a\r\u{e4}\u{e4}b\r\n\nc";
        let mut cursor = Cursor::new(text, 10);
        let found = [(11, 1), (12, 1), (12, 3), (12, 3), (13, 1), (14, 1), (14, 9), (20, 1)]
            .map(|(line, column)| cursor.seek(Position { line, column }));
        assert_eq!(found, [0, 2, 6, 6, 9, 10, 11, 11]);
    }
}
