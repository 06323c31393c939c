//! Lines, blanks and comments.

use super::reader::{Mark, Reader, number};
use crate::parse::Source;
use crate::{Comment, Position, Span};

impl<'t> Reader<'t> {
    /// The byte at an offset; behind the last one every line ends.
    pub(super) fn byte(&self, at: usize) -> u8 {
        self.text.as_bytes().get(at).copied().unwrap_or(b'\n')
    }

    pub(super) fn is_blank_or_end(&self, at: usize) -> bool {
        matches!(self.byte(at), b' ' | b'\n' | b'\t')
    }

    /// The text from one offset to another.
    pub(super) fn slice(&self, start: usize, end: usize) -> &'t str {
        self.text.get(start..end).unwrap_or("")
    }

    /// The offset of the first byte that is no space.
    pub(super) fn after_spaces(&self, mut at: usize) -> usize {
        while let Some(eight) = self.text.as_bytes().get(at..).and_then(<[u8]>::first_chunk) {
            let other = u64::from_le_bytes(*eight) ^ SPACES;
            if other != 0 {
                return at + other.trailing_zeros() as usize / 8;
            }
            at += 8;
        }
        while self.byte(at) == b' ' {
            at += 1;
        }
        at
    }

    /// The offset of the first byte that may end plain text: a colon, `#`, a line break or a tab.
    pub(super) fn next_stop(&self, mut at: usize) -> usize {
        while let Some(eight) = self.text.as_bytes().get(at..).and_then(<[u8]>::first_chunk) {
            let word = u64::from_le_bytes(*eight);
            let stops = below(word, b' ') | below(word ^ COLONS, 1) | below(word ^ HASHES, 1);
            if stops != 0 {
                return at + stops.trailing_zeros() as usize / 8;
            }
            at += 8;
        }
        while !matches!(self.byte(at), b':' | b'#' | ..b' ') {
            at += 1;
        }
        at
    }

    /// The offset of the line break at or after `at`.
    pub(super) fn line_end(&self, at: usize) -> usize {
        let rest = self.text.as_bytes().get(at..).unwrap_or_default();
        at + memchr::memchr(b'\n', rest).unwrap_or(rest.len())
    }

    /// Whether there is nothing at an offset.
    pub(super) fn is_end(&self, at: usize) -> bool {
        at >= self.text.len()
    }

    /// Where `at` stands.
    pub(super) fn mark(&mut self) -> Mark {
        self.mark_at(self.at)
    }

    /// An offset in the current line, as a mark.
    fn mark_at(&mut self, start: usize) -> Mark {
        if !self.ascii {
            // A line may be as long as the text, so no part of it is counted for each of its nodes.
            if !(self.line_start..=start).contains(&self.counted) {
                self.counted = self.line_start;
                self.continuations = 0;
            }
            let bytes = self.slice(self.counted, start).bytes();
            self.continuations += bytes.filter(|byte| byte & 0xc0 == 0x80).count();
            self.counted = start;
        }
        let column = start - self.line_start - self.continuations;
        Mark { start, line: self.line, column: number(column + 1) }
    }

    /// Moves to the first node. Whether there is a separator before it.
    pub(super) fn separator(&mut self) -> Option<bool> {
        let separated = self.slice(self.at, self.text.len()).starts_with("---");
        if separated {
            self.finish_line(self.at + 3)?;
        } else {
            self.content()?;
        }
        Some(separated)
    }

    /// Ends a line behind a node that ends at `end`: only a comment may follow. Moves to the next content.
    pub(super) fn finish_line(&mut self, end: usize) -> Option<()> {
        let at = self.after_spaces(end);
        let line_end = match self.byte(at) {
            b'\n' => at,
            b'#' if at > end => self.comment(at),
            _ => return None,
        };
        self.next_line(line_end);
        self.content()
    }

    /// Notes a comment and says where its line ends.
    pub(super) fn comment(&mut self, at: usize) -> usize {
        let end = self.line_end(at);
        if self.source != Source::Body {
            let Mark { start, line, column } = self.mark_at(at);
            let position = Position { line: line as usize, column: column as usize };
            self.comments.push(Comment { span: Span { start, end }, position });
        }
        end
    }

    /// Moves behind a line break.
    pub(super) fn next_line(&mut self, line_end: usize) {
        self.at = line_end + 1;
        self.line_start = self.at;
        self.line += 1;
    }

    /// From the start of a line to the first byte of the next one that has content.
    pub(super) fn content(&mut self) -> Option<()> {
        loop {
            let at = self.after_spaces(self.at);
            let line_end = match self.byte(at) {
                b'\n' if self.is_end(at) => {
                    self.column = None;
                    return Some(());
                }
                b'\n' => at,
                b'#' => self.comment(at),
                b'\t' => return None,
                byte => {
                    let column = at - self.at;
                    if column == 0 && matches!(byte, b'-' | b'.') && self.is_document_marker(at) {
                        return None;
                    }
                    self.at = at;
                    self.column = Some(column);
                    return Some(());
                }
            };
            self.next_line(line_end);
        }
    }

    pub(super) fn is_document_marker(&self, at: usize) -> bool {
        matches!(self.slice(at, at + 3), "---" | "...")
    }
}

/// Marks the highest bit of the first byte of a word that is ASCII and less than `least`; later marks mean nothing.
const fn below(word: u64, least: u8) -> u64 {
    word.wrapping_sub(u64::from_le_bytes([least; 8])) & !word & u64::from_le_bytes([0x80; 8])
}

const SPACES: u64 = u64::from_le_bytes([b' '; 8]);
const COLONS: u64 = u64::from_le_bytes([b':'; 8]);
const HASHES: u64 = u64::from_le_bytes([b'#'; 8]);
