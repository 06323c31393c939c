//! The text of an input: whole, and in parts of whole documents, so that a long stream need not be in memory as a whole.

use std::fs::File;
use std::io::{self, Read};

use super::Input;
use crate::Source;
use crate::finding::Start;

impl Input {
    /// Everything that standard input holds.
    pub fn standard_input() -> Self {
        let mut bytes = Vec::new();
        let read = io::Read::read_to_end(&mut io::stdin().lock(), &mut bytes);
        let name = "<stdin>".to_owned();
        let text = match read {
            Ok(_) => text(bytes, 0),
            Err(error) => Err(unreadable(&error)),
        };
        match text {
            Ok(text) => Self::Text(Source { name, text }),
            Err(message) => Self::Unreadable { name, message },
        }
    }

    /// Its name and text.
    ///
    /// # Errors
    /// Why there is no text.
    pub fn source(&self) -> Result<Source, String> {
        let mut text = String::new();
        let mut parts = Parts::of(self);
        while let Some(part) = parts.next(Vec::new()) {
            let part = part?.text;
            if text.is_empty() { text = part } else { text.push_str(&part) }
        }
        Ok(Source { name: self.name(), text })
    }
}

/// The parts of an input's text, one after the other.
///
/// A short text is one part. A long one ends its parts behind separators of documents, where kubectl splits it too, so
/// that its documents are the same; a stream of JSON objects has no separators and is one part.
pub(super) struct Parts<'i> {
    reader: Result<Box<dyn Read + 'i>, String>,
    /// What is read and belongs to the next part.
    rest: Vec<u8>,
    /// How many lines and bytes the parts before had.
    lines: usize,
    bytes: usize,
    is_first: bool,
    is_over: bool,
}

/// A part of an input's text.
pub(super) struct Part {
    pub(super) text: String,
    /// How many lines come before it.
    pub(super) lines: usize,
    /// Whether it is the whole text.
    pub(super) is_whole: bool,
}

impl<'i> Parts<'i> {
    pub(super) fn of(input: &'i Input) -> Self {
        let reader: Result<Box<dyn Read + 'i>, String> = match input {
            Input::File { path, .. } => match File::open(path) {
                Ok(file) => Ok(Box::new(file)),
                Err(error) => Err(unreadable(&error)),
            },
            Input::Text(source) => Ok(Box::new(source.text.as_bytes())),
            Input::Rendered(rendered) => Ok(Box::new(rendered.text.as_bytes())),
            Input::LeftOut { .. } => Ok(Box::new(io::empty())),
            Input::Unreadable { message, .. } => Err(message.clone()),
        };
        Self { reader, rest: Vec::new(), lines: 0, bytes: 0, is_first: true, is_over: false }
    }

    /// How many lines the parts so far have had.
    pub(super) fn lines(&self) -> usize {
        self.lines
    }

    /// The next part, or why there is none, which is the last that is said. It is read into `buffer`, whatever that
    /// holds.
    pub(super) fn next(&mut self, mut buffer: Vec<u8>) -> Option<Result<Part, String>> {
        if self.is_over {
            return None;
        }
        buffer.clear();
        buffer.append(&mut self.rest);
        let part = self.read(buffer);
        self.is_over |= part.is_err();
        if matches!(&part, Ok(part) if part.text.is_empty() && !part.is_whole) {
            return None;
        }
        Some(part)
    }

    fn read(&mut self, mut buffer: Vec<u8>) -> Result<Part, String> {
        let reader = self.reader.as_mut().map_err(|message| message.clone())?;
        let mut wanted = LENGTH;
        loop {
            let ended = fill(reader, &mut buffer, wanted).map_err(|error| unreadable(&error))?;
            if ended {
                self.is_over = true;
                break;
            }
            let is_json = self.is_first && buffer.trim_ascii_start().starts_with(b"{");
            if let Some(end) = last_separator(&buffer).filter(|_| !is_json) {
                self.rest = buffer.split_off(end);
                break;
            }
            wanted = buffer.len().saturating_mul(2);
        }
        let is_whole = self.is_first && self.is_over;
        self.is_first = false;
        let (lines, bytes) = (self.lines, self.bytes);
        self.bytes += buffer.len();
        let text = text(buffer, bytes)?;
        if !is_whole {
            self.lines += podsec_yaml::line_breaks(&text);
        }
        Ok(Part { text, lines, is_whole })
    }
}

