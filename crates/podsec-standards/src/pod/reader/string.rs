//! Taking strings.

use std::borrow::Cow;

use podsec_go::json::scan;

use super::{Reader, Result};
use crate::pod::plain::{plain_end, plain_string};

impl<'de> Reader<'de> {
    /// Takes a string, or nothing for `null`.
    #[inline]
    pub(crate) fn text(&mut self) -> Result<Option<Cow<'de, str>>> {
        match self.plain_string() {
            Some(text) => Ok(Some(Cow::Borrowed(text))),
            None => self.other_text(),
        }
    }

    /// What [`Self::text`] seldom meets.
    #[inline(never)]
    fn other_text(&mut self) -> Result<Option<Cow<'de, str>>> {
        match self.peek() {
            Some(b'"') => self.string().map(Some),
            _ if self.null()? => Ok(None),
            _ => Err(self.wrong_type("a string")),
        }
    }

    /// Takes a string in which nothing is escaped and that has no whitespace before it, or nothing at all.
    #[inline]
    pub(super) fn plain_string(&mut self) -> Option<&'de str> {
        let string = plain_string(self.text, self.at)?;
        self.at += string.len() + 2;
        Some(string)
    }

    /// The string that starts at the quote under the reader: borrowed when nothing in it is escaped.
    pub(super) fn string(&mut self) -> Result<Cow<'de, str>> {
        if let Some(text) = self.plain_string() {
            return Ok(Cow::Borrowed(text));
        }
        let start = self.at + 1;
        self.at = plain_end(self.text.as_bytes(), start);
        self.escaped_string(start).map(Cow::Owned)
    }

    /// The string that starts here and is plain up to the reader.
    #[cold]
    fn escaped_string(&mut self, start: usize) -> Result<String> {
        let plain = self.text.get(start..self.at).unwrap_or_default();
        let mut text = String::with_capacity(plain.len() + 32);
        text.push_str(plain);
        loop {
            match self.byte() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(text);
                }
                Some(b'\\') => text.push(self.escape()?),
                _ => return Err(self.syntax("unexpected end or control character in a string")),
            }
            let start = self.at;
            self.at = plain_end(self.text.as_bytes(), start);
            text.push_str(self.text.get(start..self.at).unwrap_or_default());
        }
    }

    /// The character that an escape stands for. As in Go, half of a surrogate pair stands for U+FFFD.
    pub(super) fn escape(&mut self) -> Result<char> {
        match scan::escape(self.text.as_bytes(), self.at) {
            Ok((character, end)) => {
                self.at = end;
                Ok(character)
            }
            Err(unexpected) if unexpected.offset == self.at + 1 => {
                Err(self.syntax("unknown escape in a string"))
            }
            Err(_) => Err(self.syntax("expected four hexadecimal digits")),
        }
    }
}
