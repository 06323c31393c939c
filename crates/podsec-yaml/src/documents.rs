//! Splits a text into documents as kubectl does: by lines that start with `---`, before any YAML is read.

use crate::position::line_breaks;
use crate::{Document, Error, Position, Span, parse};

/// Reads every document of a file or stream as kubectl does; empty ones (nothing, comments, `null`) are left out.
///
/// A fault in one document does not hide the ones after it, where kubectl would stop. A text of several JSON
/// objects, one after the other, is read as such.
pub fn documents(text: &str) -> Documents<'_> {
    Documents::new(text, parse::document)
}

/// Reads the documents of a later part of a stream: of a text that begins behind a separator, in this line of the whole.
///
/// What [`documents`] finds in the whole stream, this finds in its parts, so that they need not be in memory together.
/// Bytes are counted from the start of the part. A stream of JSON objects has no separators, and is read as one.
pub fn documents_from(text: &str, line: usize) -> Documents<'_> {
    Documents { text, read: parse::document, rest: Rest::Yaml { start: 0, line }, misused_separator: None }
}

/// [`documents`], every one read by granit: what the direct way is compared with and measured against.
#[doc(hidden)]
pub fn documents_by_granit(text: &str) -> Documents<'_> {
    Documents::new(text, parse::document_by_granit)
}

/// The documents of a text, see [`documents`].
#[derive(Debug)]
pub struct Documents<'t> {
    text: &'t str,
    read: parse::Read,
    rest: Rest,
    /// Found behind the document that was returned last.
    misused_separator: Option<Error>,
}

#[derive(Debug)]
enum Rest {
    Json(std::vec::IntoIter<(Span, Position)>),
    Yaml { start: usize, line: usize },
}

impl<'t> Documents<'t> {
    fn new(text: &'t str, read: parse::Read) -> Self {
        let rest = match json_objects(text) {
            Some(objects) => Rest::Json(objects.into_iter()),
            None => Rest::Yaml { start: 0, line: 1 },
        };
        Documents { text, read, rest, misused_separator: None }
    }
}

impl<'t> Iterator for Documents<'t> {
    type Item = Result<Document<'t>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let document = match &mut self.rest {
                Rest::Json(objects) => {
                    let (span, start) = objects.next()?;
                    (self.read)(self.text, span, start, parse::Source::Json)
                }
                Rest::Yaml { .. } => self.next_yaml()?,
            };
            match document {
                Ok(document) if document.root().is_null() => {}
                other => return Some(other),
            }
        }
    }
}

impl<'t> Documents<'t> {
    fn next_yaml(&mut self) -> Option<Result<Document<'t>, Error>> {
        if let Some(error) = self.misused_separator.take() {
            return Some(Err(error));
        }
        let Rest::Yaml { start, line } = self.rest else { return None };
        let rest = self.text.get(start..).filter(|rest| !rest.is_empty())?;

        // A separator with nothing before it opens the document; one with something before it ends that.
        let opened = rest.starts_with(SEPARATOR);
        let length = next_separator(rest).unwrap_or(rest.len());
        let (chunk, rest) = rest.split_at(length);
        let separator_line = rest.split_inclusive('\n').next().unwrap_or("");
        let end = start + length;
        let end_line = line + line_breaks(chunk);
        let next_line = end_line + line_breaks(separator_line);
        self.rest = Rest::Yaml { start: end + separator_line.len(), line: next_line };
        self.misused_separator = misused_separator(separator_line, end, end_line);

        if opened && let Some(error) = misused_separator(chunk, start, line) {
            return Some(Err(error));
        }
        let position = Position { line, column: 1 };
        Some((self.read)(self.text, Span { start, end }, position, parse::Source::Manifest))
    }
}

/// The offset of the next line that starts with `---`, the first line left aside.
fn next_separator(text: &str) -> Option<usize> {
    memchr::memmem::find(text.as_bytes(), b"\n---").map(|newline| newline + 1)
}

/// kubectl allows only a comment after `---`.
fn misused_separator(text: &str, offset: usize, line: usize) -> Option<Error> {
    let after = text.strip_prefix(SEPARATOR)?.lines().next()?.trim();
    let message = format!("invalid Yaml document separator: {after}");
    (!after.is_empty() && !after.starts_with('#')).then(|| Error::new(line, 1, offset, message))
}

/// The objects of a text that is a stream of JSON objects, and where they start.
fn json_objects(text: &str) -> Option<Vec<(Span, Position)>> {
    if !text.trim_start().starts_with('{') {
        return None;
    }
    let mut objects = serde_json::Deserializer::from_str(text).into_iter::<&serde_json::value::RawValue>();
    let mut found = Vec::new();
    let mut position = Position { line: 1, column: 1 };
    let mut counted = 0;
    loop {
        let before = objects.byte_offset();
        match objects.next() {
            Some(Ok(_)) => {
                let end = objects.byte_offset();
                let object = text.get(before..end)?;
                let start = end - object.trim_start().len();
                position = position.behind(text.get(counted..start)?);
                counted = start;
                found.push((Span { start, end }, position));
            }
            Some(Err(_)) => return None,
            None => return Some(found),
        }
    }
}

const SEPARATOR: &str = "---";
