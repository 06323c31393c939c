//! Block scalars: literal and folded.

use std::borrow::Cow;

use super::reader::Reader;
use crate::Scalar;
use crate::parse::Source;
use crate::style::ScalarStyle;

/// What becomes of the line breaks at the end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Chomping {
    Strip,
    Clip,
    Keep,
}

impl Reader<'_> {
    /// Reads a block scalar from its header on. Its lines start at `floor` at the earliest.
    pub(super) fn block_scalar(&mut self, style: ScalarStyle, floor: usize) -> Option<()> {
        let mark = self.mark();
        let (chomping, header_end) = match self.byte(self.at + 1) {
            b'-' => (Chomping::Strip, self.at + 2),
            b'+' => (Chomping::Keep, self.at + 2),
            _ => (Chomping::Clip, self.at + 1),
        };
        let line_end = self.after_spaces(header_end);
        let line_end = match self.byte(line_end) {
            b'\n' => line_end,
            b'#' if line_end > header_end => self.comment(line_end),
            _ => return None,
        };
        self.next_line(line_end);
        let (indentation, breaks) = self.first_line(floor)?;
        let content = self.at + indentation;
        let end = self.block_lines(style, indentation, breaks, chomping)?;
        let written = self.slice(content, end).trim_end().len();
        if written == 0 {
            return None;
        }
        self.scalar(
            Scalar::String(Cow::Owned(self.folded.as_str().to_owned())),
            style,
            mark,
            content + written,
        );
        self.content()
    }

    /// Moves to the first line that is not blank; its indentation, and how many blank lines come before it.
    fn first_line(&mut self, floor: usize) -> Option<(usize, usize)> {
        let (mut longest, mut breaks) = (0, 0);
        loop {
            let start = self.after_spaces(self.at);
            let indentation = start - self.at;
            if self.byte(start) != b'\n' {
                return (indentation >= floor && longest <= indentation).then_some((indentation, breaks));
            }
            if self.is_end(start) {
                return None;
            }
            longest = longest.max(indentation);
            breaks += 1;
            self.next_line(start);
        }
    }

    /// Puts the lines together and moves behind them; where the last one ends.
    fn block_lines(
        &mut self,
        style: ScalarStyle,
        indentation: usize,
        mut breaks: usize,
        chomping: Chomping,
    ) -> Option<usize> {
        let mut end = self.at;
        let mut previous_is_text = None;
        self.folded.clear();
        while !self.is_end(self.at) {
            let spaces = self.after_spaces(self.at);
            let start = self.at + indentation;
            if spaces < start {
                if self.byte(spaces) != b'\n' {
                    break;
                }
                if !self.is_end(spaces) {
                    breaks += 1;
                }
                self.next_line(spaces);
                continue;
            }
            let line_end = self.line_end(spaces);
            if line_end == start {
                if !self.is_end(line_end) {
                    breaks += 1;
                }
                self.next_line(line_end);
                continue;
            }
            let is_text = !matches!(self.byte(start), b' ' | b'\t');
            if style == ScalarStyle::Folded && is_text && previous_is_text == Some(true) {
                if breaks == 0 {
                    self.folded.push(' ');
                }
            } else if previous_is_text.is_some() {
                self.folded.push('\n');
            }
            self.folded.extend(std::iter::repeat_n('\n', breaks));
            self.folded.push_str(self.slice(start, line_end));
            breaks = 0;
            previous_is_text = Some(is_text);
            end = line_end;
            self.next_line(line_end);
        }
        // A request body's last line has only the break that was written.
        if self.source == Source::Body && self.is_end(end) {
            return None;
        }
        if chomping != Chomping::Strip {
            self.folded.push('\n');
        }
        if chomping == Chomping::Keep {
            self.folded.extend(std::iter::repeat_n('\n', breaks));
        }
        Some(end)
    }
}
