//! Keys: what may be one, and whether a mapping has one twice.

use std::borrow::Cow;

use super::plain::Stop;
use super::{Mark, Reader};
use crate::Scalar;
use crate::node::ScalarStyle;

/// Fingerprints of the keys of all mappings that are open.
#[derive(Default)]
pub(super) struct Keys(Vec<u64>);

impl Keys {
    /// Where the keys of a new mapping start.
    pub(super) fn open(&self) -> usize {
        self.0.len()
    }

    pub(super) fn add(&mut self, key: &str) {
        self.0.push(fingerprint(key.as_bytes()));
    }

    /// Forgets the keys from `first` on. Whether two of them may be equal; those that differ hardly ever seem so.
    pub(super) fn close(&mut self, first: usize) -> bool {
        let keys = self.0.get_mut(first..).unwrap_or_default();
        let equal = if keys.len() <= FEW {
            let mut rest = &*keys;
            let mut equal = false;
            while let [key, after @ ..] = rest {
                equal |= after.contains(key);
                rest = after;
            }
            equal
        } else {
            keys.sort_unstable();
            keys.windows(2).any(|pair| matches!(pair, [one, other] if one == other))
        };
        self.0.truncate(first);
        equal
    }
}

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

/// Equal for equal keys, and hardly ever for others.
fn fingerprint(key: &[u8]) -> u64 {
    let (words, rest) = key.as_chunks::<8>();
    let mut last = [0; 8];
    last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    let words = words.iter().chain(std::iter::once(&last));
    words.fold(key.len() as u64, |hash, word| {
        (hash.rotate_left(5) ^ u64::from_le_bytes(*word)).wrapping_mul(0x517c_c1b7_2722_0a95)
    })
}

/// So few keys are compared each with each.
const FEW: usize = 16;
/// YAML allows 1024 characters from the start of a key to its colon.
const MAX_LENGTH: usize = 1000;
