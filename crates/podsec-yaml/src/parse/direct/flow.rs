//! Flow collections: lists and mappings in brackets.

use std::borrow::Cow;

use super::reader::{Mark, Reader, number};
use crate::Scalar;
use crate::document::Content;
use crate::style::{CollectionStyle, ScalarStyle};

impl Reader<'_> {
    /// Reads the flow collection at `at` and moves behind it.
    pub(super) fn flow(&mut self) -> Option<()> {
        self.descend()?;
        let mark = self.mark();
        if self.byte(self.at) == b'[' {
            self.flow_sequence(mark)?;
        } else {
            self.flow_mapping(mark)?;
        }
        self.ascend();
        Some(())
    }

    fn flow_sequence(&mut self, mark: Mark) -> Option<()> {
        let node = self.add(Content::Sequence(CollectionStyle::Flow), mark, mark.start);
        self.at += 1;
        loop {
            self.flow_blanks()?;
            if self.byte(self.at) == b']' {
                break;
            }
            self.flow_value()?;
            if !self.flow_comma(b']')? {
                break;
            }
        }
        self.at += 1;
        self.close(node, number(self.at));
        Some(())
    }

    fn flow_mapping(&mut self, mark: Mark) -> Option<()> {
        let content = Content::Mapping { style: CollectionStyle::Flow, plain: true };
        let node = self.add(content, mark, mark.start);
        let keys = self.keys.open();
        self.at += 1;
        loop {
            self.flow_blanks()?;
            if self.byte(self.at) == b'}' {
                break;
            }
            self.flow_key()?;
            self.flow_blanks()?;
            self.flow_value()?;
            if !self.flow_comma(b'}')? {
                break;
            }
        }
        self.at += 1;
        self.close(node, number(self.at));
        self.close_keys(node, keys);
        Some(())
    }

    /// Moves behind a comma, or to the closing bracket. Whether it was a comma.
    fn flow_comma(&mut self, closing: u8) -> Option<bool> {
        self.flow_blanks()?;
        match self.byte(self.at) {
            b',' => {
                self.at += 1;
                Some(true)
            }
            byte => (byte == closing).then_some(false),
        }
    }

    fn flow_key(&mut self) -> Option<()> {
        let mark = self.mark();
        if matches!(self.byte(self.at), b'\'' | b'"') {
            let (text, style) = self.quoted(false)?;
            let end = self.at;
            if self.byte(end) != b':' {
                return None;
            }
            self.at = end + 1;
            return self.add_key(text, style, mark, end);
        }
        let end = self.flow_plain()?;
        if self.byte(end) != b':' || !self.is_blank_or_end(end + 1) {
            return None;
        }
        self.at = end + 1;
        self.add_key(Cow::Borrowed(self.slice(mark.start, end)), ScalarStyle::Plain, mark, end)
    }

    fn flow_value(&mut self) -> Option<()> {
        let mark = self.mark();
        match self.byte(self.at) {
            b'[' | b'{' => self.flow(),
            b'\'' | b'"' => {
                let (text, style) = self.quoted(true)?;
                self.scalar(Scalar::String(text), style, mark, self.at);
                Some(())
            }
            _ => {
                let end = self.flow_plain()?;
                let value = Scalar::plain(Cow::Borrowed(self.slice(mark.start, end)));
                if matches!(value, Scalar::Float(float) if !float.is_finite()) {
                    return None;
                }
                self.scalar(value, ScalarStyle::Plain, mark, end);
                self.at = end;
                Some(())
            }
        }
    }

    /// Where the plain scalar at `at` ends.
    fn flow_plain(&self) -> Option<usize> {
        let start = self.at;
        let starts = match self.byte(start) {
            b'-' => !self.is_blank_or_end(start + 1) && !is_bracket_or_comma(self.byte(start + 1)),
            b'#' | b'&' | b'*' | b'!' | b'|' | b'>' | b'%' | b'@' | b'`' | b'?' | b':' => false,
            _ => true,
        };
        let mut at = start;
        let stop = loop {
            match self.byte(at) {
                b':' if self.is_blank_or_end(at + 1) => break at,
                b':' if is_bracket_or_comma(self.byte(at + 1)) => return None,
                b'#' if self.byte(at - 1) == b' ' => break at,
                b'\t' => return None,
                b'\n' => break at,
                byte if is_bracket_or_comma(byte) => break at,
                _ => at += 1,
            }
        };
        let length = self.slice(start, stop).trim_end_matches(' ').len();
        (starts && length > 0).then_some(start + length)
    }

    /// Moves over blanks, line breaks and comments. A line may start in any column but the first, its closing bracket there too.
    fn flow_blanks(&mut self) -> Option<()> {
        loop {
            let before = self.at;
            self.at = self.after_spaces(self.at);
            match self.byte(self.at) {
                b'\n' if self.is_end(self.at) => return None,
                b'\n' => self.next_line(self.at),
                b'#' if self.at > before || self.at == self.line_start => {
                    let line_end = self.comment(self.at);
                    self.next_line(line_end);
                }
                b'#' | b'\t' => return None,
                b']' | b'}' => return Some(()),
                _ => return (self.at != self.line_start).then_some(()),
            }
        }
    }
}

fn is_bracket_or_comma(byte: u8) -> bool {
    matches!(byte, b',' | b'[' | b']' | b'{' | b'}')
}
