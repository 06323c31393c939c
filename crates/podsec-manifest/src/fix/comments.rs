//! What becomes of comments where lines go: a comment may go, and never comes to explain something else.
//!
//! | where the comment stands | when its field goes, or gets another value |
//! |---|---|
//! | in the value, or behind it on its last line | goes |
//! | in lines of its own directly above the field, in the field's column | goes |
//! | in lines directly below, indented deeper than the field | goes |
//! | anywhere else | stays where it is |
//!
//! An empty value that is filled (`{}`, or nothing) keeps the comments of its field. New fields come where no comment
//! ends up above them: above the comments that close a mapping in its own column, below those that are indented deeper.

use std::ops::Range;

use super::splice::{Member, Splicer};

impl Splicer<'_, '_, '_> {
    /// Lets the comments in a range go. Whoever calls takes their bytes out of the text.
    pub(super) fn forget(&mut self, range: Range<usize>) {
        let gone = self.comments_in(range);
        self.forgotten.extend(gone);
    }

    /// The bytes of a member of a block collection, from its key or dash on, with the comments behind and below that
    /// explain it.
    pub(super) fn explained_block(&self, member: &Member) -> Range<usize> {
        let column = self.column(member.start);
        let mut end = self.line_end(member.end);
        let mut line_end = end;
        while let Some((line, indent)) = self.line_below(line_end) {
            line_end = line.end;
            match indent {
                // Blank lines belong to what follows them.
                Line::Blank => {}
                Line::Comment(indent) if indent > column => end = line_end,
                Line::Comment(_) | Line::Other => break,
            }
        }
        member.start..end
    }

    /// The lines of comments directly above what starts at `offset` and in its column, if it begins its line.
    pub(super) fn comments_above(&self, offset: usize) -> Range<usize> {
        let end = self.line_start(offset);
        let blank = self.begins_line(offset);
        let column = self.column(offset);
        let mut start = end;
        while blank && start > self.start {
            let above = self.line_start(start - 1);
            if self.line_at(above) != Line::Comment(column) {
                break;
            }
            start = above;
        }
        start..end
    }

    /// Whether a comment directly above these lines, which explains nothing in their column, would come to stand directly
    /// above what follows them.
    pub(super) fn meets_comment(&self, lines: &Range<usize>) -> bool {
        if lines.start <= self.start {
            return false;
        }
        let column = self.column(lines.start + self.blanks_at(lines.start));
        let above = self.line_at(self.line_start(lines.start - 1));
        let is_shallower = matches!(above, Line::Comment(indent) if indent < column);
        is_shallower && self.line_below(lines.end).is_some_and(|(_, below)| below != Line::Blank)
    }

    fn blanks_at(&self, offset: usize) -> usize {
        let rest = self.text.get(offset..).unwrap_or("");
        rest.len() - rest.trim_start_matches(' ').len()
    }

    /// Whether nothing but blanks stands before `offset` in its line.
    pub(super) fn begins_line(&self, offset: usize) -> bool {
        self.text.get(self.line_start(offset)..offset).is_some_and(|before| before.trim().is_empty())
    }

    /// Takes out the comments directly above what starts at `offset`.
    pub(super) fn remove_comments_above(&mut self, offset: usize) {
        let above = self.comments_above(offset);
        if !above.is_empty() {
            self.forget(above.clone());
            self.push(above, String::new());
        }
    }

    /// Takes out the comment behind what ends at `end`, a comma between them or not, if nothing else follows there.
    pub(super) fn remove_comment_behind(&mut self, end: usize) {
        let after_comma = self.after_comma(end);
        let Some(comment) = self.comment_behind(after_comma) else { return };
        self.forget(comment.clone());
        let blanks = self.text.get(after_comma..comment.start).unwrap_or("");
        self.push(comment.start - blanks.len()..comment.end, String::new());
    }

    /// The place behind the comma that follows `end` on its line, or else `end`.
    pub(super) fn after_comma(&self, end: usize) -> usize {
        let rest = self.text.get(end..).unwrap_or("");
        let blanks = rest.len() - rest.trim_start_matches(' ').len();
        if rest.get(blanks..).is_some_and(|rest| rest.starts_with(',')) { end + blanks + 1 } else { end }
    }

    /// The line below the one that ends at `line_end`, and what it is.
    fn line_below(&self, line_end: usize) -> Option<(Range<usize>, Line)> {
        let rest = self.text.get(line_end..)?;
        let start = line_end + rest.find('\n')? + 1;
        (start < self.text.len()).then(|| (start..self.line_end(start), self.line_at(start)))
    }

    /// What the line is that starts here.
    fn line_at(&self, start: usize) -> Line {
        let line = start..self.line_end(start);
        let text = self.text.get(line.clone()).unwrap_or("");
        let content = text.trim_start_matches(' ');
        if content.trim().is_empty() {
            return Line::Blank;
        }
        let indent = text.len() - content.len();
        // What looks like one may be the text of a scalar.
        let is_comment = content.starts_with('#')
            && self.comments_in(line).first().is_some_and(|comment| comment.start == start + indent);
        if is_comment { Line::Comment(indent) } else { Line::Other }
    }
}

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    Blank,
    /// Nothing but a comment, indented by so many blanks.
    Comment(usize),
    Other,
}
