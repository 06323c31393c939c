//! JSON values one after the other, and the elements of the long lists among them one by one.
//!
//! ```text
//! {"kind": "List", "items": [{"kind": "Pod"}, {"kind": "Job"}]}   {"kind": "Event"}   12:00 {"kind": "Eve
//!                            └─ Element ───┘  └─ Element ───┘ └ Rest               └ Rest    └ Text
//! ```
//!
//! Nothing is decoded here; brackets and strings are counted. A value that a line's end cuts off in the middle of a
//! string, or that is still open when a line begins with `{"`, was cut by whoever wrote it; reading goes on behind it.

use std::io::BufRead;

use super::MOST_BYTES;

/// What is between two ends in the text.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece<'b> {
    /// An element of a list that is opened: a list itself, or a member of that name of an object.
    Element {
        /// The number of the name among those that are opened; none in a list.
        name: Option<usize>,
        /// The element.
        json: &'b [u8],
    },
    /// A value whose elements came before it, if it had a list that is opened, which is empty now.
    Rest {
        /// The value.
        json: &'b [u8],
        /// Whether elements came before it.
        opened: bool,
    },
    /// A line that is no JSON.
    Text(&'b [u8]),
    /// What is left of a value that was cut.
    Cut(&'b [u8]),
    /// A value that is longer than any may be.
    TooLong,
}

/// Splits a text; see the module.
#[derive(Debug)]
pub struct Pieces<R> {
    reader: R,
    opened: &'static [&'static str],
    outer: Outer,
    /// The value that is read, or the object around the list that is read.
    value: Vec<u8>,
    element: Vec<u8>,
    scan: Scan,
    over: bool,
    /// Whether a part of a value was left out because it is too long.
    too_long: bool,
    /// Whether the next byte is the first of its line.
    fresh: bool,
}

/// Where the next byte stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outer {
    /// Between values.
    Top,
    /// In a line that is no JSON.
    Text,
    /// In an object that stands by itself.
    Object {
        /// Where the last string at its first level is, in `value`.
        key: (usize, usize),
        opened: bool,
    },
    /// Between the elements of a list that is opened.
    List { of: Option<usize>, opened: bool },
    /// In an element.
    Element { of: Option<usize>, opened: bool },
}

#[derive(Clone, Copy, Debug, Default)]
struct Scan {
    depth: usize,
    in_string: bool,
    escaped: bool,
}

/// What happened at a byte.
enum Step {
    /// Nothing.
    On,
    /// A piece is complete, this byte included.
    Done(Done),
    /// A piece ended before this byte, which is to be read again.
    Before(Done),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Done {
    Element(Option<usize>),
    Rest { opened: bool },
    Text,
    Cut,
}

impl<R: BufRead> Pieces<R> {
    /// Opens lists, and the lists that are members of these names of objects.
    pub fn new(reader: R, opened: &'static [&'static str]) -> Self {
        Self {
            reader,
            opened,
            outer: Outer::Top,
            value: Vec::new(),
            element: Vec::new(),
            scan: Scan::default(),
            over: false,
            too_long: false,
            fresh: true,
        }
    }

    /// The next piece.
    ///
    /// # Errors
    /// When the reader has one; there is nothing after it.
    pub fn next_piece(&mut self) -> std::io::Result<Option<Piece<'_>>> {
        if self.over {
            return Ok(None);
        }
        loop {
            let chunk = match self.reader.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    self.over = true;
                    return Err(error);
                }
            };
            if chunk.is_empty() {
                self.over = true;
                return Ok(self.at_end());
            }
            // The reader's buffer is borrowed as long as it is read.
            let mut state = State {
                opened: self.opened,
                outer: &mut self.outer,
                value: &mut self.value,
                element: &mut self.element,
                scan: &mut self.scan,
                too_long: &mut self.too_long,
                fresh: &mut self.fresh,
            };
            let (consumed, done) = state.read(chunk);
            self.reader.consume(consumed);
            if let Some(done) = done {
                return Ok(Some(self.piece(done)));
            }
        }
    }

    fn at_end(&mut self) -> Option<Piece<'_>> {
        match self.outer {
            Outer::Top => None,
            Outer::Text => Some(self.piece(Done::Text)),
            // A list that is not closed: the elements were read, and what is around them is told.
            Outer::Object { .. } | Outer::List { .. } | Outer::Element { .. } => Some(self.piece(Done::Cut)),
        }
    }

    fn piece(&mut self, done: Done) -> Piece<'_> {
        if std::mem::take(&mut self.too_long) {
            return Piece::TooLong;
        }
        match done {
            Done::Element(name) => Piece::Element { name, json: &self.element },
            Done::Rest { opened } => Piece::Rest { json: &self.value, opened },
            Done::Text => Piece::Text(&self.value),
            Done::Cut if self.element.is_empty() => Piece::Cut(&self.value),
            Done::Cut => Piece::Cut(&self.element),
        }
    }
}

