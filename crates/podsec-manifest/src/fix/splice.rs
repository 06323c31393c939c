//! From the tree that a document has and the tree that it shall have to replacements of bytes in its text.
//!
//! The two trees are walked side by side, as far as the second was opened. Where they agree no byte is touched. What may
//! go wrong in odd texts (tags, keys set twice, nested dashes) is not guessed at: whoever splices reads the result again
//! and compares the trees.

use std::collections::HashMap;
use std::ops::Range;

use podsec_yaml::{CollectionStyle, Document, Entry, Kind, Node, ScalarStyle};
use serde_json::Value;

use super::excerpt::Excerpt;
use super::style::Style;
use super::tree::{Fields, Tree};

/// Bytes of the text that are replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Splice {
    pub(super) range: Range<usize>,
    pub(super) text: String,
}

/// The replacements that turn the document into one with the tree `intended`, and the comments that go with what they
/// remove.
pub(super) fn splices<'d, 't>(
    Excerpt { document, span }: Excerpt<'d, 't>,
    style: Style,
    intended: &Tree<'d, 't>,
) -> (Vec<Splice>, Vec<String>) {
    let text = document.text().get(..span.end).unwrap_or("");
    let mut splicer = Splicer {
        text,
        start: span.start,
        document,
        style,
        anchored: HashMap::new(),
        splices: Vec::new(),
        forgotten: Vec::new(),
    };
    splicer.note_anchors(document.root(), intended);
    splicer.reconcile(Slot::Root, document.root(), intended);
    let mut forgotten = splicer.forgotten;
    forgotten.sort_unstable_by_key(|comment| comment.start);
    forgotten.dedup();
    let texts = forgotten.into_iter().filter_map(|comment| text.get(comment));
    (splicer.splices, texts.map(|text| text.trim_end().to_owned()).collect())
}

/// The text of a document with its bytes replaced; nothing when two replacements touch the same bytes.
pub(super) fn spliced(
    Excerpt { document, span }: Excerpt<'_, '_>,
    mut splices: Vec<Splice>,
) -> Option<String> {
    // An insertion where a removal starts stands before it.
    splices.sort_by_key(|splice| (splice.range.start, splice.range.end));
    let text = document.text();
    let mut result = String::with_capacity(span.end - span.start + 256);
    let mut copied = span.start;
    for Splice { range, text: replacement } in splices {
        result.push_str(text.get(copied..range.start)?);
        result.push_str(&replacement);
        copied = range.end;
    }
    result.push_str(text.get(copied..span.end)?);
    Some(result)
}

pub(super) struct Splicer<'s, 'd, 't> {
    /// Up to the end of the document.
    pub(super) text: &'s str,
    /// Where the document starts in it.
    pub(super) start: usize,
    document: &'d Document<'t>,
    pub(super) style: Style,
    /// What the nodes with anchors become, by their first byte; aliases follow them.
    anchored: HashMap<usize, &'s Tree<'d, 't>>,
    splices: Vec<Splice>,
    /// The comments that go with what is removed.
    pub(super) forgotten: Vec<Range<usize>>,
}

/// What a value belongs to.
#[derive(Clone, Copy)]
pub(super) enum Slot<'e, 'd, 't> {
    Root,
    /// The field of a mapping.
    Field(&'e Entry<'d, 't>, CollectionStyle),
    /// The item of a list.
    Item(CollectionStyle),
}

/// A field of a mapping or an item of a list, in the text.
pub(super) struct Member {
    /// Where the key or, in a block, the dash starts.
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) stays: bool,
}

impl<'s, 'd, 't> Splicer<'s, 'd, 't> {
    fn note_anchors(&mut self, node: Node<'d, 't>, intended: &'s Tree<'d, 't>) {
        if node.alias().is_some() {
            return;
        }
        if node.anchor().is_some() {
            self.anchored.insert(node.span().start, intended);
        }
        match intended {
            Tree::Object(fields) => {
                for entry in node.entries().iter().filter(|entry| entry.merged.is_none()) {
                    if let Some(field) = fields.change(&entry.name) {
                        self.note_anchors(entry.value, field);
                    }
                }
            }
            Tree::List(items) => {
                let nodes: Vec<_> = node.items().collect();
                if nodes.len() == items.len() {
                    nodes.iter().zip(items).for_each(|(node, item)| self.note_anchors(*node, item));
                }
            }
            Tree::Kept(_) | Tree::Scalar(_) => {}
        }
    }

