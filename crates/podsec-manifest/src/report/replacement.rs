//! A mended text as replacements of whole lines in the old one.

use std::collections::{BTreeMap, HashMap};

use podsec_standards::{Pod, Policy};
use similar::{DiffTag, TextDiff};

use crate::Source;
use crate::check::{Kept, Policies};
use crate::finding::FileReport;
use crate::fix::{Options, mended_documents};
use crate::object::ObjectName;
use crate::template::Templates;

/// Lines that something else takes the place of. Lines and columns count from 1, the end is exclusive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Replacement {
    pub(super) start_line: usize,
    pub(super) end_line: usize,
    pub(super) end_column: usize,
    pub(super) text: String,
}

/// All fixes that there are for what the report found in a source.
pub(super) struct SourceFix {
    pub(super) replacements: Vec<Replacement>,
    /// How many changes there are.
    pub(super) changes: usize,
    /// The checks whose fixes may break the program.
    pub(super) risks: BTreeMap<&'static str, &'static str>,
    /// Whether something stays that cannot be mended.
    pub(super) leaves: bool,
}

/// The fixes; none when a violation is meant to stay, or nothing can be mended.
pub(super) fn source_fix(
    source: &Source,
    report: &FileReport,
    documents: &[Kept<'_>],
    templates: &Templates,
) -> Option<SourceFix> {
    if report.pods.iter().any(|pod| !pod.silenced.is_empty()) {
        return None;
    }
    let policies = Reported(report.pods.iter().map(|pod| (&pod.object, pod.policy)).collect());
    let options = Options { unsafe_fixes: true, ..Options::default() };
    let mut fix = SourceFix { replacements: Vec::new(), changes: 0, risks: BTreeMap::new(), leaves: false };
    let text = source.text.as_str();
    let (mut line, mut counted) = (report.start.lines, 0);
    for (span, mended) in mended_documents(source, report, documents, templates, &policies, options) {
        fix.changes += mended.applied.len();
        let noticed = mended.applied.iter().filter(|applied| applied.safety.may_be_noticed());
        fix.risks.extend(noticed.map(|applied| (applied.check.id, applied.check.fix.risk)));
        fix.leaves |= !mended.left.is_empty();
        // Whole lines are replaced, also where a document begins or ends within one.
        let start =
            text.get(..span.start).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1);
        let rest = text.get(span.end..).unwrap_or("");
        let end = span.end + rest.find('\n').map_or(rest.len(), |newline| newline + 1);
        line += text.get(counted..start).unwrap_or("").bytes().filter(|byte| *byte == b'\n').count();
        counted = start;
        let piece = |from, to| text.get(from..to).unwrap_or("");
        let new = [piece(start, span.start), &mended.text, piece(span.end, end)].concat();
        fix.replacements.extend(replacements(piece(start, end), &new).into_iter().map(|replacement| {
            Replacement {
                start_line: replacement.start_line + line,
                end_line: replacement.end_line + line,
                ..replacement
            }
        }));
    }
    (fix.changes > 0).then_some(fix)
}

/// The lines that differ.
fn replacements(old: &str, new: &str) -> Vec<Replacement> {
    // Most of a text is as it was, and need not be searched for differences.
    let (above, start) = equal_lines(old.split_inclusive('\n'), new.split_inclusive('\n'));
    let (old, new) = (old.get(start..).unwrap_or(""), new.get(start..).unwrap_or(""));
    let (_, rest) = equal_lines(old.split_inclusive('\n').rev(), new.split_inclusive('\n').rev());
    let (old, new) = (old.get(..old.len() - rest).unwrap_or(""), new.get(..new.len() - rest).unwrap_or(""));
    let diff = TextDiff::from_lines(old, new);
    let old_lines: Vec<&str> = old.split_inclusive('\n').collect();
    let new_lines: Vec<&str> = new.split_inclusive('\n').collect();
    let replaced = diff.ops().iter().filter(|op| op.tag() != DiffTag::Equal);
    replaced
        .map(|op| {
            let (before, after) = (op.old_range(), op.new_range());
            // Past the last line there is a place to stand only when it ends.
            let last = old_lines.get(before.end.wrapping_sub(1)).filter(|line| !line.ends_with('\n'));
            let (end_line, end_column) =
                last.map_or((before.end + 1, 1), |line| (before.end, line.chars().count() + 1));
            Replacement {
                start_line: above + before.start + 1,
                end_line: above + end_line.max(before.start + 1),
                end_column,
                text: new_lines.get(after).unwrap_or_default().concat(),
            }
        })
        .collect()
}

/// How many lines are equal before the first that is not, and how many bytes they have.
fn equal_lines<'t>(old: impl Iterator<Item = &'t str>, new: impl Iterator<Item = &'t str>) -> (usize, usize) {
    let equal = old.zip(new).take_while(|(old, new)| old == new);
    equal.fold((0, 0), |(lines, bytes), (line, _)| (lines + 1, bytes + line.len()))
}

/// The policies that a report was made by.
struct Reported<'a>(HashMap<&'a ObjectName, Option<Policy>>);

impl Policies for Reported<'_> {
    fn policy(&self, object: &ObjectName, _: &Pod<'_>) -> Option<Policy> {
        self.0.get(object).copied().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Makes the replacements, as an editor would.
    fn replaced(old: &str, replacements: &[Replacement]) -> String {
        let offset = |line: usize, column: usize| {
            let start: usize = old.split_inclusive('\n').take(line - 1).map(str::len).sum();
            let rest = old.get(start..).unwrap();
            start + rest.char_indices().nth(column - 1).map_or(rest.len(), |(place, _)| place)
        };
        let mut text = old.to_owned();
        for replacement in replacements.iter().rev() {
            let range =
                offset(replacement.start_line, 1)..offset(replacement.end_line, replacement.end_column);
            text.replace_range(range, &replacement.text);
        }
        text
    }

    #[test]
    fn replacements_turn_the_old_text_into_the_new_one() {
        let texts = ["", "a\n", "a\nb\n", "a\nb", "x\na\nb\nc\n", "a\nü\nb", "b\r\nc\r\n", "ü"];
        for old in texts {
            for new in texts {
                // An editor cannot insert after a last line that has no end but in that line.
                let made = replacements(old, new);
                assert_eq!(replaced(old, &made), new, "{old:?} {made:?}");
            }
        }
    }
}