/// The parts of [`Pieces`] beside the reader.
struct State<'s> {
    opened: &'static [&'static str],
    outer: &'s mut Outer,
    value: &'s mut Vec<u8>,
    element: &'s mut Vec<u8>,
    scan: &'s mut Scan,
    too_long: &'s mut bool,
    fresh: &'s mut bool,
}

impl State<'_> {
    /// Reads until a piece is complete or the chunk is over; how many bytes were used.
    fn read(&mut self, chunk: &[u8]) -> (usize, Option<Done>) {
        let mut at = 0;
        while let Some(&byte) = chunk.get(at) {
            let rest = chunk.get(at..).unwrap_or_default();
            let run = self.run(rest);
            if run > 0 {
                self.keep(rest.get(..run).unwrap_or_default());
                *self.fresh = false;
                at += run;
                continue;
            }
            let fresh = std::mem::replace(self.fresh, byte == b'\n');
            match self.step(byte, fresh) {
                Step::On => at += 1,
                Step::Done(done) => return (at + 1, Some(done)),
                Step::Before(done) => {
                    *self.fresh = fresh;
                    return (at, Some(done));
                }
            }
        }
        (at, None)
    }

    /// How many of the next bytes mean nothing.
    fn run(&self, rest: &[u8]) -> usize {
        let within = matches!(self.outer, Outer::Object { .. } | Outer::Element { .. });
        if !within || self.scan.escaped {
            return 0;
        }
        if self.scan.in_string {
            return memchr::memchr3(b'"', b'\\', b'\n', rest).unwrap_or(rest.len());
        }
        if *self.fresh {
            return 0;
        }
        rest.iter().position(|byte| is_structural(*byte)).unwrap_or(rest.len())
    }

    fn keep(&mut self, bytes: &[u8]) {
        let target =
            if matches!(self.outer, Outer::Element { .. }) { &mut *self.element } else { &mut *self.value };
        if target.len() + bytes.len() > MOST_BYTES {
            *self.too_long = true;
        } else {
            target.extend_from_slice(bytes);
        }
    }

    fn step(&mut self, byte: u8, fresh: bool) -> Step {
        match *self.outer {
            Outer::Top => self.begin(byte),
            Outer::Text if byte == b'\n' => {
                *self.outer = Outer::Top;
                Step::Done(Done::Text)
            }
            Outer::Text => {
                self.keep(&[byte]);
                Step::On
            }
            Outer::List { of, opened } => self.between(byte, of, opened),
            Outer::Object { .. } | Outer::Element { .. } => self.within(byte, fresh),
        }
    }

    fn begin(&mut self, byte: u8) -> Step {
        if byte.is_ascii_whitespace() || byte == 0 {
            return Step::On;
        }
        self.value.clear();
        self.element.clear();
        *self.scan = Scan { depth: 1, ..Scan::default() };
        *self.outer = match byte {
            b'[' => {
                self.value.push(b'[');
                Outer::List { of: None, opened: false }
            }
            b'{' => Outer::Object { key: (0, 0), opened: false },
            _ => Outer::Text,
        };
        if byte != b'[' {
            self.keep(&[byte]);
        }
        Step::On
    }

    /// A byte between the elements of a list.
    fn between(&mut self, byte: u8, of: Option<usize>, opened: bool) -> Step {
        match byte {
            b']' => {
                self.value.push(b']');
                self.element.clear();
                if of.is_none() {
                    *self.outer = Outer::Top;
                    return Step::Done(Done::Rest { opened: true });
                }
                *self.scan = Scan { depth: 1, ..Scan::default() };
                *self.outer = Outer::Object { key: (0, 0), opened };
                Step::On
            }
            b',' => Step::On,
            byte if byte.is_ascii_whitespace() => Step::On,
            b'}' => {
                self.element.clear();
                *self.outer = Outer::Top;
                Step::Done(Done::Cut)
            }
            _ => {
                self.element.clear();
                *self.scan = Scan::default();
                *self.outer = Outer::Element { of, opened: true };
                self.within(byte, false)
            }
        }
    }

    /// A byte of an object or element.
    fn within(&mut self, byte: u8, fresh: bool) -> Step {
        let is_element = matches!(self.outer, Outer::Element { .. });
        if self.scan.in_string {
            if byte == b'\n' {
                *self.outer = Outer::Top;
                return Step::Done(Done::Cut);
            }
            self.keep(&[byte]);
            if self.scan.escaped {
                self.scan.escaped = false;
            } else if byte == b'\\' {
                self.scan.escaped = true;
            } else if byte == b'"' {
                self.scan.in_string = false;
                if let Outer::Object { key, .. } = self.outer
                    && self.scan.depth == 1
                {
                    key.1 = self.value.len();
                }
            }
            return self.scalar_ends(is_element);
        }
        match byte {
            b'{' if fresh && self.scan.depth > 0 => {
                *self.outer = Outer::Top;
                return Step::Before(Done::Cut);
            }
            b'"' => {
                self.scan.in_string = true;
                if let Outer::Object { key, .. } = self.outer
                    && self.scan.depth == 1
                {
                    *key = (self.value.len(), 0);
                }
            }
            b'[' if self.scan.depth == 1 && !is_element => {
                if let Some(name) = self.key() {
                    self.keep(b"[");
                    *self.outer = Outer::List { of: Some(name), opened: true };
                    return Step::On;
                }
                self.scan.depth += 1;
            }
            b'{' | b'[' => self.scan.depth += 1,
            b'}' | b']' | b',' if is_element && self.scan.depth == 0 => return self.end_of_scalar(),
            b'}' | b']' => {
                self.keep(&[byte]);
                self.scan.depth = self.scan.depth.saturating_sub(1);
                return self.closed();
            }
            _ => {}
        }
        self.keep(&[byte]);
        Step::On
    }

    /// A bracket was closed.
    fn closed(&mut self) -> Step {
        if self.scan.depth > 0 {
            return Step::On;
        }
        match *self.outer {
            Outer::Element { of, opened } => {
                *self.outer = Outer::List { of, opened };
                Step::Done(Done::Element(of))
            }
            Outer::Object { opened, .. } => {
                *self.outer = Outer::Top;
                Step::Done(Done::Rest { opened })
            }
            Outer::Top | Outer::Text | Outer::List { .. } => Step::On,
        }
    }

    /// A string that is an element itself ends with its quote.
    fn scalar_ends(&mut self, is_element: bool) -> Step {
        if is_element && self.scan.depth == 0 && !self.scan.in_string { self.closed() } else { Step::On }
    }

    /// A number or word ended before this byte.
    fn end_of_scalar(&mut self) -> Step {
        match *self.outer {
            Outer::Element { of, opened } => {
                *self.outer = Outer::List { of, opened };
                Step::Before(Done::Element(of))
            }
            _ => Step::On,
        }
    }

    /// The name of the member whose value begins, if its list is to be opened.
    fn key(&self) -> Option<usize> {
        let Outer::Object { key: (start, end), .. } = *self.outer else { return None };
        let name = self.value.get(start + 1..end.checked_sub(1)?)?;
        let between = self.value.get(end..)?.trim_ascii();
        if between != b":" {
            return None;
        }
        self.opened.iter().position(|opened| opened.as_bytes() == name)
    }
}

