//! Block mappings, block lists, and what stands in them.

use super::plain::Stop;
use super::reader::Reader;
use crate::Scalar;
use crate::document::Content;
use crate::style::{CollectionStyle, ScalarStyle};

impl Reader<'_> {
    /// Reads the node at `at`, which stands in `column`. Its later lines start at `floor` at the earliest.
    pub(super) fn node(&mut self, column: usize, floor: usize) -> Option<()> {
        match self.byte(self.at) {
            b'-' if self.is_blank_or_end(self.at + 1) => self.sequence(column),
            b'\'' | b'"' if self.is_quoted_key() => self.mapping(column),
            b'\'' | b'"' | b'[' | b'{' | b'|' | b'>' => self.value(floor),
            _ => {
                let line = self.plain_line(self.at)?;
                if line.stopped_by == Stop::Colon { self.mapping(column) } else { self.plain(line, floor) }
            }
        }
    }

    /// Reads a node at `at` that may be no block collection.
    fn value(&mut self, floor: usize) -> Option<()> {
        match self.byte(self.at) {
            b'\'' | b'"' => self.quoted_value(),
            b'[' | b'{' => {
                self.flow()?;
                self.finish_line(self.at)
            }
            b'|' => self.block_scalar(ScalarStyle::Literal, floor),
            b'>' => self.block_scalar(ScalarStyle::Folded, floor),
            _ => {
                let line = self.plain_line(self.at)?;
                self.plain(line, floor)
            }
        }
    }

    fn mapping(&mut self, column: usize) -> Option<()> {
        self.descend()?;
        let content = Content::Mapping { style: CollectionStyle::Block, plain: true };
        let mark = self.mark();
        let node = self.add(content, mark, mark.start);
        let keys = self.keys.open();
        let mut last;
        loop {
            self.key()?;
            last = self.nodes.len();
            self.value_of_key(column)?;
            if self.column < Some(column) {
                break;
            }
            if self.column > Some(column) {
                return None;
            }
        }
        let end = self.nodes.get(last)?.end;
        self.close(node, end);
        self.close_keys(node, keys);
        self.ascend();
        Some(())
    }

    /// Reads the value of a key in `column`, from behind the colon.
    fn value_of_key(&mut self, column: usize) -> Option<()> {
        let mark = self.mark();
        let at = self.after_spaces(self.at);
        if !matches!(self.byte(at), b'\n' | b'#') {
            self.at = at;
            return self.value(column + 1);
        }
        self.finish_line(self.at)?;
        match self.column {
            Some(next) if next > column => self.node(next, column + 1),
            Some(next) if next == column && self.is_dash() => self.sequence(column),
            _ => {
                self.scalar(Scalar::Null, ScalarStyle::Plain, mark, mark.start);
                Some(())
            }
        }
    }

    fn is_dash(&self) -> bool {
        self.byte(self.at) == b'-' && self.is_blank_or_end(self.at + 1)
    }

    fn sequence(&mut self, column: usize) -> Option<()> {
        self.descend()?;
        let mark = self.mark();
        let node = self.add(Content::Sequence(CollectionStyle::Block), mark, mark.start);
        let mut last;
        loop {
            last = self.nodes.len();
            let behind = self.at + 1;
            let at = self.after_spaces(behind);
            if matches!(self.byte(at), b'\n' | b'#') {
                self.finish_line(behind)?;
                let next = self.column.filter(|next| *next > column)?;
                self.node(next, column + 1)?;
            } else {
                let inner = column + (at - self.at);
                self.at = at;
                self.node(inner, column + 1)?;
            }
            if self.column > Some(column) {
                return None;
            }
            if self.column < Some(column) || !self.is_dash() {
                break;
            }
        }
        let end = self.nodes.get(last)?.end;
        self.close(node, end);
        self.ascend();
        Some(())
    }

    /// Checks the keys of a mapping that is complete.
    pub(super) fn close_keys(&mut self, node: u32, first: usize) {
        if self.keys.close(first)
            && crate::expansion::has_equal_keys(&self.nodes, node)
            && let Some(data) = self.nodes.get_mut(node as usize)
            && let Content::Mapping { plain, .. } = &mut data.content
        {
            *plain = false;
        }
    }
}
