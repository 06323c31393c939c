//! Changes of a text as a unified diff, which `git apply` and `patch` understand, and as its hunks.

use similar::{ChangeTag, DiffOp, DiffTag, TextDiff};

use super::{Applied, Fixed};
use crate::locate::{Children, Step, locate, steps};
use crate::object::objects;

/// A part of a diff: lines that change, with a few around them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hunk {
    /// `@@ -1,2 +1,3 @@` with what is changed in it and how sure that is, and the lines, each behind a blank, `-` or `+`.
    pub text: String,
}

/// The unified diff from one text of a file to another; empty when they are equal.
pub fn unified_diff(name: &str, old: &str, new: &str) -> String {
    written(name, &parts(old, new, &[]))
}

/// The hunks between a source's text and the mended one, each marked with its kind.
pub fn hunks(old: &str, fixed: &Fixed) -> Vec<Hunk> {
    parts(old, &fixed.text, &marks(old, fixed)).into_iter().map(|part| Hunk { text: part.text }).collect()
}

/// The text with only those hunks of a diff to `new` that are wanted.
pub fn with_hunks(old: &str, new: &str, wanted: &[bool]) -> String {
    let parts = parts(old, new, &[]);
    let old_lines: Vec<&str> = old.split_inclusive('\n').collect();
    let new_lines: Vec<&str> = new.split_inclusive('\n').collect();
    let mut text = String::with_capacity(new.len());
    let mut copied = 0;
    let refused = [false];
    let answers = wanted.iter().chain(refused.iter().cycle());
    for (part, wanted) in parts.iter().zip(answers) {
        for op in part.ops.iter().filter(|op| op.tag() != DiffTag::Equal && *wanted) {
            let (before, after) = (op.old_range(), op.new_range());
            text.extend(old_lines.get(copied..before.start).unwrap_or_default().iter().copied());
            text.extend(new_lines.get(after).unwrap_or_default().iter().copied());
            copied = before.end;
        }
    }
    text.extend(old_lines.get(copied..).unwrap_or_default().iter().copied());
    text
}

/// The hunks as one diff of a file.
pub(crate) fn joined(name: &str, hunks: &[Hunk]) -> String {
    if hunks.is_empty() {
        return String::new();
    }
    let name = name.trim_start_matches('/');
    let hunks = hunks.iter().map(|hunk| hunk.text.as_str());
    [format!("--- a/{name}\n+++ b/{name}\n")].iter().map(String::as_str).chain(hunks).collect()
}

/// The unified diff of a mended source, each hunk marked with what is changed in it and how sure that is.
pub fn marked_diff(name: &str, old: &str, fixed: &Fixed) -> String {
    joined(name, &hunks(old, fixed))
}

fn written(name: &str, parts: &[Part]) -> String {
    let hunks: Vec<Hunk> = parts.iter().map(|part| Hunk { text: part.text.clone() }).collect();
    joined(name, &hunks)
}

/// A hunk, and what it is made of.
struct Part {
    text: String,
    ops: Vec<DiffOp>,
}

/// Where a change shows: a line from 0 of the new text, or of the old one where something goes.
struct Mark {
    line: usize,
    is_old: bool,
    label: String,
}

fn parts(old: &str, new: &str, marks: &[Mark]) -> Vec<Part> {
    let diff = TextDiff::from_lines(old, new);
    let part = |ops: Vec<DiffOp>| {
        let (first, last) = (ops.first()?, ops.last()?);
        let (before, after) =
            (first.old_range().start..last.old_range().end, first.new_range().start..last.new_range().end);
        let mut labels: Vec<&str> = Vec::new();
        for mark in marks {
            let range = if mark.is_old { &before } else { &after };
            if range.contains(&mark.line) && !labels.contains(&mark.label.as_str()) {
                labels.push(&mark.label);
            }
        }
        let labels = if labels.is_empty() { String::new() } else { format!(" {}", labels.join(", ")) };
        let range = |range: &std::ops::Range<usize>| match range.len() {
            1 => (range.start + 1).to_string(),
            // An empty range stands behind the line before it.
            0 => format!("{},0", range.start),
            length => format!("{},{length}", range.start + 1),
        };
        let mut text = format!("@@ -{} +{} @@{labels}\n", range(&before), range(&after));
        for change in ops.iter().flat_map(|op| diff.iter_changes(op)) {
            text.push(match change.tag() {
                ChangeTag::Equal => ' ',
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
            });
            text.push_str(change.value());
            if change.missing_newline() {
                text.push_str("\n\\ No newline at end of file\n");
            }
        }
        Some(Part { text, ops })
    };
    diff.grouped_ops(CONTEXT).into_iter().filter_map(part).collect()
}

/// Where the changes of a fix show in the texts.
fn marks(old: &str, fixed: &Fixed) -> Vec<Mark> {
    let before: Vec<_> = podsec_yaml::documents(old).collect();
    let after: Vec<_> = podsec_yaml::documents(&fixed.text).collect();
    let mark = |applied: &Applied| {
        let is_old = applied.action.starts_with("removed") || applied.action.starts_with("replaced");
        let (text, documents) = if is_old { (old, &before) } else { (fixed.text.as_str(), &after) };
        // Documents that cannot be read do not count, as in the names of objects.
        let number = applied.object.document;
        let document = documents.get(number)?.as_ref().ok()?;
        let object =
            objects(document, number).into_iter().find(|object| object.name.item == applied.object.item)?;
        let path = steps(&applied.path);
        let segments: Vec<_> = path.iter().map(Step::segment).collect();
        let located = locate(text, object.node, &segments, &mut Children::default());
        let label = format!("{}: {}", applied.safety, applied.check.id);
        Some(Mark { line: located.position.line - 1, is_old, label })
    };
    fixed.applied.iter().filter_map(mark).collect()
}

/// How many lines are shown around those that change.
const CONTEXT: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_last_line_break_is_told() {
        assert_eq!(
            unified_diff("x.yaml", "a: 1\nb: 2", "a: 1\nb: 3"),
            "--- a/x.yaml\n+++ b/x.yaml\n@@ -1,2 +1,2 @@\n a: 1\n-b: 2\n\\ No newline at end of file\n+b: 3\n\\ No newline at end of file\n"
        );
        assert_eq!(unified_diff("x.yaml", "a\r\n", "a\r\n"), "");
    }

    #[test]
    fn a_diff_is_the_one_that_the_library_writes() {
        let numbers: Vec<String> = (0..40).map(|number| format!("{number}\n")).collect();
        let old = numbers.concat();
        for new in [
            old.replace("\n5\n", "\nfive\n").replace("30\n", ""),
            old.replace("0\n1\n", "1\n"),
            format!("x\n{old}y"),
            String::new(),
        ] {
            let expected = TextDiff::from_lines(&old, &new)
                .unified_diff()
                .context_radius(CONTEXT)
                .header("a/x", "b/x")
                .to_string();
            assert_eq!(unified_diff("x", &old, &new), expected);
        }
    }

    #[test]
    fn only_the_hunks_that_are_wanted_are_made() {
        let numbers: Vec<String> = (0..40).map(|number| format!("{number}\n")).collect();
        let old = numbers.concat();
        let new = old.replace("\n5\n", "\nfive\n").replace("\n30\n", "\n");
        assert_eq!(with_hunks(&old, &new, &[true, true]), new);
        assert_eq!(with_hunks(&old, &new, &[]), old);
        assert_eq!(with_hunks(&old, &new, &[true, false]), old.replace("\n5\n", "\nfive\n"));
        assert_eq!(with_hunks(&old, &new, &[false, true]), old.replace("\n30\n", "\n"));
    }
}
