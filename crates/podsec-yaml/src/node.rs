//! One value of a document: what it is, where it stands, what is below it.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use crate::document::{Content, Document, NodeData};
use crate::{Scalar, expansion};

/// A value of a document. Aliases are followed: this is what they stand for.
#[derive(Clone, Copy)]
pub struct Node<'d, 't> {
    pub(crate) document: &'d Document<'t>,
    pub(crate) index: u32,
    /// The outermost alias on the way to this node.
    pub(crate) alias: Option<u32>,
}

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A string, number, boolean or null.
    Scalar(ScalarStyle),
    /// A list.
    Sequence(CollectionStyle),
    /// An object.
    Mapping(CollectionStyle),
}

/// How a scalar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScalarStyle {
    /// Without quotes; an absent value too.
    Plain,
    /// In `'`.
    SingleQuoted,
    /// In `"`.
    DoubleQuoted,
    /// After `|`.
    Literal,
    /// After `>`.
    Folded,
}

/// How a list or an object is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CollectionStyle {
    /// By indentation.
    Block,
    /// In brackets, as JSON is.
    Flow,
}

/// A range of bytes of the whole text, on character boundaries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
}

/// A place in the whole text. Displays as `line:column`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
}

/// One field of an object.
#[derive(Clone)]
pub struct Entry<'d, 't> {
    /// The field's name in JSON; keys that are no strings are spelled as Kubernetes does.
    pub name: Cow<'d, str>,
    /// The key in the source.
    pub key: Node<'d, 't>,
    /// The value.
    pub value: Node<'d, 't>,
    /// The `<<` key that brought this field in, when it does not stand in the object itself.
    pub merged: Option<Node<'d, 't>>,
}

impl<'d, 't> Node<'d, 't> {
    /// What this is.
    pub fn kind(&self) -> Kind {
        match self.data().content {
            Content::Scalar { style, .. } => Kind::Scalar(style),
            Content::Sequence(style) => Kind::Sequence(style),
            Content::Mapping { style, .. } => Kind::Mapping(style),
            // A target is never an alias itself: an alias cannot carry an anchor.
            Content::Alias(_) => Kind::Scalar(ScalarStyle::Plain),
        }
    }

    /// The bytes of this node, without tag, anchor and comments. Below an alias these are the bytes at the anchor.
    ///
    /// A block collection goes from its first key or `-` to the end of its last value; a block scalar from `|` or
    /// `>` to the end of its last line. An absent value (`key:`) is empty and stands after the `:` or `-`.
    pub fn span(&self) -> Span {
        self.data().span()
    }

    /// Where [`Node::span`] starts.
    pub fn position(&self) -> Position {
        self.data().position()
    }

    /// The outermost alias (`*name`) on the way from the root to this node: an edit of the node's own bytes
    /// changes every other place that uses the anchor too.
    pub fn alias(&self) -> Option<Span> {
        self.alias.map(|alias| self.document.node(alias).span())
    }

    /// Where [`Node::alias`] starts.
    pub fn alias_position(&self) -> Option<Position> {
        self.alias.map(|alias| self.document.node(alias).position())
    }

    /// The anchor (`&name`) this node carries.
    pub fn anchor(&self) -> Option<Span> {
        let anchors = &self.document.anchors;
        let found = anchors.iter().find(|anchor| anchor.node == self.index)?;
        Some(found.span)
    }

    /// The tag (`!!str`) this node carries.
    pub fn tag(&self) -> Option<Span> {
        let tags = &self.document.tags;
        let found = tags.binary_search_by_key(&self.index, |tag| tag.node).ok()?;
        tags.get(found).map(|tag| tag.span)
    }

    /// The value of a scalar.
    pub fn scalar(&self) -> Option<&'d Scalar<'t>> {
        match &self.data().content {
            Content::Scalar { value, .. } => Some(value),
            _ => None,
        }
    }

