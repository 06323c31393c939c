//! One value of a document: what it is, where it stands, what is below it.

use std::borrow::Cow;
use std::fmt;

use crate::document::{Content, Document, NodeData};
use crate::position::{Position, Span};
use crate::scalar::Scalar;
use crate::style::{Kind, ScalarStyle};

/// A value of a document. Aliases are followed: this is what they stand for.
#[derive(Clone, Copy)]
pub struct Node<'d, 't> {
    pub(crate) document: &'d Document<'t>,
    pub(crate) index: u32,
    /// The outermost alias on the way to this node.
    pub(crate) alias: Option<u32>,
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

    /// A child of this node, by its number.
    pub(crate) fn below(&self, child: u32) -> Node<'d, 't> {
        match self.document.node(child).content {
            Content::Alias(target) => {
                Node { document: self.document, index: target, alias: self.alias.or(Some(child)) }
            }
            _ => Node { index: child, ..*self },
        }
    }

    pub(crate) fn data(&self) -> &'d NodeData<'t> {
        self.document.node(self.index)
    }
}

impl<'t> Document<'t> {
    /// The outermost node.
    pub fn root(&self) -> Node<'_, 't> {
        Node { document: self, index: 0, alias: None }
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
