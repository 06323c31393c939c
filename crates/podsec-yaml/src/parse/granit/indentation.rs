//! Quoted text over several lines: its later lines may start anywhere in yaml.v2, but not in granit.
//!
//! Such lines get the indentation that granit asks for. Blanks at the start of a line mean nothing inside quotes,
//! so the value stays what it is; places are counted back.

use std::ops::Range;

/// Blanks that the author did not write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Insertion {
    /// Where they start, in the indented text.
    pub(super) offset: usize,
    /// Their line, from 1.
    pub(super) line: usize,
    /// How many there are.
    pub(super) length: usize,
    /// How many were inserted before these.
    pub(super) before: usize,
}

/// A text with some of its lines indented further.
#[derive(Debug)]
pub(super) struct Indented {
    pub(super) text: String,
    /// In ascending order.
    pub(super) insertions: Vec<Insertion>,
}

impl Indented {
    pub(super) fn new(text: &str) -> Self {
        Self { text: text.to_owned(), insertions: Vec::new() }
    }

    /// Indents every quoted scalar of several lines, as far as lines tell where one is. Whoever reads the result
    /// must see that all insertions are in quotes.
    pub(super) fn eager(text: &str) -> Option<Self> {
        let mut indented = Self::new(text);
        let scalars = quoted_scalars(text);
        indented.insert(text, &scalars).then_some(indented)
    }

    /// Indents the quoted scalar in which the byte `stop` lies. `outside` is a byte before it, close by, that is not
    /// in quotes. Whether there is such a scalar.
    pub(super) fn indent(&mut self, outside: usize, stop: usize) -> bool {
        let text = std::mem::take(&mut self.text);
        let scalar = quoted(&text, outside, stop);
        // granit stops at each scalar once; a second time is no question of indentation.
        let scalar =
            scalar.filter(|scalar| self.insertions.last().is_none_or(|last| last.offset < scalar.start));
        let inserted = scalar.is_some_and(|scalar| self.insert(&text, &[scalar]));
        if !inserted {
            self.text = text;
        }
        inserted
    }

    /// Indents the later lines of each scalar up to its quote; scalars are in order, and behind all insertions.
    fn insert(&mut self, text: &str, scalars: &[Range<usize>]) -> bool {
        let mut indented = String::with_capacity(text.len() * 2);
        let mut copied = 0;
        let known = self.insertions.len();
        for scalar in scalars {
            let width = column(text, scalar.start);
            let breaks = text.get(scalar.clone()).unwrap_or("").match_indices('\n');
            for start in breaks.map(|(end, _)| scalar.start + end + 1) {
                indented.push_str(text.get(copied..start).unwrap_or(""));
                copied = start;
                if width > 0 {
                    self.insertions.push(Insertion {
                        offset: indented.len(),
                        line: 0,
                        length: width,
                        before: 0,
                    });
                    indented.extend(std::iter::repeat_n(' ', width));
                }
                // Many lines behind one long one would need more memory than any honest text.
                if indented.len() > 2 * text.len() + MOST_BLANKS {
                    return false;
                }
            }
        }
        indented.push_str(text.get(copied..).unwrap_or(""));
        self.text = indented;
        self.count();
        self.insertions.len() > known
    }

    fn count(&mut self) {
        let (mut line, mut counted, mut before) = (1, 0, 0);
        for insertion in &mut self.insertions {
            let between = self.text.get(counted..insertion.offset).unwrap_or("");
            line += between.bytes().filter(|byte| *byte == b'\n').count();
            counted = insertion.offset;
            insertion.line = line;
            insertion.before = before;
            before += insertion.length;
        }
    }
}

/// How many of the insertions lie in a range of the indented text.
pub(super) fn within(insertions: &[Insertion], range: Range<usize>) -> usize {
    let before = |end: usize| insertions.partition_point(|insertion| insertion.offset < end);
    before(range.end).saturating_sub(before(range.start))
}

