//! The text of an expression, and errors that show the place in it.

use std::fmt::Write as _;

/// The text, by characters.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) characters: Vec<char>,
    /// Where each line begins.
    lines: Vec<usize>,
}

impl Source {
    pub(crate) fn new(text: &str) -> Self {
        let characters: Vec<char> = text.chars().collect();
        let mut lines = vec![0];
        let ends = characters.iter().enumerate().filter(|(_, character)| **character == '\n');
        lines.extend(ends.map(|(at, _)| at + 1));
        Self { characters, lines }
    }

    /// The text between two offsets.
    pub(crate) fn text(&self, from: usize, to: usize) -> String {
        self.characters.get(from..to).unwrap_or_default().iter().collect()
    }

    /// Line, from one, and column, from zero.
    fn location(&self, offset: usize) -> (usize, usize) {
        let line = self.lines.partition_point(|begin| *begin <= offset);
        (line, offset - self.lines.get(line.wrapping_sub(1)).copied().unwrap_or(0))
    }

    fn line(&self, line: usize) -> String {
        let begin = self.lines.get(line - 1).copied().unwrap_or(0);
        let end = self.lines.get(line).map_or(self.characters.len(), |next| next - 1);
        self.text(begin, end)
    }
}

/// What is wrong with an expression.
#[derive(Debug, Default)]
pub(crate) struct Errors {
    /// Offset and message; without an offset the text as a whole is meant.
    found: Vec<(Option<usize>, String)>,
}

impl Errors {
    pub(crate) fn add(&mut self, offset: Option<usize>, message: String) {
        self.found.push((offset, message));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// All of them in the order of the text, each with its line and a mark under the place; a hundred at most.
    ///
    /// ```text
    /// ERROR: <input>:1:3: undeclared reference to 'y' (in container '')
    ///  | x+y
    ///  | ..^
    /// ```
    pub(crate) fn display(&self, source: &Source) -> String {
        let mut placed: Vec<_> = self
            .found
            .iter()
            .take(SHOWN)
            .map(|(offset, message)| (offset.map(|offset| source.location(offset)), message))
            .collect();
        placed.sort_by_key(|(location, _)| location.unwrap_or((0, 0)));
        let mut shown: Vec<String> =
            placed.iter().map(|(location, message)| display(source, *location, message)).collect();
        if self.found.len() > SHOWN {
            shown.push(format!("{} more errors were truncated", self.found.len() - SHOWN));
        }
        shown.join("\n")
    }
}

/// The number of errors that are shown.
const SHOWN: usize = 100;
/// Longer lines are not repeated in an error; bytes.
const SNIPPET: usize = 16_384;

fn display(source: &Source, location: Option<(usize, usize)>, message: &str) -> String {
    let Some((line, column)) = location else {
        return format!("ERROR: <input>:-1:0: {message}");
    };
    let mut text = format!("ERROR: <input>:{line}:{}: {message}", column + 1);
    let snippet = source.line(line).replace('\t', " ");
    if snippet.len() <= SNIPPET {
        let wide = |character: Option<char>| character.is_some_and(|character| !character.is_ascii());
        let mut mark = String::new();
        let mut characters = snippet.chars();
        for _ in 0..column {
            let Some(character) = characters.next() else { break };
            mark.push(if wide(Some(character)) { '\u{ff0e}' } else { '.' });
        }
        mark.push(if wide(characters.next()) { '\u{ff3e}' } else { '^' });
        let _ = write!(text, "\n | {snippet}\n | {mark}");
    }
    text
}
