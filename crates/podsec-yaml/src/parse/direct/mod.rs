//! Reads what manifests are made of straight into nodes, and leaves every other text to granit.
//!
//! ```text
//! lines ─► block ─┬─► plain     a mapping or a list decides by the column of the next line that has content,
//!                 ├─► quoted    every scalar says where its line ends
//!                 ├─► literal
//!                 └─► flow
//! ```
//!
//! Block mappings and lists, flow collections, scalars of all five styles and comments are read here. Whatever else
//! there is (anchors, aliases, tags, merges, `?`, directives, `...`, tabs between words, carriage returns) and
//! whatever is wrong is declined: then granit reads the document, so that its meaning, or its error, has one author.
//! What is read here is compared with granit's reading, node by node, in this module's tests.

mod block;
mod flow;
mod keys;
mod lines;
mod literal;
mod plain;
mod quoted;
mod survey;
#[cfg(test)]
mod tests;

use super::Source;
use crate::document::{Content, NodeData};
use crate::node::{CollectionStyle, ScalarStyle};
use crate::{Comment, Document, Position, Scalar, Span};
use keys::Keys;

/// Reads the document in the bytes `span` of `text`, unless there is something that granit has to read.
pub(super) fn read(text: &str, span: Span, start: Position, source: Source) -> Option<Document<'_>> {
    let chunk = text.get(span.range())?;
    u32::try_from(text.len()).ok()?;
    if source == Source::Json || start.column != 1 || chunk.trim_start().starts_with('{') {
        return None;
    }
    let ascii = survey::survey(chunk)?;
    let mut reader = Reader {
        text: text.get(..span.end)?,
        source,
        ascii,
        at: span.start,
        line: number(start.line),
        line_start: span.start,
        counted: span.start,
        continuations: 0,
        column: None,
        depth: 0,
        // Kubernetes' manifests have a node every 15 to 20 bytes.
        nodes: Vec::with_capacity(chunk.len() / 16 + 1),
        keys: Keys::default(),
        comments: Vec::new(),
        folded: String::new(),
    };
    reader.document()?;
    Some(Document {
        text,
        span,
        nodes: reader.nodes,
        anchors: Vec::new(),
        tags: Vec::new(),
        comments: reader.comments,
        unread: None,
    })
}

struct Reader<'t> {
    /// Up to the end of the document.
    text: &'t str,
    source: Source,
    /// Whether the document is ASCII, so that its columns are bytes.
    ascii: bool,
    /// The byte that is read next.
    at: usize,
    line: u32,
    line_start: usize,
    /// Up to where characters of several bytes are counted, and how many bytes they have more than one.
    counted: usize,
    continuations: usize,
    /// Between nodes: the blanks before the next line that has content, at which `at` stands; none at the end.
    column: Option<usize>,
    depth: usize,
    nodes: Vec<NodeData<'t>>,
    keys: Keys,
    comments: Vec<Comment>,
    /// Where scalars of several lines are put together.
    folded: String,
}

/// Where a node starts.
#[derive(Clone, Copy)]
struct Mark {
    start: usize,
    line: u32,
    column: u32,
}

impl<'t> Reader<'t> {
    fn document(&mut self) -> Option<()> {
        let mark = self.mark();
        let separated = self.separator()?;
        let Some(column) = self.column else {
            self.scalar(Scalar::Null, ScalarStyle::Plain, mark, mark.start);
            return (!separated).then_some(());
        };
        self.node(column, 0)?;
        // A root of another kind is no manifest, and its lines may start where others must not.
        let is_block = matches!(
            self.nodes.first()?.content,
            Content::Sequence(CollectionStyle::Block)
                | Content::Mapping { style: CollectionStyle::Block, .. }
        );
        (is_block && self.column.is_none()).then_some(())
    }

    /// Adds a scalar that ends before the byte `end`.
    fn scalar(&mut self, value: Scalar<'t>, style: ScalarStyle, mark: Mark, end: usize) {
        let content = Content::Scalar { value, style, merge: false };
        self.add(content, mark, end);
    }

    /// Adds a node that has no children so far, and says its number.
    fn add(&mut self, content: Content<'t>, mark: Mark, end: usize) -> u32 {
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
    fn close(&mut self, node: u32, end: u32) {
        let next = number(self.nodes.len());
        if let Some(node) = self.nodes.get_mut(node as usize) {
            node.next = next;
            node.end = end;
        }
    }

    /// One level deeper, as long as the stack surely bears it.
    fn descend(&mut self) -> Option<()> {
        self.depth += 1;
        (self.depth <= MAX_DEPTH).then_some(())
    }

    fn ascend(&mut self) {
        self.depth -= 1;
    }
}

/// Texts are below 4 GiB, and nothing in them is counted higher than their bytes.
fn number(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// Far deeper than any manifest.
const MAX_DEPTH: usize = 64;