    /// Makes a value what it shall be.
    pub(super) fn reconcile(
        &mut self,
        slot: Slot<'_, 'd, 't>,
        node: Node<'d, 't>,
        intended: &'s Tree<'d, 't>,
    ) {
        if node.alias().is_some() {
            let follows = match self.anchored.get(&node.span().start) {
                Some(anchored) => anchored.to_json() == intended.to_json(),
                None => false,
            };
            if !follows {
                self.replace(slot, node, &intended.to_json());
            }
            return;
        }
        match (node.kind(), intended) {
            (Kind::Mapping(style), Tree::Object(fields)) => {
                let entries = own_entries(node);
                if entries.is_empty() && !fields.is_empty() && node.entries().is_empty() {
                    self.fill_empty(slot, node, style, &intended.to_json());
                } else if fields.is_empty() && !entries.is_empty() {
                    self.replace(slot, node, &intended.to_json());
                } else {
                    self.mapping(node, style, &entries, fields);
                }
            }
            (Kind::Sequence(style), Tree::List(intended_items)) => {
                let items: Vec<_> = node.items().collect();
                let matched = matched(&items, intended_items);
                match matched {
                    Some(matched) if !intended_items.is_empty() || items.is_empty() => {
                        self.sequence(node, style, &items, &matched);
                    }
                    _ => self.replace(slot, node, &intended.to_json()),
                }
            }
            _ if intended.is(node) => {}
            _ => self.replace(slot, node, &intended.to_json()),
        }
    }

    fn mapping(
        &mut self,
        node: Node<'d, 't>,
        style: CollectionStyle,
        entries: &[Entry<'d, 't>],
        fields: &'s Fields<'d, 't>,
    ) {
        let members: Vec<Member> = entries
            .iter()
            .map(|entry| Member {
                start: entry.key.span().start,
                end: value_end(entry.value).max(entry.key.span().end),
                stays: !fields.removes(&entry.name),
            })
            .collect();
        for entry in entries {
            if let Some(field) = fields.change(&entry.name) {
                self.reconcile(Slot::Field(entry, style), entry.value, field);
            }
        }
        let inherited = node.entries();
        let added: Vec<(&str, Value)> = fields
            .changed()
            .filter(|(name, value)| {
                inherited
                    .iter()
                    .find(|entry| entry.name == **name)
                    .is_none_or(|entry| entry.merged.is_some() && !value.is(entry.value))
            })
            .map(|(name, value)| (name, value.to_json()))
            .collect();
        match style {
            CollectionStyle::Block => self.block_members(node, &members, &added),
            CollectionStyle::Flow => self.flow_members(node, &members, &added),
        }
    }

