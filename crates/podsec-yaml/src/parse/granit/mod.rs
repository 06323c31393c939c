//! Reads any text, with granit; the only folder that knows it.

mod builder;
mod indentation;
mod place;

use std::borrow::Cow;

use granit_parser::{ErrorKind, Event, Marker, Parser, ScanError, StrInput};

use super::source::Source;
use crate::{Comment, Document, Error, Position, Span};
use builder::Builder;
use indentation::Indented;
use place::Origin;

/// Reads the document in the bytes `span` of `text`, which start at `start`.
pub(crate) fn document(
    text: &str,
    span: Span,
    start: Position,
    source: Source,
) -> Result<Document<'_>, Error> {
    let chunk = text.get(span.range()).unwrap_or("");
    let json = source == Source::Json || chunk.trim_start().starts_with('{');
    let origin =
        Origin { offset: span.start, line: start.line - 1, column: start.column - 1, insertions: &[] };
    if u32::try_from(text.len()).is_err() {
        return Err(Error::new(start.line, start.column, span.start, "the text is longer than 4 GiB"));
    }
    if !json {
        refuse_special_characters(chunk, origin)?;
        refuse_leading_tabs(chunk, origin)?;
    }

    let owned = |borrowed: Cow<'_, str>| Cow::Owned(borrowed.into_owned());
    let builder = || Builder::new(text, span, origin, source, json);
    let broken = if json { Cow::Borrowed(chunk) } else { with_known_line_breaks(chunk) };
    let first = match &broken {
        Cow::Borrowed(chunk) => read(chunk, builder(), |borrowed| borrowed),
        Cow::Owned(chunk) => read(chunk, builder(), owned),
    };
    let stop = match first {
        Ok(document) => return Ok(document),
        Err(Failure::Final(error)) => return Err(error),
        Err(Failure::Indentation(stop)) => stop,
    };
    let chunk = &*broken;
    let reread = |indented: &Indented| {
        let origin = Origin { insertions: &indented.insertions, ..origin };
        read(&indented.text, Builder::new(text, span, origin, source, json), owned)
    };
    if let Some(Ok(document)) = Indented::eager(chunk).map(|indented| reread(&indented)) {
        return Ok(document);
    }
    indent_one_by_one(chunk, stop, reread)
}

/// Indents what granit stops at, and nothing else, until it stops no more.
fn indent_one_by_one<'t>(
    chunk: &str,
    mut stop: Stop,
    reread: impl Fn(&Indented) -> Result<Document<'t>, Failure>,
) -> Result<Document<'t>, Error> {
    let mut indented = Indented::new(chunk);
    let mut read_bytes = 0;
    while read_bytes < REREAD_BYTES && indented.indent(stop.outside, stop.offset) {
        read_bytes += indented.text.len();
        stop = match reread(&indented) {
            Ok(document) => return Ok(document),
            Err(Failure::Final(error)) => return Err(error),
            Err(Failure::Indentation(stop)) => stop,
        };
    }
    Err(stop.error)
}

/// Why a document was not read.
enum Failure {
    Final(Error),
    /// A line of quoted text may start too early for granit.
    Indentation(Stop),
}

/// Where granit stopped, and a place shortly before that is not in quotes; in bytes of what it read.
struct Stop {
    outside: usize,
    offset: usize,
    error: Error,
}

/// Reads the first document of `chunk`; `keep` makes its pieces last as long as the whole text.
fn read<'c, 't>(
    chunk: &'c str,
    mut builder: Builder<'t, '_>,
    keep: impl Fn(Cow<'c, str>) -> Cow<'t, str>,
) -> Result<Document<'t>, Failure> {
    let (origin, source) = (builder.origin, builder.source);
    let mut options = granit_parser::options! {
        emit_anchor_events: true,
        max_buffered_comment_events: usize::MAX,
    };
    options.set_emit_comments(source != Source::Body);
    if source == Source::Json {
        // Keys of JSON may be longer than YAML allows.
        options.simple_key_max_lookahead = usize::MAX;
    }
    let mut parser = Parser::new_from_str_with_options(chunk, options);
    for event in parser.by_ref() {
        let (event, span) = event.map_err(|error| failure(&error, builder.previous_end, origin))?;
        if matches!(event, Event::DocumentEnd) {
            break;
        }
        builder.event(event, span, &keep).map_err(Failure::Final)?;
    }
    let mut document = builder.finish().map_err(Failure::Final)?;
    if source == Source::Manifest {
        document.unread = unread(&mut parser, &mut document.comments, document.span, origin);
    }
    Ok(document)
}

