//! Taking strings.

use std::borrow::Cow;

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
        let kind = self.text.as_bytes().get(self.at + 1);
        let character = match kind {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\x08',
            Some(b'f') => '\x0c',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(),
            _ => return Err(self.syntax("unknown escape in a string")),
        };
        self.at += 2;
        Ok(character)
    }

    fn unicode_escape(&mut self) -> Result<char> {
        let Some(unit) = self.code_unit() else {
            return Err(self.syntax("expected four hexadecimal digits"));
        };
        self.at += 6;
        if (0xd800..0xdc00).contains(&unit)
            && let Some(low @ 0xdc00..0xe000) = self.code_unit()
        {
            self.at += 6;
            let pair = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
            return Ok(char::from_u32(pair).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        Ok(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    /// The value of `\uXXXX`, if that is next.
    fn code_unit(&self) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + 6)?.strip_prefix("\\u")?;
        let hexadecimal = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        if hexadecimal { u32::from_str_radix(digits, 16).ok() } else { None }
    }
}