    /// The items that stay, each with what it becomes; the others go.
    fn sequence(
        &mut self,
        node: Node<'d, 't>,
        style: CollectionStyle,
        items: &[Node<'d, 't>],
        matched: &[Option<&'s Tree<'d, 't>>],
    ) {
        for (item, intended) in items.iter().zip(matched) {
            if let Some(intended) = intended {
                self.reconcile(Slot::Item(style), *item, intended);
            }
        }
        let mut previous_end = node.span().start;
        let mut members = Vec::with_capacity(items.len());
        for (item, intended) in items.iter().zip(matched) {
            let own = own_span(*item);
            let start = match style {
                CollectionStyle::Flow => own.start,
                CollectionStyle::Block => self.dash(previous_end, own.start, members.is_empty()),
            };
            previous_end = own.end;
            members.push(Member { start, end: own.end, stays: intended.is_some() });
        }
        match style {
            CollectionStyle::Block => self.block_members(node, &members, &[]),
            CollectionStyle::Flow => self.flow_members(node, &members, &[]),
        }
    }

    /// The dash of an item that starts at `item`; the first stands where the list starts.
    fn dash(&self, previous_end: usize, item: usize, first: bool) -> usize {
        if first {
            return previous_end;
        }
        let mut offset = previous_end;
        for line in self.text.get(previous_end..item).unwrap_or("").split_inclusive('\n') {
            let content = line.trim_start();
            if content.starts_with('-') {
                return offset + line.len() - content.len();
            }
            offset += line.len();
        }
        item
    }

    /// Puts a value in the place of another.
    pub(super) fn replace(&mut self, slot: Slot<'_, 'd, 't>, node: Node<'d, 't>, intended: &Value) {
        let own = own_span(node);
        let (style, key) = match slot {
            Slot::Root => (CollectionStyle::Flow, None),
            Slot::Field(entry, style) => (style, Some(entry.key)),
            Slot::Item(style) => (style, None),
        };
        // A value that only loses members is still explained by what stands above it, and an empty one that is filled
        // by what stands behind it too.
        let is_filled = is_empty(node) && is_filled_collection(intended);
        if !is_filled && !is_empty_collection(intended) {
            self.remove_comments_above(key.map_or(own.start, |key| key.span().start));
        }
        let was_flow = node.alias().is_none()
            && matches!(
                node.kind(),
                Kind::Sequence(CollectionStyle::Flow) | Kind::Mapping(CollectionStyle::Flow)
            );
        let block = style == CollectionStyle::Block && !was_flow && is_filled_collection(intended);
        if block {
            self.replace_by_block(key, node, intended);
            return;
        }
        let text = match (node.kind(), intended) {
            (Kind::Scalar(ScalarStyle::DoubleQuoted), Value::String(_)) => intended.to_string(),
            (Kind::Scalar(ScalarStyle::SingleQuoted), Value::String(text)) if !text.contains('\'') => {
                format!("'{text}'")
            }
            _ => self.style.flow(intended),
        };
        let on_one_line = key.is_none_or(|key| self.is_one_line(key.span().end..own.start));
        let range = if on_one_line && own.start < own.end {
            self.push(own.clone(), text);
            own.clone()
        } else {
            let start = self.back_over_blanks(own.start, key.map_or(0, |key| key.span().end));
            self.push(start..own.end, format!(" {text}"));
            start..own.end
        };
        if is_filled {
            self.keep_comments(key.map_or(own.start, |key| key.span().start), range);
        } else {
            self.forget(range);
            self.remove_comment_behind(own.end);
        }
    }

    /// An object without members gets some: in lines of their own where the text around it is so written.
    fn fill_empty(
        &mut self,
        slot: Slot<'_, 'd, 't>,
        node: Node<'d, 't>,
        style: CollectionStyle,
        intended: &Value,
    ) {
        let in_block =
            matches!(slot, Slot::Field(_, CollectionStyle::Block) | Slot::Item(CollectionStyle::Block));
        let key = match slot {
            Slot::Field(entry, _) => Some(entry.key),
            _ => None,
        };
        if in_block && self.comments_in(own_span(node)).is_empty() {
            self.replace_by_block(key, node, intended);
        } else if style == CollectionStyle::Flow
            && let Value::Object(fields) = intended
        {
            self.fill_flow(node, fields);
        }
    }

    /// Puts a collection in lines of its own in the place of a value of a block collection.
    fn replace_by_block(&mut self, key: Option<Node<'d, 't>>, node: Node<'d, 't>, intended: &Value) {
        let own = own_span(node);
        let is_filled = is_empty(node);
        let Some(key) = key else {
            let column = self.column(own.start);
            self.forget(own.clone());
            if !is_filled {
                self.remove_comment_behind(own.end);
            }
            let lead = if own.is_empty() { " " } else { "" };
            let text = self.style.block_item(intended, column + lead.len());
            self.push(own, format!("{lead}{text}"));
            return;
        };
        let start = self.back_over_blanks(own.start, key.span().end);
        let column = key.position().column - 1;
        // What is written behind a comment of the value's last line would be part of the comment.
        let comment = self.comment_behind(own.end);
        let end = comment.clone().map_or(own.end, |comment| comment.end);
        let mut text = String::new();
        if let Some(comment) = comment.filter(|_| is_filled) {
            text = format!(" {}", self.text.get(comment).unwrap_or(""));
        }
        // The key itself is written, its value follows as it would follow any key.
        let entry = self.style.block_entry("k", intended, column);
        text.push_str(entry.strip_prefix("k:").unwrap_or(&entry));
        if is_filled {
            self.keep_comments(key.span().start, start..own.end);
        } else {
            self.forget(start..end);
        }
        self.push(start..end, text);
    }

    pub(super) fn push(&mut self, range: Range<usize>, text: String) {
        self.splices.push(Splice { range, text });
    }

    /// The comments in a range, as ranges.
    pub(super) fn comments_in(&self, range: Range<usize>) -> Vec<Range<usize>> {
        let comments = self.document.comments();
        let first = comments.partition_point(|comment| comment.span.start < range.start);
        let inside = comments.iter().skip(first).take_while(|comment| comment.span.end <= range.end);
        inside.map(|comment| comment.span.range()).collect()
    }

    /// Comments that are about to go, each as its text.
    pub(super) fn comment_texts(&self, range: Range<usize>) -> Vec<String> {
        let texts = self.comments_in(range).into_iter().filter_map(|comment| self.text.get(comment));
        texts.map(|text| text.trim_end().to_owned()).collect()
    }

    /// The comment that follows on the line, if nothing else does.
    pub(super) fn comment_behind(&self, offset: usize) -> Option<Range<usize>> {
        let comment = self.comments_in(offset..self.line_end(offset)).into_iter().next()?;
        self.text.get(offset..comment.start)?.trim().is_empty().then_some(comment)
    }

    /// Puts the comments of an empty value that is filled into lines before `key`, whose field they explain still.
    fn keep_comments(&mut self, key: usize, range: Range<usize>) {
        let comments = self.comment_texts(range);
        if !comments.is_empty() {
            let new_line = self.style.new_line(self.column(key));
            self.push(key..key, comments.iter().flat_map(|comment| [comment, &*new_line]).collect());
        }
    }

    /// The end of the line that `offset` is in, without its line break.
    pub(super) fn line_end(&self, offset: usize) -> usize {
        let rest = self.text.get(offset..).unwrap_or("");
        match rest.find('\n') {
            Some(length) if rest.get(..length).is_some_and(|line| line.ends_with('\r')) => {
                offset + length - 1
            }
            Some(length) => offset + length,
            None => self.text.len(),
        }
    }

    pub(super) fn line_start(&self, offset: usize) -> usize {
        self.text.get(..offset).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1)
    }

