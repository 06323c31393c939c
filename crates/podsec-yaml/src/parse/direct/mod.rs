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
mod key;
mod keys;
mod lines;
mod literal;
mod plain;
mod quoted;
mod reader;
mod survey;
#[cfg(test)]
mod tests;

use super::source::Source;
use crate::document::Content;
use crate::style::{CollectionStyle, ScalarStyle};
use crate::{Document, Position, Scalar, Span};
use keys::Keys;
use reader::{Reader, number};

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

impl Reader<'_> {
    pub(super) fn document(&mut self) -> Option<()> {
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
}
