//! YAML documents one after the other, and the items of a List one by one.
//!
//! ```text
//! apiVersion: v1
//! items:
//! - kind: Pod      ┐ Item
//!   …              ┘
//! - kind: Job      ┐ Item
//!   …              ┘
//! kind: List       ─ Document, without its items
//! ---
//! kind: Pod        ─ Document
//! ```
//!
//! Items are told by their indentation: what stands deeper than the dash belongs to the item, whatever it is, since block
//! scalars and continued lines stand deeper, too.

use std::io::{self, BufRead};

use super::MOST_BYTES;

/// A part of a stream.
#[derive(Debug, PartialEq, Eq)]
pub enum YamlPiece {
    /// An item of a List: a list of one element.
    Item(Vec<u8>),
    /// A document; whether its items came before it and are left out.
    Document(Vec<u8>, bool),
    /// A part that is longer than any may be.
    TooLong,
}

/// Where the next line stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Items {
    /// Not among items.
    Outside,
    /// Before the first item.
    Before,
    /// Among items whose dashes stand this deep.
    At(usize),
}

/// Splits a stream; see the module.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each tells something of its own")]
pub struct YamlPieces<R> {
    reader: R,
    line: Vec<u8>,
    document: Vec<u8>,
    item: Vec<u8>,
    items: Items,
    opened: bool,
    too_long: bool,
    over: bool,
    /// A line that is to be read again.
    again: bool,
}

impl<R: BufRead> YamlPieces<R> {
    /// Of this text.
    pub fn new(reader: R) -> Self {
        Self {
            reader,
            line: Vec::new(),
            document: Vec::new(),
            item: Vec::new(),
            items: Items::Outside,
            opened: false,
            too_long: false,
            over: false,
            again: false,
        }
    }

    /// The next part.
    ///
    /// # Errors
    /// When the reader has one; there is nothing after it.
    pub fn next_piece(&mut self) -> io::Result<Option<YamlPiece>> {
        while !self.over || self.again {
            if !self.again {
                self.line.clear();
                match self.reader.read_until(b'\n', &mut self.line) {
                    Ok(0) => {
                        self.over = true;
                        if let Some(item) = self.end_of_item() {
                            // The document behind it comes at the next call.
                            self.line.clear();
                            self.line.extend_from_slice(b"---\n");
                            self.again = true;
                            return Ok(Some(item));
                        }
                        return Ok(self.end_of_document());
                    }
                    Ok(_) => {}
                    Err(error) => {
                        self.over = true;
                        return Err(error);
                    }
                }
            }
            self.again = false;
            if let Some(piece) = self.take() {
                return Ok(Some(piece));
            }
        }
        Ok(None)
    }

    /// Takes the line; it may end a part, and then is read again if it begins another.
    fn take(&mut self) -> Option<YamlPiece> {
        let indent = self.line.iter().take_while(|byte| **byte == b' ').count();
        let text = self.line.get(indent..).unwrap_or_default().trim_ascii_end();
        let is_separator = indent == 0 && (text.starts_with(b"---") || text == b"...");
        let is_empty = text.is_empty() || text.starts_with(b"#");
        let is_dash = text == b"-" || text.starts_with(b"- ");
        let begins_items = indent == 0 && text == b"items:";
        if self.items != Items::Outside {
            let (belongs, begins) = match self.items {
                _ if is_separator => (false, false),
                Items::Outside => (false, false),
                Items::Before => (is_dash || is_empty, is_dash),
                Items::At(depth) => {
                    let begins = is_dash && indent == depth;
                    (is_empty || indent > depth || begins, begins)
                }
            };
            if begins {
                let before = self.end_of_item();
                self.items = Items::At(indent);
                self.keep();
                return before;
            }
            if belongs {
                self.keep();
                return None;
            }
            let before = self.end_of_item();
            self.items = Items::Outside;
            if before.is_some() {
                self.again = true;
                return before;
            }
        }
        if is_separator {
            return self.end_of_document();
        }
        if begins_items {
            self.items = Items::Before;
            self.opened = true;
            return None;
        }
        self.keep();
        None
    }

    fn keep(&mut self) {
        let target = if self.items == Items::Outside { &mut self.document } else { &mut self.item };
        if target.len() + self.line.len() > MOST_BYTES {
            self.too_long = true;
        } else {
            target.extend_from_slice(&self.line);
        }
    }

    fn end_of_item(&mut self) -> Option<YamlPiece> {
        let item = std::mem::take(&mut self.item);
        if std::mem::take(&mut self.too_long) {
            return Some(YamlPiece::TooLong);
        }
        (!item.trim_ascii().is_empty()).then_some(YamlPiece::Item(item))
    }

    fn end_of_document(&mut self) -> Option<YamlPiece> {
        self.items = Items::Outside;
        let document = std::mem::take(&mut self.document);
        let opened = std::mem::take(&mut self.opened);
        if std::mem::take(&mut self.too_long) {
            return Some(YamlPiece::TooLong);
        }
        (opened || !document.trim_ascii().is_empty()).then_some(YamlPiece::Document(document, opened))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<String> {
        let mut pieces = YamlPieces::new(text.as_bytes());
        let mut found = Vec::new();
        while let Some(piece) = pieces.next_piece().unwrap() {
            found.push(match piece {
                YamlPiece::Item(text) => format!("I {}", String::from_utf8(text).unwrap()),
                YamlPiece::Document(text, opened) => {
                    format!("D{opened} {}", String::from_utf8(text).unwrap())
                }
                YamlPiece::TooLong => "long".to_owned(),
            });
        }
        found
    }

    #[test]
    fn items_come_one_by_one_and_what_is_around_them_last() {
        let text = "apiVersion: v1\nitems:\n- kind: Pod\n  text: |\n    - a\n\n    b\n- kind: Job\nkind: List\n---\nkind: Pod\n";
        assert_eq!(
            split(text),
            [
                "I - kind: Pod\n  text: |\n    - a\n\n    b\n",
                "I - kind: Job\n",
                "Dtrue apiVersion: v1\nkind: List\n",
                "Dfalse kind: Pod\n"
            ]
        );
    }

    #[test]
    fn items_may_be_indented_and_be_the_last_of_the_text() {
        assert_eq!(
            split("kind: List\nitems:\n  - kind: Pod\n    list:\n    - x\n  - kind: Job"),
            ["I   - kind: Pod\n    list:\n    - x\n", "I   - kind: Job", "Dtrue kind: List\n"]
        );
        assert_eq!(split("items:\n---\na: 1\n"), ["Dtrue ", "Dfalse a: 1\n"]);
    }
}
