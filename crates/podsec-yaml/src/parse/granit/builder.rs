//! Collects events into the nodes of a document, and refuses what has no JSON form.

use std::borrow::Cow;

use granit_parser::{Event, Marker, StructureStyle};

use super::indentation;
use super::place::{Origin, Place};
use crate::document::{Anchor, Content, NodeData, Tag};
use crate::parse::source::Source;
use crate::style::{CollectionStyle, ScalarStyle};
use crate::{Comment, Document, Error, Position, Scalar, Span, expansion};

/// A collection that is not closed yet.
struct Frame {
    node: u32,
    is_mapping: bool,
    /// How many children it has so far, and the last of them.
    children: u32,
    last: u32,
    merges: bool,
}

pub(super) struct Builder<'t, 'i> {
    text: &'t str,
    /// The bytes of `text` that are read.
    span: Span,
    pub(super) origin: Origin<'i>,
    pub(super) source: Source,
    json: bool,
    nodes: Vec<NodeData<'t>>,
    frames: Vec<Frame>,
    anchors: Vec<Anchor>,
    /// granit's anchor ids, ascending, and the nodes they stand for.
    anchor_ids: Vec<(usize, u32)>,
    tags: Vec<Tag>,
    comments: Vec<Comment>,
    has_aliases: bool,
    /// How many of the insertions turned out to be in quotes.
    quoted_insertions: usize,
    /// The end of what was read last, as granit counts.
    pub(super) previous_end: Marker,
    /// The same, comments left aside.
    previous_node_end: Marker,
}

impl<'t, 'i> Builder<'t, 'i> {
    pub(super) fn new(text: &'t str, span: Span, origin: Origin<'i>, source: Source, json: bool) -> Self {
        Self {
            text,
            span,
            origin,
            source,
            json,
            // Kubernetes' manifests have a node every 15 to 20 bytes.
            nodes: Vec::with_capacity((span.end - span.start) / 16 + 1),
            frames: Vec::with_capacity(16),
            anchors: Vec::new(),
            anchor_ids: Vec::new(),
            tags: Vec::new(),
            comments: Vec::new(),
            has_aliases: false,
            quoted_insertions: 0,
            previous_end: Marker::default(),
            previous_node_end: Marker::default(),
        }
    }

