//! Members of block collections: lines come and go.

use podsec_yaml::{Kind, Node, ScalarStyle};
use serde_json::Value;

use super::splice::{Member, Splicer};

impl<'d, 't> Splicer<'_, 'd, 't> {
    /// Removes the members that do not stay, with the comments that explain them, and adds fields.
    pub(super) fn block_members(&mut self, node: Node<'d, 't>, members: &[Member], added: &[(&str, Value)]) {
        let column = node.position().column - 1;
        let new_line = self.style.new_line(column);
        let added: Vec<String> =
            added.iter().map(|(name, value)| self.style.block_entry(name, value, column)).collect();
        let mut removed = members.iter().position(|member| !member.stays);
        if !added.is_empty() {
            if let Some(member) = removed.and_then(|index| members.get(index)) {
                let range = self.explained_block(member);
                self.remove_comments_above(member.start);
                self.forget(range.clone());
                self.push(range, added.join(&new_line));
                removed = removed.map(|index| index + 1);
            } else {
                let end = self.insertion_point(node, column);
                self.push(end..end, added.iter().flat_map(|entry| [&*new_line, entry]).collect());
            }
        }
        let mut index = removed.unwrap_or(members.len());
        while let Some(member) = members.get(index) {
            index += 1;
            if member.stays {
                continue;
            }
            let line_start = self.line_start(member.start);
            if self.text.get(line_start..member.start).is_some_and(|before| before.trim().is_empty()) {
                self.remove_lines(member);
                continue;
            }
            // The line is shared with the dash of the list around: what stays first moves up to it.
            let next = members.iter().enumerate().skip(index).find(|(_, member)| member.stays);
            let Some((next, end)) = next.map(|(next, member)| (next, member.start)) else { return };
            let last = next.checked_sub(1).and_then(|last| members.get(last)).map_or(end, |last| last.end);
            if !self.is_separator(last..end) {
                return;
            }
            index = next;
            // What stands above the next one explains that.
            let own = self.explained_block(member);
            self.forget(own.start..own.end.min(end));
            let comments = self.comment_texts(own.end.min(end)..end);
            let text = comments.iter().flat_map(|comment| [comment, &*new_line]).collect();
            self.push(member.start..end, text);
        }
    }

    fn remove_lines(&mut self, member: &Member) {
        let range = self.comments_above(member.start).start..self.explained_block(member).end;
        self.forget(range.clone());
        let rest = self.text.get(range.end..).unwrap_or("");
        if let Some(newline) = rest.find('\n') {
            // A comment above that explains nothing must not come to explain the line below.
            let text = if self.meets_comment(&range) { self.style.line_end } else { "" };
            self.push(range.start..range.end + newline + 1, text.to_owned());
        } else {
            // The text ends without a line break, and shall go on doing so.
            let before = self.text.get(..range.start).unwrap_or("");
            let kept =
                before.strip_suffix('\n').map_or(before, |line| line.strip_suffix('\r').unwrap_or(line));
            self.push(kept.len()..self.text.len(), String::new());
        }
    }

    /// Where a further field of a mapping goes: behind the line of its last value and the comments below that are
    /// indented deeper, as they belong to the value. Comments in the mapping's own column close it, and stay the last.
    fn insertion_point(&self, node: Node<'d, 't>, column: usize) -> usize {
        let mut end = self.line_end(node.span().end);
        let keeps_blank_lines = ends_in_kept_lines(node, self.text);
        loop {
            let rest = self.text.get(end..).unwrap_or("");
            let Some(newline) = rest.find('\n') else { return end };
            let line_start = end + newline + 1;
            let line_end = self.line_end(line_start);
            let line = self.text.get(line_start..line_end).unwrap_or("");
            let content = line.trim_start_matches(' ');
            let belongs = if content.trim().is_empty() {
                keeps_blank_lines && line_start < self.text.len()
            } else {
                content.starts_with('#') && line.len() - content.len() > column
            };
            if !belongs {
                return end;
            }
            end = line_end;
        }
    }
}

/// Whether the last value is a block scalar of which blank lines at the end are part (`|+`).
fn ends_in_kept_lines(node: Node<'_, '_>, text: &str) -> bool {
    let last = match node.kind() {
        Kind::Mapping(_) => {
            node.entries().into_iter().max_by_key(|entry| entry.key.span().start).map(|entry| entry.value)
        }
        Kind::Sequence(_) => node.items().last(),
        Kind::Scalar(ScalarStyle::Literal | ScalarStyle::Folded) => {
            let header = text.get(node.span().range()).and_then(|scalar| scalar.lines().next());
            return header
                .is_some_and(|header| header.split('#').next().is_some_and(|header| header.contains('+')));
        }
        Kind::Scalar(_) => None,
    };
    last.is_some_and(|last| last.alias().is_none() && ends_in_kept_lines(last, text))
}
