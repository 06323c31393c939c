//! What may be a key.

use std::borrow::Cow;

use super::plain::Stop;
use super::reader::{Mark, Reader};
use crate::scalar::Scalar;
use crate::style::ScalarStyle;

impl<'t> Reader<'t> {
    /// Reads a key of a block mapping and moves behind its colon.
    pub(super) fn key(&mut self) -> Option<()> {
        let mark = self.mark();
        if matches!(self.byte(self.at), b'\'' | b'"') {
            let (text, style) = self.quoted(false)?;
            let end = self.at;
            let colon = self.after_spaces(end);
            if self.byte(colon) != b':' || !self.is_blank_or_end(colon + 1) {
                return None;
            }
            self.at = colon + 1;
            return self.add_key(text, style, mark, end);
        }
        let line = self.plain_line(self.at).filter(|line| line.stopped_by == Stop::Colon)?;
        self.at = line.stop + 1;
        self.add_key(Cow::Borrowed(self.slice(mark.start, line.end)), ScalarStyle::Plain, mark, line.end)
    }

    /// Adds a key behind whose colon `at` stands, unless it is one that is refused, merges, or has no text of its own.
    pub(super) fn add_key(
        &mut self,
        text: Cow<'t, str>,
        style: ScalarStyle,
        mark: Mark,
        end: usize,
    ) -> Option<()> {
        if self.at - mark.start > MAX_LENGTH {
            return None;
        }
        let value = match style {
            ScalarStyle::Plain if text == "<<" => return None,
            ScalarStyle::Plain => Scalar::plain(text),
            _ => Scalar::String(text),
        };
        match &value {
            Scalar::String(text) => self.keys.add(text),
            Scalar::Bool(_) | Scalar::Int(_) => self.keys.add(&value.as_key()?),
            Scalar::Null | Scalar::Uint(_) | Scalar::Float(_) => return None,
        }
        self.scalar(value, style, mark, end);
        Some(())
    }
}

/// YAML allows 1024 characters from the start of a key to its colon.
const MAX_LENGTH: usize = 1000;