fn failure(error: &ScanError, previous_end: Marker, origin: Origin<'_>) -> Failure {
    let refused = origin.scan_error(error);
    match (error.kind(), previous_end.byte_offset(), error.marker().byte_offset()) {
        (ErrorKind::InvalidQuotedScalarIndent | ErrorKind::TabInIndentation, outside, Some(offset)) => {
            Failure::Indentation(Stop { outside: outside.unwrap_or(0), offset, error: refused })
        }
        _ => Failure::Final(refused),
    }
}

/// What follows the first document of a chunk and is never read; comments there are still comments.
fn unread<'c>(
    parser: &mut Parser<'c, StrInput<'c>>,
    comments: &mut Vec<Comment>,
    chunk: Span,
    origin: Origin<'_>,
) -> Option<Span> {
    for event in parser {
        match event {
            Ok((Event::Comment(..), span)) => comments.push(origin.comment(span)),
            Ok((Event::StreamEnd, _)) => return None,
            Ok((_, span)) => return Some(Span { start: origin.span(span).start, end: chunk.end }),
            Err(error) => return Some(Span { start: origin.offset(*error.marker()), end: chunk.end }),
        }
    }
    None
}

/// The text with U+0085 written as the line break that it is for yaml.v2, and not for granit: a carriage return and a line
/// feed, which are as many bytes, so that every place stays where it is.
fn with_known_line_breaks(chunk: &str) -> Cow<'_, str> {
    if chunk.is_ascii() || !chunk.contains('\u{85}') {
        return Cow::Borrowed(chunk);
    }
    Cow::Owned(chunk.replace('\u{85}', "\r\n"))
}

/// yaml.v2 takes the first two for line ends, even in comments, and keeps them in what it reads; the others it refuses.
/// granit reads on.
fn refuse_special_characters(chunk: &str, origin: Origin<'_>) -> Result<(), Error> {
    if chunk.is_ascii() {
        return Ok(());
    }
    for (index, character) in chunk.char_indices() {
        let what = match character {
            '\u{85}' => continue,
            '\u{2028}' | '\u{2029}' => "is a line break in Kubernetes' YAML; write it as an escape in quotes",
            '\u{80}'..='\u{9f}' => "is a control character, which is not allowed",
            _ => continue,
        };
        let Position { line, column } = Position::of(chunk, index);
        let message = format!("U+{:04X} {what}", u32::from(character));
        return Err(Error::new(origin.line + line, column, origin.offset + index, message));
    }
    Ok(())
}

/// granit lets a tab indent the first line of a document; nothing else may.
fn refuse_leading_tabs(chunk: &str, origin: Origin<'_>) -> Result<(), Error> {
    let mut offset = 0;
    for (index, line) in chunk.split_inclusive('\n').enumerate() {
        let content = line.trim_start_matches(' ');
        if content.starts_with('\t') {
            let column = line.len() - content.len();
            let offset = origin.offset + offset + column;
            return Err(Error::new(
                origin.line + index + 1,
                column + 1,
                offset,
                "a tab cannot indent a line",
            ));
        }
        let passed =
            content.trim_end().is_empty() || content.starts_with(['#', '%']) || content.starts_with("---");
        if !passed {
            break;
        }
        offset += line.len();
    }
    Ok(())
}

/// A text is read again for each scalar it is stopped at; an attacker may have many of them.
const REREAD_BYTES: usize = 16 << 20;
