//! Members of flow collections and of JSON: in one line, or over several as their neighbours are.

use podsec_yaml::Node;
use serde_json::{Map, Value};

use super::splice::{Member, Splicer};

impl<'d, 't> Splicer<'_, 'd, 't> {
    /// Removes the members that do not stay and adds fields.
    pub(super) fn flow_members(&mut self, node: Node<'d, 't>, members: &[Member], added: &[(&str, Value)]) {
        let lines = self.lines(node, members);
        let added: Vec<String> = added
            .iter()
            .map(|(name, value)| match &lines {
                Some(Lines { indent, unit }) if self.style.json => {
                    self.style.pretty_entry(name, value, indent, unit)
                }
                _ => self.style.flow_entry(name, value),
            })
            .collect();
        let separator = match &lines {
            Some(Lines { indent, .. }) => [",", self.style.line_end, indent].concat(),
            None if self.style.spaced => ", ".to_owned(),
            None => ",".to_owned(),
        };
        let replaced = members.iter().position(|member| !member.stays).filter(|_| !added.is_empty());
        match replaced.and_then(|index| members.get(index)) {
            Some(member) => self.replace_flow(member, &added, &separator),
            None if added.is_empty() => {}
            None => self.append_flow(members, &added, &separator, lines.as_ref()),
        }
        self.remove_comments_around(members, replaced);
        self.remove_flow(members, replaced, lines.as_ref());
    }

    /// Gives members to an object that has none.
    pub(super) fn fill_flow(&mut self, node: Node<'d, 't>, fields: &Map<String, Value>) {
        let open = node.span().start + 1;
        let line = self.text.get(self.line_start(open)..open).unwrap_or("");
        let indent: String = line.chars().take_while(|character| character.is_whitespace()).collect();
        // The object's own line is indented by what one or more levels take.
        let begins_line = line.trim_start().starts_with('"') && !indent.is_empty();
        let text = if self.style.json && begins_line {
            let unit = if indent.starts_with('\t') { "\t" } else { self.json_unit() };
            let below = [&indent, unit].concat();
            let new_line = [self.style.line_end, &below].concat();
            let entries =
                fields.iter().map(|(name, value)| self.style.pretty_entry(name, value, &below, unit));
            let entries = entries.collect::<Vec<_>>().join(&[",", &new_line].concat());
            format!("{new_line}{entries}{}{indent}", self.style.line_end)
        } else {
            let entries: Vec<_> =
                fields.iter().map(|(name, value)| self.style.flow_entry(name, value)).collect();
            entries.join(if self.style.spaced { ", " } else { "," })
        };
        let end = node.span().end.saturating_sub(1).max(open);
        let blank = self.text.get(open..end).is_some_and(|inside| inside.trim().is_empty());
        self.push(open..if blank { end } else { open }, text);
    }

    fn replace_flow(&mut self, member: &Member, added: &[String], separator: &str) {
        self.forget(member.start..member.end);
        self.push(member.start..member.end, added.join(separator));
    }

    /// Adds members behind the last one; before the first where a comment behind the last would come to explain them.
    fn append_flow(&mut self, members: &[Member], added: &[String], separator: &str, lines: Option<&Lines>) {
        let (Some(first), Some(last)) = (members.first(), members.last()) else { return };
        let joined = added.join(separator);
        let after_comma = self.after_comma(last.end);
        match self.comment_behind(after_comma) {
            Some(_) if lines.is_none() => self.push(first.start..first.start, format!("{joined}{separator}")),
            Some(comment) => {
                let lead = separator.trim_start_matches(',');
                let has_comma = after_comma > last.end;
                if !has_comma {
                    self.push(last.end..last.end, ",".to_owned());
                }
                let comma = if has_comma { "," } else { "" };
                self.push(comment.end..comment.end, format!("{lead}{joined}{comma}"));
            }
            None => match self.comma_behind(last.end) {
                // A comma after the last member is allowed in YAML, and stays last.
                Some(comma) => {
                    let lead = separator.trim_start_matches(',');
                    self.push(comma + 1..comma + 1, format!("{lead}{joined},"));
                }
                None => self.push(last.end..last.end, format!("{separator}{joined}")),
            },
        }
    }

    /// Takes out the comments above and behind members that go or are replaced, unless they are in bytes that go anyway.
    fn remove_comments_around(&mut self, members: &[Member], replaced: Option<usize>) {
        let first_staying =
            members.iter().enumerate().position(|(index, member)| member.stays || replaced == Some(index));
        for (index, member) in members.iter().enumerate().filter(|(_, member)| !member.stays) {
            let is_replaced = replaced == Some(index);
            let has_staying_before = first_staying.is_some_and(|first| first < index);
            let next_goes =
                members.get(index + 1).is_some_and(|next| !next.stays && replaced != Some(index + 1));
            if is_replaced || !has_staying_before {
                self.remove_comments_above(member.start);
            }
            // What goes next takes the bytes between with it.
            if !next_goes && (is_replaced || has_staying_before || index + 1 == members.len()) {
                self.remove_comment_behind(member.end);
            }
        }
    }

    fn remove_flow(&mut self, members: &[Member], replaced: Option<usize>, lines: Option<&Lines>) {
        let stays = |index: usize, member: &Member| member.stays || replaced == Some(index);
        let first_staying = members.iter().enumerate().position(|(index, member)| stays(index, member));
        for (index, member) in members.iter().enumerate().filter(|(index, member)| !stays(*index, member)) {
            let before = index.checked_sub(1).and_then(|before| members.get(before));
            let (range, between) = match (before, members.get(index + 1)) {
                (Some(before), _) if first_staying.is_some_and(|first| first < index) => {
                    (before.end..member.end, before.end..member.start)
                }
                (_, Some(next)) => (member.start..next.start, member.end..next.start),
                _ => (member.start..member.end, member.end..member.end),
            };
            if !self.is_separator(between.clone()) {
                return;
            }
            // Comments that explain neighbours that stay: behind the one before, in lines above the next.
            if between.end == member.start && before.is_some_and(|before| before.stays) {
                let line_end = self.line_end(range.start).min(member.start);
                let comments = self.comment_texts(range.start..line_end);
                self.forget(line_end..range.end);
                let indent = lines.map_or("", |lines| lines.indent.as_str());
                let new_line = [self.style.line_end, indent].concat();
                let text = comments.iter().flat_map(|comment| [" ", comment, &*new_line]).collect();
                self.push(range, text);
                continue;
            }
            let line_end = self.line_end(member.end).min(range.end);
            let next_stays = members.get(index + 1).is_some_and(|next| next.stays);
            if next_stays && !self.comments_in(line_end..range.end).is_empty() {
                let start =
                    if self.begins_line(range.start) { self.line_start(range.start) } else { range.start };
                let line_break = if start < range.start { self.style.line_end.len() } else { 0 };
                self.forget(start..line_end);
                self.push(start..line_end + line_break, String::new());
            } else {
                self.forget(range.clone());
                self.push(range, String::new());
            }
        }
    }

    /// The comma behind a member, blanks and comments between.
    fn comma_behind(&self, end: usize) -> Option<usize> {
        let mut offset = end;
        loop {
            let rest = self.text.get(offset..)?;
            let next = offset + rest.len() - rest.trim_start().len();
            match self.text.get(next..)?.chars().next()? {
                ',' => return Some(next),
                '#' => offset = self.line_end(next),
                _ => return None,
            }
        }
    }

    /// How the members stand in lines of their own, if they do.
    fn lines(&self, node: Node<'d, 't>, members: &[Member]) -> Option<Lines> {
        let (first, last) = (members.first()?, members.last()?);
        if !self.text.get(node.span().start..first.start)?.contains('\n') {
            return None;
        }
        let blanks = |offset: usize| {
            let line = self.text.get(self.line_start(offset)..).unwrap_or("");
            line.chars().take_while(|character| matches!(character, ' ' | '\t')).collect::<String>()
        };
        let indent = blanks(last.start);
        let unit = indent.strip_prefix(&blanks(node.span().start)).unwrap_or("  ").to_owned();
        Some(Lines { indent, unit })
    }

    /// The indentation of the first line that has one.
    fn json_unit(&self) -> &'static str {
        let text = self.text.get(self.start..).unwrap_or("");
        let indented = text.lines().find(|line| line.starts_with(' ')).unwrap_or("  ");
        match indented.len() - indented.trim_start().len() {
            0..3 => "  ",
            3 => "   ",
            _ => "    ",
        }
    }
}

/// The indentation of members in lines of their own, and how much of it is theirs.
struct Lines {
    indent: String,
    unit: String,
}