    /// The value of a string.
    pub fn as_str(&self) -> Option<&'d str> {
        match self.scalar()? {
            Scalar::String(text) => Some(text),
            _ => None,
        }
    }

    /// Whether this is `null`; for Kubernetes the same as if the field were absent.
    pub fn is_null(&self) -> bool {
        self.scalar() == Some(&Scalar::Null)
    }

    /// The items of a list; nothing for anything else.
    pub fn items(&self) -> impl Iterator<Item = Node<'d, 't>> + use<'d, 't> {
        let node = *self;
        let children = matches!(self.kind(), Kind::Sequence(_)).then(|| node.document.children(node.index));
        children.into_iter().flatten().map(move |child| node.below(child))
    }

    /// The fields of an object, merges applied, the last of equal keys only; nothing for anything else.
    pub fn entries(&self) -> Vec<Entry<'d, 't>> {
        match self.data().content {
            Content::Mapping { .. } => expansion::entries(*self),
            _ => Vec::new(),
        }
    }

    /// Hands out what [`Node::entries`] lists, mostly without making a list of it.
    pub fn each_entry(&self, mut each: impl FnMut(Entry<'d, 't>)) {
        match self.data().content {
            Content::Mapping { plain: true, .. } => {
                let pairs = self.document.pairs(self.index);
                pairs.for_each(|(key, value)| each(expansion::entry(*self, key, value)));
            }
            _ => self.entries().into_iter().for_each(each),
        }
    }

    /// The value of the field `name` of an object, merges applied.
    pub fn get(&self, name: &str) -> Option<Node<'d, 't>> {
        match self.data().content {
            Content::Mapping { plain: true, .. } => {
                let (_, value) =
                    self.document.pairs(self.index).find(|(key, _)| self.document.key(*key) == name)?;
                Some(self.below(value))
            }
            Content::Mapping { .. } => expansion::entries(*self)
                .into_iter()
                .find(|entry| entry.name == name)
                .map(|entry| entry.value),
            _ => None,
        }
    }

    /// This node as JSON.
    pub fn to_json(&self) -> serde_json::Value {
        crate::json::value(*self)
    }

    /// Appends this node as compact JSON text, fields in source order.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        crate::json::write(*self, out);
    }

    /// Whether another node, of this document or another one, has the same JSON; the order of fields aside.
    pub fn is_same_json(&self, other: Node<'_, '_>) -> bool {
        crate::json::same(*self, other)
    }

    /// A child of this node, by its number.
    pub(crate) fn below(&self, child: u32) -> Node<'d, 't> {
        match self.document.node(child).content {
            Content::Alias(target) => {
                Node { document: self.document, index: target, alias: self.alias.or(Some(child)) }
            }
            _ => Node { index: child, ..*self },
        }
    }

    fn data(&self) -> &'d NodeData<'t> {
        self.document.node(self.index)
    }
}

impl fmt::Debug for Node<'_, '_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Node")
            .field("kind", &self.kind())
            .field("position", &self.position())
            .finish()
    }
}

impl Span {
    /// For slicing the text.
    pub fn range(self) -> Range<usize> {
        self.start..self.end
    }

    /// Whether there are no bytes.
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }
}

impl Position {
    /// The place of a byte of `text`. Past the end it is the end.
    pub fn of(text: &str, offset: usize) -> Self {
        let before = text.get(..text.floor_char_boundary(offset)).unwrap_or(text);
        Self { line: line_breaks(before) + 1, column: column_behind(before) }
    }

    /// The place behind a text that starts here.
    pub(crate) fn behind(self, text: &str) -> Self {
        match line_breaks(text) {
            0 => Self { line: self.line, column: self.column + text.chars().count() },
            lines => Self { line: self.line + lines, column: column_behind(text) },
        }
    }

    /// The place of a byte at most a few lines before `known`, without counting from the start of the text.
    pub(crate) fn of_near(text: &str, known: Position, known_offset: usize, offset: usize) -> Self {
        let between = text.get(offset..known_offset).unwrap_or("");
        let before = text.get(..offset).unwrap_or("");
        let line = known.line.saturating_sub(line_breaks(between)).max(1);
        Self { line, column: column_behind(before) }
    }
}

/// How many lines end in a text. YAML ends a line at a lone carriage return, too.
pub fn line_breaks(text: &str) -> usize {
    let bytes = text.as_bytes();
    let is_lone = |at: &usize| bytes.get(at + 1) != Some(&b'\n');
    memchr::memchr_iter(b'\n', bytes).count() + memchr::memchr_iter(b'\r', bytes).filter(is_lone).count()
}

/// The column of what follows a text.
fn column_behind(before: &str) -> usize {
    let line_start = before.rfind(['\n', '\r']).map_or(0, |end| end + 1);
    before.get(line_start..).unwrap_or("").chars().count() + 1
}

impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.line, self.column)
    }
}

impl NodeData<'_> {
    pub(crate) fn span(&self) -> Span {
        Span { start: self.start as usize, end: self.end as usize }
    }

    pub(crate) fn position(&self) -> Position {
        Position { line: self.line as usize, column: self.column as usize }
    }
}
