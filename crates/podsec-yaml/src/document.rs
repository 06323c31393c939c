//! One document: its nodes in source order, and what the text holds beside them.

use crate::position::{Position, Span};
use crate::scalar::Scalar;
use crate::style::{CollectionStyle, ScalarStyle};

/// One document of a text, all of which has a JSON form.
#[derive(Debug, PartialEq)]
pub struct Document<'t> {
    pub(crate) text: &'t str,
    pub(crate) span: Span,
    /// In source order: a collection is followed by its children, `NodeData::next` skips them. The root is first.
    pub(crate) nodes: Vec<NodeData<'t>>,
    pub(crate) anchors: Vec<Anchor>,
    pub(crate) tags: Vec<Tag>,
    pub(crate) comments: Vec<Comment>,
    pub(crate) unread: Option<Span>,
}

/// A comment of the source, from `#` to the end of its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Comment {
    /// The bytes of the comment, `#` included, the line end not.
    pub span: Span,
    /// Where it starts.
    pub position: Position,
}

/// A node as it is kept: 64 bytes.
#[derive(Debug, PartialEq)]
pub(crate) struct NodeData<'t> {
    pub(crate) start: u32,
    pub(crate) end: u32,
    pub(crate) line: u32,
    pub(crate) column: u32,
    /// The node after this one and all that is below it.
    pub(crate) next: u32,
    pub(crate) content: Content<'t>,
}

#[derive(Debug, PartialEq)]
pub(crate) enum Content<'t> {
    Scalar {
        value: Scalar<'t>,
        style: ScalarStyle,
        merge: bool,
    },
    Sequence(CollectionStyle),
    /// `plain`: no key is set twice and nothing is merged, so the pairs of the source are the entries.
    Mapping {
        style: CollectionStyle,
        plain: bool,
    },
    /// The node that carries the anchor.
    Alias(u32),
}

#[derive(Debug, PartialEq)]
pub(crate) struct Anchor {
    pub(crate) node: u32,
    pub(crate) span: Span,
}

#[derive(Debug, PartialEq)]
pub(crate) struct Tag {
    pub(crate) node: u32,
    pub(crate) span: Span,
}

impl<'t> Document<'t> {
    /// The whole text this document stands in; all spans count from its start.
    pub fn text(&self) -> &'t str {
        self.text
    }

    /// The bytes of this document, between the separators (a `---` that opens the text included).
    pub fn span(&self) -> Span {
        self.span
    }

    /// The comments between the separators, in source order.
    pub fn comments(&self) -> &[Comment] {
        &self.comments
    }

    /// Bytes that Kubernetes silently never reads: content after a `...` line.
    pub fn unread(&self) -> Option<Span> {
        self.unread
    }

    /// Whether a node carries an anchor (`&name`); without one there is no alias either.
    pub fn has_anchors(&self) -> bool {
        !self.anchors.is_empty()
    }

    /// A node by its number. The parser makes numbers only for nodes that exist.
    #[expect(clippy::indexing_slicing, reason = "node numbers come from the parser that filled the list")]
    pub(crate) fn node(&self, index: u32) -> &NodeData<'t> {
        &self.nodes[index as usize]
    }

    /// Follows an alias to the node that carries the anchor.
    pub(crate) fn resolve(&self, index: u32) -> u32 {
        match self.node(index).content {
            Content::Alias(target) => target,
            _ => index,
        }
    }

    /// The numbers of the direct children.
    pub(crate) fn children(&self, index: u32) -> impl Iterator<Item = u32> + '_ {
        let end = self.node(index).next;
        let first = Some(index + 1).filter(|first| *first < end);
        std::iter::successors(first, move |child| Some(self.node(*child).next).filter(|next| *next < end))
    }

    /// The pairs of a mapping as they stand in the source: key, value.
    pub(crate) fn pairs(&self, index: u32) -> impl Iterator<Item = (u32, u32)> + '_ {
        let mut children = self.children(index);
        std::iter::from_fn(move || Some((children.next()?, children.next()?)))
    }

    pub(crate) fn is_merge_key(&self, index: u32) -> bool {
        matches!(self.node(index).content, Content::Scalar { merge: true, .. })
    }

    /// The text of a key, an alias resolved. The parser lets only such keys pass that have one.
    pub(crate) fn key(&self, index: u32) -> std::borrow::Cow<'_, str> {
        match &self.node(self.resolve(index)).content {
            Content::Scalar { value, .. } => value.as_key().unwrap_or_default(),
            _ => std::borrow::Cow::Borrowed(""),
        }
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