    /// Takes the next event. `keep` makes its text last as long as the whole text.
    pub(super) fn event<'c>(
        &mut self,
        event: Event<'c>,
        span: granit_parser::Span,
        keep: impl Fn(Cow<'c, str>) -> Cow<'t, str>,
    ) -> Result<(), Error> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.scalar(keep(text), style, anchor, tag.as_deref(), span)?;
            }
            Event::SequenceStart(style, anchor, _) => {
                self.open(Content::Sequence(collection_style(style)), anchor, span)?;
            }
            Event::MappingStart(style, anchor, _) => {
                self.open(Content::Mapping { style: collection_style(style), plain: true }, anchor, span)?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(span)?,
            Event::Alias(id) => self.alias(id, span)?,
            Event::Anchor(id, _) => {
                if let Ok(found) = self.anchor_ids.binary_search_by_key(&id, |(id, _)| *id)
                    && let Some((_, node)) = self.anchor_ids.get(found)
                {
                    self.anchors.push(Anchor { node: *node, span: self.origin.span(span) });
                }
                return Ok(());
            }
            Event::Comment(..) => {
                self.comments.push(self.origin.comment(span));
                self.previous_end = later(self.previous_end, span.end);
                return Ok(());
            }
            Event::DocumentStart(true, _) => {}
            // Nothing was read for these, and their places may lie ahead.
            _ => return Ok(()),
        }
        self.previous_end = later(self.previous_end, span.end);
        self.previous_node_end = later(self.previous_node_end, span.end);
        Ok(())
    }

    fn scalar(
        &mut self,
        mut text: Cow<'t, str>,
        style: granit_parser::ScalarStyle,
        anchor: usize,
        tag: Option<&granit_parser::Tag>,
        span: granit_parser::Span,
    ) -> Result<(), Error> {
        let style = scalar_style(style);
        let mut place = Place::new(self.origin, span);
        match style {
            ScalarStyle::Plain if place.span.is_empty() => {
                text = Cow::Borrowed("");
                self.step_behind_colon(&mut place);
            }
            ScalarStyle::DoubleQuoted if !self.json && matches!(text, Cow::Owned(_)) => {
                self.refuse_json_escapes(span)?;
            }
            ScalarStyle::Literal | ScalarStyle::Folded => {
                if self.source == Source::Body {
                    self.drop_unwritten_line_break(&mut text, span);
                }
                self.start_at_header(&mut place);
            }
            _ => {}
        }
        if matches!(style, ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted)
            && !self.origin.insertions.is_empty()
        {
            let range = span.byte_range().unwrap_or(0..0);
            self.quoted_insertions += indentation::within(self.origin.insertions, range);
        }
        let is_key = self.expects_key();
        let mut merge = is_key && style == ScalarStyle::Plain && text == "<<";
        let value = match tag {
            None if style == ScalarStyle::Plain => Scalar::plain(text),
            None => Scalar::String(text),
            Some(tag) => {
                let (handle, suffix) = tag.parts();
                let name = format!("{handle}{suffix}");
                merge &= name == "!" || name == "tag:yaml.org,2002:merge";
                Scalar::tagged(&name, text).map_err(|message| self.origin.error(span.start, message))?
            }
        };
        self.check(&value, is_key, span)?;
        let node = self.add(Content::Scalar { value, style, merge }, place, anchor, span);
        if merge && let Some(frame) = self.frames.last_mut() {
            frame.merges = true;
        }
        self.set_next(node);
        Ok(())
    }

    /// Refuses what JSON has no form for.
    fn check(&self, value: &Scalar<'_>, is_key: bool, span: granit_parser::Span) -> Result<(), Error> {
        let message = match value {
            Scalar::Null if is_key => "null cannot be a key",
            Scalar::Uint(_) if is_key => "a number above 9223372036854775807 cannot be a key",
            Scalar::Float(float) if !is_key && !float.is_finite() => {
                "infinity and not-a-number have no JSON form"
            }
            _ => return Ok(()),
        };
        Err(self.origin.error(span.start, message))
    }

    fn alias(&mut self, id: usize, span: granit_parser::Span) -> Result<(), Error> {
        let found = self.anchor_ids.binary_search_by_key(&id, |(id, _)| *id).ok();
        let Some((_, target)) = found.and_then(|found| self.anchor_ids.get(found)).copied() else {
            return Err(self.origin.error(span.start, "unknown anchor"));
        };
        let is_key = self.expects_key();
        match self.nodes.get(target as usize) {
            Some(node) if node.next == UNFINISHED => {
                return Err(self.origin.error(span.start, "the anchor's value contains itself"));
            }
            Some(NodeData { content: Content::Scalar { value, .. }, .. }) => {
                self.check(value, is_key, span)?;
            }
            _ if is_key => return Err(self.origin.error(span.start, COLLECTION_AS_KEY)),
            _ => {}
        }
        self.has_aliases = true;
        let node = self.add(Content::Alias(target), Place::new(self.origin, span), 0, span);
        self.set_next(node);
        Ok(())
    }

    fn open(&mut self, content: Content<'t>, anchor: usize, span: granit_parser::Span) -> Result<(), Error> {
        if self.expects_key() {
            let start = self.origin.offset(span.start);
            let (before, after) = self.text.split_at_checked(start).unwrap_or_default();
            let template = after.starts_with("{{") || (before.ends_with('{') && after.starts_with('{'));
            let message = if template { TEMPLATE } else { COLLECTION_AS_KEY };
            return Err(self.origin.error(span.start, message));
        }
        let is_mapping = matches!(content, Content::Mapping { .. });
        let mut place = Place::new(self.origin, span);
        if matches!(content, Content::Sequence(CollectionStyle::Block)) {
            self.start_at_dash(&mut place);
        }
        let node = self.add(content, place, anchor, span);
        self.frames.push(Frame { node, is_mapping, children: 0, last: node, merges: false });
        Ok(())
    }

    fn close(&mut self, span: granit_parser::Span) -> Result<(), Error> {
        let Some(frame) = self.frames.pop() else { return Ok(()) };
        let last_end = self.nodes.get(frame.last as usize).map_or(0, |last| last.end);
        let end = number(self.origin.span(span).end);
        self.set_next(frame.node);
        let Some(node) = self.nodes.get_mut(frame.node as usize) else { return Ok(()) };
        let is_block = matches!(
            node.content,
            Content::Sequence(CollectionStyle::Block)
                | Content::Mapping { style: CollectionStyle::Block, .. }
        );
        node.end = if is_block { last_end } else { end }.max(node.start);
        if frame.merges {
            expansion::check_merges(&self.nodes, frame.node)?;
        }
        if frame.is_mapping
            && (frame.merges || expansion::has_equal_keys(&self.nodes, frame.node))
            && let Some(NodeData { content: Content::Mapping { plain, .. }, .. }) =
                self.nodes.get_mut(frame.node as usize)
        {
            *plain = false;
        }
        Ok(())
    }

    fn add(&mut self, content: Content<'t>, place: Place, anchor: usize, span: granit_parser::Span) -> u32 {
        let node = number(self.nodes.len());
        self.nodes.push(NodeData {
            start: number(place.span.start),
            end: number(place.span.end),
            line: number(place.position.line),
            column: number(place.position.column),
            next: UNFINISHED,
            content,
        });
        if let Some(frame) = self.frames.last_mut() {
            frame.children += 1;
            frame.last = node;
        }
        if anchor != 0 {
            self.anchor_ids.push((anchor, node));
        }
        if let Some(tag) = span.tag_span() {
            self.tags.push(Tag { node, span: self.origin.span(tag) });
        }
        node
    }

    fn set_next(&mut self, node: u32) {
        let next = number(self.nodes.len());
        if let Some(node) = self.nodes.get_mut(node as usize) {
            node.next = next;
        }
    }

    fn expects_key(&self) -> bool {
        self.frames.last().is_some_and(|frame| frame.is_mapping && frame.children % 2 == 0)
    }

    /// granit puts an absent value right behind its key; an author would put it behind the colon.
    fn step_behind_colon(&self, place: &mut Place) {
        let after = self.text.get(place.span.start..).unwrap_or("");
        let blanks = after.bytes().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let is_value = self.frames.last().is_some_and(|frame| frame.is_mapping && frame.children % 2 == 1);
        if is_value && after.as_bytes().get(blanks) == Some(&b':') {
            place.span.start += blanks + 1;
            place.span.end = place.span.start;
            place.position.column += blanks + 1;
        }
    }

    /// granit's sequences that are not indented further than their key start at their first item.
    fn start_at_dash(&self, place: &mut Place) {
        if !self.frames.last().is_some_and(|frame| frame.is_mapping) {
            return;
        }
        // A comment may stand behind the dash.
        let from = self.origin.offset(self.previous_node_end);
        let before = self.text.get(from..place.span.start).unwrap_or("");
        let mut line_start = 0;
        for line in before.split_inclusive('\n') {
            let blanks = line.len() - line.trim_start_matches(' ').len();
            if line_start > 0 && line.get(blanks..).is_some_and(|content| content.starts_with('-')) {
                let dash = from + line_start + blanks;
                place.position = Position::of_near(self.text, place.position, place.span.start, dash);
                place.span = Span { start: dash, end: place.span.end.max(dash + 1) };
                return;
            }
            line_start += line.len();
        }
    }

    /// granit's block scalars start at their first line of content; here they start at `|` or `>`, and end
    /// with their last line that is not blank.
    fn start_at_header(&self, place: &mut Place) {
        let from = self.origin.offset(self.previous_end);
        let content = self.text.get(place.span.range()).unwrap_or("");
        place.span.end = place.span.start + content.trim_end().len();
        let before = self.text.get(from..place.span.start).unwrap_or("");
        // Tags and anchors stand before the header and may contain its characters.
        let mut words_start = true;
        let mut property = false;
        for (index, character) in before.char_indices() {
            match character {
                '&' | '!' if words_start => property = true,
                '|' | '>' if !property => {
                    let header = from + index;
                    place.position = Position::of_near(self.text, place.position, place.span.start, header);
                    place.span = Span { start: header, end: place.span.end.max(header + 1) };
                    return;
                }
                _ if character.is_whitespace() => property = false,
                _ => {}
            }
            words_start = character.is_whitespace() || character == ':';
        }
    }

    /// yaml.v2 gives a block scalar no line break at the end when the text ends in the middle of its last line.
    fn drop_unwritten_line_break(&self, text: &mut Cow<'t, str>, span: granit_parser::Span) {
        let place = self.origin.span(span);
        let content = self.text.get(place.range()).unwrap_or("");
        let last_line = content.rsplit('\n').next().unwrap_or("");
        if place.end == self.span.end && !last_line.trim().is_empty() && text.ends_with('\n') {
            let length = text.len() - 1;
            match text {
                Cow::Borrowed(text) => *text = text.get(..length).unwrap_or(text),
                Cow::Owned(text) => text.truncate(length),
            }
        }
    }

    /// `\/` and pairs of surrogates are JSON's; yaml.v2 does not know them.
    fn refuse_json_escapes(&self, span: granit_parser::Span) -> Result<(), Error> {
        let raw = self.text.get(self.origin.span(span).range()).unwrap_or("");
        let mut rest = raw.as_bytes();
        while let [first, after @ ..] = rest {
            rest = after;
            if *first != b'\\' {
                continue;
            }
            rest = after.get(1..).unwrap_or_default();
            let message = match after {
                [b'/', ..] => "found unknown escape character `\\/`",
                [b'u', b'd' | b'D', b'8'..=b'9' | b'a'..=b'f' | b'A'..=b'F', ..] => {
                    "found invalid Unicode character escape code"
                }
                _ => continue,
            };
            return Err(self.origin.error(span.start, message));
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<Document<'t>, Error> {
        if self.quoted_insertions != self.origin.insertions.len() {
            return Err(self
                .origin
                .error(self.previous_end, "invalid indentation in multiline quoted scalar"));
        }
        if self.nodes.is_empty() {
            let (line, column) = (number(self.origin.line + 1), number(self.origin.column + 1));
            let (start, end) = (number(self.span.start), number(self.span.start));
            let content = Content::Scalar { value: Scalar::Null, style: ScalarStyle::Plain, merge: false };
            self.nodes.push(NodeData { start, end, line, column, next: 1, content });
        }
        let document = Document {
            text: self.text,
            span: self.span,
            nodes: self.nodes,
            anchors: self.anchors,
            tags: self.tags,
            comments: self.comments,
            unread: None,
        };
        if self.has_aliases {
            expansion::check(&document)?;
        }
        Ok(document)
    }
}

fn later(one: Marker, other: Marker) -> Marker {
    if other.index() > one.index() { other } else { one }
}

fn collection_style(style: StructureStyle) -> CollectionStyle {
    match style {
        StructureStyle::Block => CollectionStyle::Block,
        StructureStyle::Flow => CollectionStyle::Flow,
    }
}

fn scalar_style(style: granit_parser::ScalarStyle) -> ScalarStyle {
    match style {
        granit_parser::ScalarStyle::Plain => ScalarStyle::Plain,
        granit_parser::ScalarStyle::SingleQuoted => ScalarStyle::SingleQuoted,
        granit_parser::ScalarStyle::DoubleQuoted => ScalarStyle::DoubleQuoted,
        granit_parser::ScalarStyle::Literal => ScalarStyle::Literal,
        granit_parser::ScalarStyle::Folded => ScalarStyle::Folded,
    }
}

/// Texts are below 4 GiB, and nothing in them is counted higher than their bytes.
fn number(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// [`NodeData::next`] of a collection that is still open.
const UNFINISHED: u32 = 0;
const COLLECTION_AS_KEY: &str = "a list or a mapping cannot be a key";
const TEMPLATE: &str = "`{{` opens a mapping as a key; a template must be rendered first, or its text quoted";