/// The quoted scalars of several lines that follow `key: ` or `- `, block scalars and comments passed over.
fn quoted_scalars(text: &str) -> Vec<Range<usize>> {
    let mut scalars = Vec::new();
    let mut start = 0;
    let mut block: Option<usize> = None;
    while let Some(line) = text.get(start..).and_then(|rest| rest.split_inclusive('\n').next()) {
        let content = line.trim_start_matches(' ');
        let indentation = line.len() - content.len();
        let line_start = start;
        start += line.len();
        if content.trim_end().is_empty() || block.is_some_and(|header| indentation > header) {
            continue;
        }
        block = opens_block(content).then_some(indentation);
        if block.is_some() || content.starts_with('#') {
            continue;
        }
        let Some(quote) = value_quote(content) else { continue };
        let quote = line_start + indentation + quote;
        if let Some(scalar) = quoted(text, quote, quote + 1).filter(|scalar| scalar.end > start) {
            let rest = text.get(scalar.end..).unwrap_or("");
            start = scalar.end + rest.find('\n').map_or(rest.len(), |end| end + 1);
            scalars.push(scalar);
        }
    }
    scalars
}

/// Whether a line ends with the header of a block scalar.
fn opens_block(content: &str) -> bool {
    let content = content.split(" #").next().unwrap_or("").trim_end();
    let header = content.rsplit([' ', '\t']).next().unwrap_or("");
    header.starts_with(['|', '>']) && header.len() <= 3
}

/// Where in a line a quoted value starts.
fn value_quote(content: &str) -> Option<usize> {
    let mut item = content;
    while let Some(nested) = item.strip_prefix("- ") {
        item = nested.trim_start_matches(' ');
    }
    let value = match item.split_once(": ") {
        Some((key, value)) if !item.starts_with(['"', '\'']) && !key.contains(" #") => {
            value.trim_start_matches(' ')
        }
        _ => item,
    };
    value.starts_with(['"', '\'']).then_some(content.len() - value.len())
}

fn column(text: &str, offset: usize) -> usize {
    let before = text.get(..offset).unwrap_or("");
    before.len() - before.rfind('\n').map_or(0, |end| end + 1)
}

/// The quoted scalar around `stop`, its quotes included.
fn quoted(text: &str, outside: usize, stop: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let mut open: Option<(usize, u8)> = None;
    let mut previous = b' ';
    let mut index = outside;
    while let Some(byte) = bytes.get(index).copied() {
        match open {
            None if index >= stop => return None,
            None if matches!(byte, b'"' | b'\'')
                && matches!(previous, b' ' | b'\t' | b'\n' | b'\r' | b':' | b'-') =>
            {
                open = Some((index, byte));
            }
            None if byte == b'#' && previous.is_ascii_whitespace() => {
                index += bytes.get(index..)?.iter().position(|byte| *byte == b'\n')?;
            }
            Some((_, b'"')) if byte == b'\\' => index += 1,
            Some((_, b'\'')) if byte == b'\'' && bytes.get(index + 1) == Some(&b'\'') => index += 1,
            Some((start, quote)) if byte == quote => {
                if index >= stop {
                    return Some(start..index + 1);
                }
                open = None;
            }
            _ => {}
        }
        previous = byte;
        index += 1;
    }
    None
}

const MOST_BLANKS: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lines_in_the_quotes_are_indented() {
        let text = "a: 'x'\nb: \"it's\n  # no comment\n\\\"y\" # \"\nc: 1\n";
        let mut indented = Indented::new(text);
        assert!(indented.indent(8, text.find("\\\"y").unwrap()));
        assert_eq!(indented.text, "a: 'x'\nb: \"it's\n     # no comment\n   \\\"y\" # \"\nc: 1\n");
        let insertion = |offset, line, before| Insertion { offset, line, length: 3, before };
        assert_eq!(indented.insertions, [insertion(16, 3, 0), insertion(34, 4, 3)]);
        assert!(!indented.indent(0, 1));
        assert_eq!(Indented::eager(text).unwrap().text, indented.text);
    }

    #[test]
    fn a_scalar_at_the_margin_is_not_indented_for_ever() {
        let mut indented = Indented::new("a: 'x\ny'\n'b\nc': 2\n");
        assert!(indented.indent(2, 6));
        assert!(!indented.indent(11, 15));
    }

    #[test]
    fn lines_tell_where_quoted_scalars_are() {
        let text = "\
a: |  # \"not
  b: \"not
# c: \"not
d: \"one line\"
- e: \"two
lines\"
- - 'two
  lines'
f: it's: \"not
";
        let found: Vec<_> = quoted_scalars(text).into_iter().map(|scalar| &text[scalar]).collect();
        assert_eq!(found, ["\"two\nlines\"", "'two\n  lines'"]);
    }

    #[test]
    fn blanks_do_not_grow_beyond_measure() {
        let text = format!("{}: \"{}\"", "k".repeat(100_000), "\n".repeat(100_000));
        assert!(Indented::eager(&text).is_none());
    }
}
