//! Plain scalars, of one line or several.

use std::borrow::Cow;

use super::reader::Reader;
use crate::Scalar;
use crate::style::ScalarStyle;

/// What of a plain scalar stands in one line.
#[derive(Clone, Copy)]
pub(super) struct PlainLine {
    /// Behind its last character that is no blank.
    pub(super) end: usize,
    /// The byte that stops it: a colon, the `#` of a comment, or the end of the line.
    pub(super) stop: usize,
    pub(super) stopped_by: Stop,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    Colon,
    Comment,
    LineEnd,
}

impl Reader<'_> {
    /// How far the plain scalar reaches that starts at `start`. None when there is something else.
    pub(super) fn plain_line(&self, start: usize) -> Option<PlainLine> {
        let starts = match self.byte(start) {
            b'-' | b'?' | b':' => !self.is_blank_or_end(start + 1),
            b',' | b'[' | b']' | b'{' | b'}' | b'#' | b'&' | b'*' | b'!' | b'|' | b'>' | b'\'' | b'"'
            | b'%' | b'@' | b'`' => false,
            _ => true,
        };
        if starts { self.plain_continuation(start) } else { None }
    }

    /// [`Reader::plain_line`] for a later line, which may start with any character.
    fn plain_continuation(&self, start: usize) -> Option<PlainLine> {
        let mut at = self.next_stop(start);
        let stopped_by = loop {
            match self.byte(at) {
                b'\n' => break Stop::LineEnd,
                b':' if self.is_blank_or_end(at + 1) => break Stop::Colon,
                b'#' if at > start && self.byte(at - 1) == b' ' => break Stop::Comment,
                b':' | b'#' => at = self.next_stop(at + 1),
                _ => return None,
            }
        };
        let mut end = at;
        while end > start && self.byte(end - 1) == b' ' {
            end -= 1;
        }
        Some(PlainLine { end, stop: at, stopped_by })
    }

    /// Reads a plain value whose first line is known. Its later lines start at `floor` at the earliest.
    pub(super) fn plain(&mut self, line: PlainLine, floor: usize) -> Option<()> {
        let mark = self.mark();
        if line.stopped_by == Stop::Colon {
            return None;
        }
        let mut text = Cow::Borrowed(self.slice(mark.start, line.end));
        let mut last = line;
        if line.stopped_by == Stop::LineEnd
            && let Some(next) = self.continuation(line.stop, floor)?
        {
            self.folded.clear();
            self.folded.push_str(&text);
            last = self.plain_lines(next, floor)?;
            text = Cow::Owned(self.folded.as_str().to_owned());
        }
        let value = Scalar::plain(text);
        if matches!(value, Scalar::Float(float) if !float.is_finite()) {
            return None;
        }
        self.scalar(value, ScalarStyle::Plain, mark, last.end);
        self.finish_line(last.end)
    }

    /// Puts the later lines of a scalar together, from the first of them on.
    fn plain_lines(&mut self, first: Continuation, floor: usize) -> Option<PlainLine> {
        let mut next = first;
        loop {
            self.line += next.lines;
            self.line_start = next.line_start;
            if next.lines == 1 {
                self.folded.push(' ');
            }
            self.folded.extend(std::iter::repeat_n('\n', next.lines as usize - 1));
            let line = self.plain_continuation(next.start)?;
            self.folded.push_str(self.slice(next.start, line.end));
            match line.stopped_by {
                Stop::Colon => return None,
                Stop::Comment => return Some(line),
                Stop::LineEnd => match self.continuation(line.stop, floor)? {
                    Some(later) => next = later,
                    None => return Some(line),
                },
            }
        }
    }

    /// The next line of a scalar of which a line ends at `line_end`, when there is one.
    #[expect(clippy::option_option, reason = "declined, nothing, or a line")]
    fn continuation(&self, mut line_end: usize, floor: usize) -> Option<Option<Continuation>> {
        let mut lines = 0;
        loop {
            let line_start = line_end + 1;
            let start = self.after_spaces(line_start);
            lines += 1;
            match self.byte(start) {
                b'\n' if self.is_end(start) => return Some(None),
                b'\n' => line_end = start,
                b'#' => return Some(None),
                b'\t' => return None,
                _ if start - line_start < floor => return Some(None),
                _ => return Some(Some(Continuation { start, line_start, lines })),
            }
        }
    }
}

/// Where a scalar goes on.
#[derive(Clone, Copy)]
struct Continuation {
    start: usize,
    line_start: usize,
    /// How many line breaks there are before it.
    lines: u32,
}