    /// How many characters of its line stand before `offset`.
    pub(super) fn column(&self, offset: usize) -> usize {
        self.text.get(self.line_start(offset)..offset).map_or(0, |before| before.chars().count())
    }

    fn is_one_line(&self, range: Range<usize>) -> bool {
        self.text.get(range).is_some_and(|between| !between.contains('\n'))
    }

    /// Whether nothing but blanks, commas and comments stands between two members: no tag, no anchor, and no field that
    /// a later one of the same name hides.
    pub(super) fn is_separator(&self, between: Range<usize>) -> bool {
        let mut start = between.start;
        let mut comments = self.comments_in(between.clone());
        comments.push(between.end..between.end);
        comments.into_iter().all(|comment| {
            let text = self.text.get(start..comment.start).unwrap_or("x");
            start = comment.end;
            text.chars().all(|character| character.is_whitespace() || character == ',')
        })
    }

    /// The end of what stands before `offset`, blanks, line ends and comments left aside.
    fn back_over_blanks(&self, offset: usize, lower_bound: usize) -> usize {
        let comments = self.comments_in(lower_bound..offset);
        let mut end = offset;
        let mut comments = comments.into_iter().rev();
        loop {
            let before = self.text.get(lower_bound..end).unwrap_or("");
            end = lower_bound + before.trim_end().len();
            match comments.next() {
                Some(comment) if comment.end >= end => end = comment.start,
                _ => return end,
            }
        }
    }
}

/// The fields that stand in the mapping itself, in the order of the text.
fn own_entries<'d, 't>(node: Node<'d, 't>) -> Vec<Entry<'d, 't>> {
    let mut entries = node.entries();
    entries.retain(|entry| entry.merged.is_none());
    entries.sort_by_key(|entry| entry.key.span().start);
    entries
}

/// The bytes of a value where it stands: those of the alias when it is one.
fn own_span(node: Node<'_, '_>) -> Range<usize> {
    node.alias().unwrap_or_else(|| node.span()).range()
}

fn value_end(node: Node<'_, '_>) -> usize {
    own_span(node).end
}

/// Whether there is nothing in a value that could be replaced: it is missing, null, or a collection without members.
fn is_empty(node: Node<'_, '_>) -> bool {
    node.alias().is_none()
        && match node.kind() {
            Kind::Mapping(_) => node.entries().is_empty(),
            Kind::Sequence(_) => node.items().next().is_none(),
            Kind::Scalar(_) => node.is_null(),
        }
}

fn is_empty_collection(value: &Value) -> bool {
    matches!(value, Value::Object(_) | Value::Array(_)) && !is_filled_collection(value)
}

fn is_filled_collection(value: &Value) -> bool {
    match value {
        Value::Object(fields) => !fields.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    }
}

/// What each item of a list becomes: one after the other when none goes, else those that stay are found again.
fn matched<'s, 'd, 't>(
    items: &[Node<'d, 't>],
    intended: &'s [Tree<'d, 't>],
) -> Option<Vec<Option<&'s Tree<'d, 't>>>> {
    if items.len() == intended.len() {
        return Some(intended.iter().map(Some).collect());
    }
    let mut rest = intended.iter().peekable();
    let matched = items.iter().map(|item| rest.next_if(|wanted| wanted.is(*item))).collect();
    rest.next().is_none().then_some(matched)
}
