//! Where a reading stands, and the nodes that it has made.

use super::keys::Keys;
use crate::Comment;
use crate::document::{Content, NodeData};
use crate::parse::source::Source;
use crate::scalar::Scalar;
use crate::style::ScalarStyle;

pub(super) struct Reader<'t> {
    /// Up to the end of the document.
    pub(super) text: &'t str,
    pub(super) source: Source,
    /// Whether the document is ASCII, so that its columns are bytes.
    pub(super) ascii: bool,
    /// The byte that is read next.
    pub(super) at: usize,
    pub(super) line: u32,
    pub(super) line_start: usize,
    /// Up to where characters of several bytes are counted, and how many bytes they have more than one.
    pub(super) counted: usize,
    pub(super) continuations: usize,
    /// Between nodes: the blanks before the next line that has content, at which `at` stands; none at the end.
    pub(super) column: Option<usize>,
    pub(super) depth: usize,
    pub(super) nodes: Vec<NodeData<'t>>,
    pub(super) keys: Keys,
    pub(super) comments: Vec<Comment>,
    /// Where scalars of several lines are put together.
    pub(super) folded: String,
}

/// Where a node starts.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    pub(super) start: usize,
    pub(super) line: u32,
    pub(super) column: u32,
}

impl<'t> Reader<'t> {
    /// Adds a scalar that ends before the byte `end`.
    pub(super) fn scalar(&mut self, value: Scalar<'t>, style: ScalarStyle, mark: Mark, end: usize) {
        let content = Content::Scalar { value, style, merge: false };
        self.add(content, mark, end);
    }

    /// Adds a node that has no children so far, and says its number.
    pub(super) fn add(&mut self, content: Content<'t>, mark: Mark, end: usize) -> u32 {
        let node = number(self.nodes.len());
        self.nodes.push(NodeData {
            start: number(mark.start),
            end: number(end),
            line: mark.line,
            column: mark.column,
            next: node + 1,
            content,
        });
        node
    }

    /// Closes a collection that ends before the byte `end`.
    pub(super) fn close(&mut self, node: u32, end: u32) {
        let next = number(self.nodes.len());
        if let Some(node) = self.nodes.get_mut(node as usize) {
            node.next = next;
            node.end = end;
        }
    }

    /// One level deeper, as long as the stack surely bears it.
    pub(super) fn descend(&mut self) -> Option<()> {
        self.depth += 1;
        (self.depth <= MAX_DEPTH).then_some(())
    }

    pub(super) fn ascend(&mut self) {
        self.depth -= 1;
    }
}

/// Texts are below 4 GiB, and nothing in them is counted higher than their bytes.
pub(super) fn number(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// Far deeper than any manifest.
const MAX_DEPTH: usize = 64;
