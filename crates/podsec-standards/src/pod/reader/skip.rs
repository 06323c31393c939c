//! Taking values that nobody looks into.

use podsec_go::json::{MAX_DEPTH, scan};

use super::{Problem, Reader, Result};
use crate::pod::plain_end;

impl<'de> Reader<'de> {
    /// Takes any value and forgets it. Its depth costs no stack.
    pub(crate) fn skip(&mut self) -> Result<()> {
        let mut closers = Vec::new();
        loop {
            match self.peek() {
                Some(b'"') => self.skip_string()?,
                Some(b'-' | b'0'..=b'9') => self.skip_number()?,
                Some(b't') => self.literal("true")?,
                Some(b'f') => self.literal("false")?,
                Some(b'n') => self.literal("null")?,
                Some(b'[') => {
                    self.at += 1;
                    if !self.take(b']') {
                        self.open(&mut closers, b']')?;
                        continue;
                    }
                }
                Some(b'{') => {
                    self.at += 1;
                    if !self.take(b'}') {
                        self.open(&mut closers, b'}')?;
                        self.skip_name()?;
                        continue;
                    }
                }
                _ => return Err(self.syntax("expected a value")),
            }
            loop {
                let Some(closer) = closers.last().copied() else { return Ok(()) };
                if self.another(closer)? {
                    if closer == b'}' {
                        self.skip_name()?;
                    }
                    break;
                }
                closers.pop();
            }
        }
    }

    fn open(&self, closers: &mut Vec<u8>, closer: u8) -> Result<()> {
        if closers.len() == MAX_DEPTH {
            return Err(self.syntax("nested deeper than Kubernetes reads"));
        }
        closers.push(closer);
        Ok(())
    }

    /// Takes any value and leaves it as it is written, or nothing for `null`.
    pub(crate) fn raw(&mut self) -> Result<Option<&'de str>> {
        if self.null()? {
            return Ok(None);
        }
        let start = self.at;
        self.skip()?;
        Ok(self.text.get(start..self.at))
    }

    /// Takes any value and leaves it as it is written, having it taken by `take` on the way, which may find it to be
    /// of another type. Nothing for `null`.
    pub(crate) fn raw_and<T>(
        &mut self,
        take: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<Option<(&'de str, Option<T>)>> {
        if self.null()? {
            return Ok(None);
        }
        let start = self.at;
        let taken = match take(self) {
            Ok(taken) => Some(taken),
            Err(failure) if matches!(failure.0.problem, Problem::Type { .. }) => {
                self.at = start;
                self.skip()?;
                None
            }
            Err(failure) => return Err(failure),
        };
        Ok(self.text.get(start..self.at).map(|text| (text, taken)))
    }

    fn skip_name(&mut self) -> Result<()> {
        if let Some(name) = self.plain_name() {
            self.pass_name(name);
            return Ok(());
        }
        if self.peek() != Some(b'"') {
            return Err(self.syntax("expected a name in quotes"));
        }
        self.skip_string()?;
        self.colon()
    }

    pub(super) fn skip_string(&mut self) -> Result<()> {
        if self.plain_string().is_some() {
            return Ok(());
        }
        self.at += 1;
        loop {
            self.at = plain_end(self.text.as_bytes(), self.at);
            match self.byte() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => self.escape().map(drop)?,
                _ => return Err(self.syntax("unexpected end or control character in a string")),
            }
        }
    }

    pub(super) fn skip_number(&mut self) -> Result<()> {
        match scan::number(self.text.as_bytes(), self.at) {
            Ok(end) => self.at = end,
            Err(unexpected) => {
                self.at = unexpected.offset;
                return Err(self.syntax("expected a digit"));
            }
        }
        if matches!(self.byte(), Some(b'0'..=b'9')) {
            return Err(self.syntax("a number must not start with 0"));
        }
        Ok(())
    }
}
