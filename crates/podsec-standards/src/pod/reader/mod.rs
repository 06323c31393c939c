//! Reading JSON text from its start to its end, once, without building a tree.
//!
//! Most of a pod is read by names and small values, where a general decoder spends its time on generality:
//! this one is twice as fast on pods, knows the path of an error without a second pass, and decodes strings
//! as Go does. It accepts what `serde_json` accepts, which a test compares, but for nesting deeper than Go's.

mod failure;
mod skip;
mod string;

use std::borrow::Cow;

pub(crate) use failure::{Failure, Fault, Problem, Step};
use podsec_go::json::scan;

use super::plain::plain_string;

/// A place in a JSON text.
pub(crate) struct Reader<'de> {
    text: &'de str,
    at: usize,
}

pub(crate) type Result<T> = core::result::Result<T, Failure>;

/// A member of an object, its value yet to be read.
pub(crate) struct Member<'r, 'de> {
    pub(crate) name: &'r str,
    /// Right before the name.
    reader: &'r mut Reader<'de>,
}

impl<'r, 'de> Member<'r, 'de> {
    pub(crate) fn new(name: &'r str, reader: &'r mut Reader<'de>) -> Self {
        Self { name, reader }
    }

    pub(crate) fn skip(self) -> Result<()> {
        self.value().skip()
    }

    /// The reader, right before the value.
    #[inline]
    pub(crate) fn value(self) -> &'r mut Reader<'de> {
        self.reader.pass_name(self.name);
        self.reader
    }
}

impl<'de> Reader<'de> {
    pub(crate) fn new(text: &'de str) -> Self {
        Self { text, at: 0 }
    }

    /// Makes sure that nothing follows.
    pub(crate) fn end(&mut self) -> Result<()> {
        self.skip_whitespace();
        if self.at == self.text.len() { Ok(()) } else { Err(self.syntax("unexpected text after the end")) }
    }

    /// Takes `null`, if it is next.
    pub(crate) fn null(&mut self) -> Result<bool> {
        if self.peek() == Some(b'n') { self.literal("null").map(|()| true) } else { Ok(false) }
    }

    /// Takes an object, handing each name to `member`, which takes or skips the value. False for `null`.
    pub(crate) fn object(
        &mut self,
        expected: &'static str,
        mut member: impl FnMut(Member<'_, 'de>) -> Result<()>,
    ) -> Result<bool> {
        if self.peek() != Some(b'{') {
            return if self.null()? { Ok(false) } else { Err(self.wrong_type(expected)) };
        }
        self.at += 1;
        if self.take(b'}') {
            return Ok(true);
        }
        loop {
            match self.plain_name() {
                Some(name) => {
                    member(Member::new(name, self)).map_err(|failure| failure.inside_member(name))?;
                }
                None => self.other_member(&mut member)?,
            }
            if !self.another(b'}')? {
                return Ok(true);
            }
        }
    }

    /// A member whose name is not plain.
    #[inline(never)]
    fn other_member(&mut self, member: &mut dyn FnMut(Member<'_, 'de>) -> Result<()>) -> Result<()> {
        let name = self.name()?;
        // As if the name stood here as it is: it is never longer than what it is written as.
        self.at = self.at.saturating_sub(name.len() + AROUND_NAME);
        member(Member::new(&name, self)).map_err(|failure| failure.inside_member(&name))
    }

    /// Goes on from a name to its value.
    ///
    /// Where a value begins is only worked out here, after it is known which name it is: then the length is a constant
    /// and the processor need not wait for the end of the name to be found.
    #[inline]
    pub(super) fn pass_name(&mut self, name: &str) {
        self.at += name.len() + AROUND_NAME;
    }

    /// Takes a list, calling `element` to take each value. The length, or nothing for `null`.
    pub(crate) fn list(
        &mut self,
        mut element: impl FnMut(usize, &mut Self) -> Result<()>,
    ) -> Result<Option<usize>> {
        if self.peek() != Some(b'[') {
            return if self.null()? { Ok(None) } else { Err(self.wrong_type("a list")) };
        }
        self.at += 1;
        if self.take(b']') {
            return Ok(Some(0));
        }
        let mut length = 0;
        loop {
            element(length, self).map_err(|failure| failure.inside(Step::Element(length)))?;
            length += 1;
            if !self.another(b']')? {
                return Ok(Some(length));
            }
        }
    }

    /// Takes a boolean, or nothing for `null`.
    #[inline]
    pub(crate) fn boolean(&mut self) -> Result<Option<bool>> {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        if rest.starts_with(b"true") {
            self.at += 4;
            Ok(Some(true))
        } else if rest.starts_with(b"false") {
            self.at += 5;
            Ok(Some(false))
        } else {
            self.other_boolean()
        }
    }