fn is_structural(byte: u8) -> bool {
    matches!(byte, b'"' | b'{' | b'}' | b'[' | b']' | b',' | b'\n')
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use proptest::prelude::*;

    use super::*;

    fn split(text: &str, chunk: usize) -> Vec<String> {
        let mut pieces = Pieces::new(BufReader::with_capacity(chunk, text.as_bytes()), &["items", "records"]);
        let mut found = Vec::new();
        while let Some(piece) = pieces.next_piece().unwrap() {
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
            found.push(match piece {
                Piece::Element { name, json } => format!("E{name:?} {}", text(json)),
                Piece::Rest { json, opened } => format!("R{opened} {}", text(json)),
                Piece::Text(line) => format!("T {}", text(line)),
                Piece::Cut(start) => format!("C {}", text(start)),
                Piece::TooLong => "long".to_owned(),
            });
        }
        found
    }

    #[test]
    fn lists_are_opened_and_other_values_come_whole() {
        let text = "{\"items\": [ {\"a\": [1]}, \"x,]\", 12 ], \"kind\": \"List\"}{\"b\":{\"items\":[1]}}\n[{\"c\":1}]\nplain {\n";
        for chunk in [1, 2, 3, 7, 4096] {
            assert_eq!(
                split(text, chunk),
                [
                    "ESome(0) {\"a\": [1]}",
                    "ESome(0) \"x,]\"",
                    "ESome(0) 12 ",
                    "Rtrue {\"items\": [], \"kind\": \"List\"}",
                    "Rfalse {\"b\":{\"items\":[1]}}",
                    "ENone {\"c\":1}",
                    "Rtrue []",
                    "T plain {",
                ],
                "{chunk}"
            );
        }
    }

    #[test]
    fn what_was_cut_is_told_and_the_next_line_is_read() {
        let text =
            "{\"a\": \"long [Truncated...]\n{\"b\": 1}\n{\"c\": [1, \n{\"d\": {\"e\": \"f\\\"\"}}\n{\"g\": ";
        for chunk in [1, 5, 4096] {
            assert_eq!(
                split(text, chunk),
                [
                    "C {\"a\": \"long [Truncated...]",
                    "Rfalse {\"b\": 1}",
                    "C {\"c\": [1, \n",
                    "Rfalse {\"d\": {\"e\": \"f\\\"\"}}",
                    "C {\"g\": "
                ],
                "{chunk}"
            );
        }
    }

    #[test]
    fn elements_may_stand_at_the_beginning_of_lines() {
        assert_eq!(
            split("[\n{\"a\": 1},\n{\"b\": 2}\n]\n", 4),
            ["ENone {\"a\": 1}", "ENone {\"b\": 2}", "Rtrue []"]
        );
    }

    proptest! {
        #[test]
        fn any_text_is_split_alike_whatever_comes_at_a_time(text in "[\\[\\]{}\",:\\\\\na1 ]{0,60}", chunk in 1usize..9) {
            prop_assert_eq!(split(&text, chunk), split(&text, 4096));
        }
    }
}
