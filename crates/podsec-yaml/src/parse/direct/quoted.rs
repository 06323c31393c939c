//! Scalars in quotes, of one line or several.

use std::borrow::Cow;

use super::reader::Reader;
use crate::Scalar;
use crate::style::ScalarStyle;

impl<'t> Reader<'t> {
    /// Whether the quoted scalar at `at` is a key: its line has its other quote, and a colon behind it.
    pub(super) fn is_quoted_key(&self) -> bool {
        let quote = self.byte(self.at);
        let mut at = self.at + 1;
        loop {
            match self.byte(at) {
                b'\n' => return false,
                b'\\' if quote == b'"' => at += 2,
                byte if byte == quote => {
                    at += 1;
                    if quote == b'"' || self.byte(at) != b'\'' {
                        let colon = self.after_spaces(at);
                        return self.byte(colon) == b':' && self.is_blank_or_end(colon + 1);
                    }
                    at += 1;
                }
                _ => at += 1,
            }
        }
    }

    /// Reads a quoted value and finishes its line.
    pub(super) fn quoted_value(&mut self) -> Option<()> {
        let mark = self.mark();
        let (text, style) = self.quoted(true)?;
        self.scalar(Scalar::String(text), style, mark, self.at);
        self.finish_line(self.at)
    }

    /// Reads a quoted scalar and moves behind it. Its later lines, when it may have some, start in any column.
    pub(super) fn quoted(&mut self, multiline: bool) -> Option<(Cow<'t, str>, ScalarStyle)> {
        let single = self.byte(self.at) == b'\'';
        let style = if single { ScalarStyle::SingleQuoted } else { ScalarStyle::DoubleQuoted };
        let mut start = self.at + 1;
        // What was read up to `start` is in `folded`, unless nothing had to be changed so far.
        let mut changed = false;
        loop {
            let rest = self.text.as_bytes().get(start..)?;
            let found = if single {
                memchr::memchr2(b'\'', b'\n', rest)
            } else {
                memchr::memchr3(b'"', b'\\', b'\n', rest)
            };
            let stop = start + found?;
            let piece = self.slice(start, stop);
            match self.byte(stop) {
                b'\'' if self.byte(stop + 1) == b'\'' => {
                    self.fold(piece, &mut changed);
                    self.folded.push('\'');
                    start = stop + 2;
                }
                b'\n' if !multiline => return None,
                b'\n' => {
                    self.fold(piece.trim_end_matches(' '), &mut changed);
                    if piece.trim_end_matches(' ').ends_with('\t') {
                        return None;
                    }
                    let breaks = self.break_lines(stop)?;
                    if breaks == 0 {
                        self.folded.push(' ');
                    }
                    start = self.at;
                }
                b'\\' if self.byte(stop + 1) == b'\n' => {
                    if !multiline {
                        return None;
                    }
                    self.fold(piece, &mut changed);
                    self.break_lines(stop + 1)?;
                    start = self.at;
                }
                b'\\' => {
                    self.fold(piece, &mut changed);
                    let (character, length) = escape(rest.get(stop - start + 1..)?)?;
                    self.folded.push(character);
                    start = stop + 1 + length;
                }
                _ => {
                    self.at = stop + 1;
                    if !changed {
                        return Some((Cow::Borrowed(piece), style));
                    }
                    self.folded.push_str(piece);
                    return Some((Cow::Owned(self.folded.as_str().to_owned()), style));
                }
            }
        }
    }

    fn fold(&mut self, piece: &str, changed: &mut bool) {
        if !*changed {
            self.folded.clear();
            *changed = true;
        }
        self.folded.push_str(piece);
    }

    /// Moves from the end of a line in quotes to the next that is not blank; breaks of blank lines are content.
    fn break_lines(&mut self, line_end: usize) -> Option<usize> {
        let mut line_end = line_end;
        let mut breaks = 0;
        loop {
            self.next_line(line_end);
            let start = self.after_spaces(self.at);
            match self.byte(start) {
                b'\n' if self.is_end(start) => return None,
                b'\n' => {
                    self.folded.push('\n');
                    breaks += 1;
                    line_end = start;
                }
                b'\t' => return None,
                _ if start == self.at && self.is_document_marker(start) => return None,
                _ => {
                    self.at = start;
                    return Some(breaks);
                }
            }
        }
    }
}

/// The character of an escape and how many bytes it takes behind the backslash.
fn escape(rest: &[u8]) -> Option<(char, usize)> {
    let character = match rest.first()? {
        b'0' => '\0',
        b'a' => '\x07',
        b'b' => '\x08',
        b't' => '\t',
        b'n' => '\n',
        b'v' => '\x0b',
        b'f' => '\x0c',
        b'r' => '\r',
        b'e' => '\x1b',
        b' ' => ' ',
        b'"' => '"',
        b'\\' => '\\',
        b'N' => '\u{85}',
        b'_' => '\u{a0}',
        b'L' => '\u{2028}',
        b'P' => '\u{2029}',
        b'x' => return Some((hexadecimal(rest.get(1..3)?)?, 3)),
        b'u' => return Some((hexadecimal(rest.get(1..5)?)?, 5)),
        b'U' => return Some((hexadecimal(rest.get(1..9)?)?, 9)),
        _ => return None,
    };
    Some((character, 1))
}

fn hexadecimal(digits: &[u8]) -> Option<char> {
    let value = digits.iter().try_fold(0_u32, |value, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        value.checked_mul(16)?.checked_add(digit)
    })?;
    char::from_u32(value)
}