impl Part {
    /// Where it begins, if so many documents come before it.
    pub(super) fn start(&self, documents: usize) -> Start {
        Start { lines: self.lines, documents }
    }
}

/// Why something is not read.
pub(super) fn unreadable(error: &io::Error) -> String {
    format!("cannot be read: {error}")
}

/// Bytes as text, or why they are none; so many bytes come before them.
pub(super) fn text(bytes: Vec<u8>, before: usize) -> Result<String, String> {
    String::from_utf8(bytes).map_err(|error| {
        let valid = before + error.utf8_error().valid_up_to();
        format!("is not UTF-8, as every manifest must be; the first wrong byte is {valid}")
    })
}

/// Reads until the buffer holds so many bytes; whether there are no more.
fn fill(reader: &mut dyn Read, buffer: &mut Vec<u8>, wanted: usize) -> io::Result<bool> {
    let mut length = buffer.len();
    let mut room = buffer.capacity().max(LEAST_BUFFER);
    loop {
        if length >= wanted {
            buffer.truncate(length);
            return Ok(false);
        }
        if length == room {
            room *= 2;
        }
        buffer.resize(room, 0);
        match reader.read(buffer.get_mut(length..).unwrap_or_default()) {
            Ok(0) => {
                buffer.truncate(length);
                return Ok(true);
            }
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Where the last line that separates documents ends, one at the very start left aside.
fn last_separator(bytes: &[u8]) -> Option<usize> {
    let mut before = bytes;
    loop {
        let newline = memchr::memmem::rfind(before, b"\n---")?;
        if let Some(end) = memchr::memchr(b'\n', bytes.get(newline + 1..)?) {
            return Some(newline + 1 + end + 1);
        }
        before = bytes.get(..newline)?;
    }
}

/// So many bytes are read before a text counts as long; nearly every file is shorter.
const LENGTH: usize = 512 << 10;

/// Holds nearly every manifest.
const LEAST_BUFFER: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Vec<Part> {
        let input = Input::Text(Source { name: "x".to_owned(), text: text.to_owned() });
        let mut parts = Parts::of(&input);
        let mut found = Vec::new();
        while let Some(part) = parts.next(Vec::new()) {
            found.push(part.unwrap());
        }
        found
    }

    /// Where documents and errors begin, and how many lines the last has.
    fn read(parts: &[Part]) -> Vec<(usize, String)> {
        let mut documents = Vec::new();
        for part in parts {
            for document in crate::check::documents(&part.text, part.start(0)) {
                documents.push(match document {
                    Ok(document) => (document.root().position().line, document.to_json().to_string()),
                    Err(error) => (error.line, error.message),
                });
            }
        }
        documents
    }

    #[test]
    fn the_parts_of_a_long_stream_hold_the_documents_of_the_whole() {
        let filler = "x".repeat(70_000);
        let mut text = String::from("--- # first\na: 1\n");
        for number in 0..100 {
            let separator = ["---", "--- # next", "---\r", "--- wrong", "---\n---"][number % 5];
            text +=
                &*format!("{separator}\nnumber: {number}\nfiller: {filler}\nflow: [\"\u{e4}\",\r\n  1]\n");
        }
        let parts = parts(&text);
        assert!(parts.len() > 2, "{}", parts.len());
        assert_eq!(parts.iter().map(|part| part.text.as_str()).collect::<String>(), text);
        let whole = [Part { text, lines: 0, is_whole: true }];
        assert_eq!(read(&parts), read(&whole));
    }

    #[test]
    fn what_has_no_separators_is_one_part() {
        let json = "{\"a\": \"---\"}\n".repeat(LENGTH / 5);
        for text in ["", "a: 1\n---\nb: 2\n", &json, &"# a long comment\n".repeat(LENGTH / 5)] {
            let parts = parts(text);
            assert_eq!((parts.len(), parts[0].is_whole, parts[0].text.len()), (1, true, text.len()));
        }
    }
}