    /// What [`Self::boolean`] seldom meets.
    #[cold]
    fn other_boolean(&mut self) -> Result<Option<bool>> {
        match self.peek() {
            Some(b't') => self.literal("true").map(|()| Some(true)),
            Some(b'f') => self.literal("false").map(|()| Some(false)),
            _ if self.null()? => Ok(None),
            _ => Err(self.wrong_type("a boolean")),
        }
    }

    /// Takes an integer, or nothing for `null`. As in Go, `1.0` and `1e3` are none.
    pub(crate) fn integer<T: TryFrom<i64>>(&mut self, expected: &'static str) -> Result<Option<T>> {
        match self.peek() {
            Some(b'-' | b'0'..=b'9') => {
                let start = self.at;
                self.skip_number()?;
                let digits = self.text.get(start..self.at).unwrap_or_default();
                if let Some(value) = digits.parse().ok().and_then(|value| T::try_from(value).ok()) {
                    return Ok(Some(value));
                }
                self.at = start;
                Err(self.wrong_type(expected))
            }
            _ if self.null()? => Ok(None),
            _ => Err(self.wrong_type(expected)),
        }
    }

    /// Takes a number or string that `is_valid` as it is written, or `null`, and forgets it.
    pub(crate) fn number_or_text(
        &mut self,
        expected: &'static str,
        is_valid: fn(&str) -> bool,
    ) -> Result<()> {
        if self.null()? {
            return Ok(());
        }
        let start = self.at;
        match self.byte() {
            Some(b'"') => self.skip_string()?,
            Some(b'-' | b'0'..=b'9') => self.skip_number()?,
            _ => return Err(self.wrong_type(expected)),
        }
        if is_valid(self.text.get(start..self.at).unwrap_or_default()) {
            return Ok(());
        }
        self.at = start;
        Err(self.wrong_type(expected))
    }

    /// The next name if it needs no decoding and its colon follows at once. The reader stays before it.
    #[inline]
    fn plain_name(&self) -> Option<&'de str> {
        let name = plain_string(self.text, self.at)?;
        let colon = self.text.as_bytes().get(self.at + name.len() + 2);
        (colon == Some(&b':')).then_some(name)
    }

    #[inline(never)]
    fn name(&mut self) -> Result<Cow<'de, str>> {
        if self.peek() != Some(b'"') {
            return Err(self.syntax("expected a name in quotes"));
        }
        let name = self.string()?;
        self.colon()?;
        Ok(name)
    }

    fn colon(&mut self) -> Result<()> {
        if self.take(b':') { Ok(()) } else { Err(self.syntax("expected `:`")) }
    }

    /// After a value: whether a comma follows, and not the end.
    fn another(&mut self, closer: u8) -> Result<bool> {
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                Ok(true)
            }
            Some(byte) if byte == closer => {
                self.at += 1;
                Ok(false)
            }
            _ => Err(self.syntax(if closer == b'}' { "expected `,` or `}`" } else { "expected `,` or `]`" })),
        }
    }

    fn literal(&mut self, word: &'static str) -> Result<()> {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        if !rest.starts_with(word.as_bytes()) {
            return Err(self.syntax("expected a value"));
        }
        self.at += word.len();
        Ok(())
    }

    /// Takes this byte, if it is next after whitespace.
    fn take(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    /// The next byte after whitespace.
    #[inline]
    fn peek(&mut self) -> Option<u8> {
        match self.byte() {
            Some(b' ' | b'\n' | b'\t' | b'\r') => {
                self.skip_whitespace();
                self.byte()
            }
            byte => byte,
        }
    }

    #[inline(never)]
    fn skip_whitespace(&mut self) {
        self.at = scan::whitespace(self.text.as_bytes(), self.at);
    }

    #[inline]
    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    #[cold]
    fn syntax(&self, problem: &'static str) -> Failure {
        Failure::new(self.at, Problem::Syntax(problem))
    }

    /// The value under the reader is of the wrong type, if it is a value at all.
    #[cold]
    fn wrong_type(&mut self, expected: &'static str) -> Failure {
        let start = self.at;
        let found = match self.byte() {
            Some(b'{') => "an object".to_owned(),
            Some(b'[') => "a list".to_owned(),
            Some(b't' | b'f') => "a boolean".to_owned(),
            Some(b'"') => match self.string() {
                Ok(text) => format!("the string {text:.40?}"),
                Err(failure) => return failure,
            },
            Some(b'-' | b'0'..=b'9') => match self.skip_number() {
                Ok(()) => format!("the number {:.40}", self.text.get(start..self.at).unwrap_or_default()),
                Err(failure) => return failure,
            },
            _ => return self.syntax("expected a value"),
        };
        Failure::new(start, Problem::Type { expected, found })
    }
}

/// Two quotes and a colon.
const AROUND_NAME: usize = 3;
