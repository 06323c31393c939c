//! Audit events out of logs of any shape, each recognised by itself.
//!
//! ```text
//! {"kind":"Event",…}                       one event a line, or many in an EventList
//! {"logEvents":[{"message":"{…}"}]}        CloudWatch: subscriptions, Firehose, GetLogEvents, FilterLogEvents
//! {"protoPayload":{"methodName":…}}        GKE
//! {"records":[{"properties":{"log":"{…}"}}]}  AKS; Log Analytics as CSV and JSON
//! {"message":"{…}"}  {"log":{…}}           OVH, Fluentd, Elastic, Loki
//! 2026-12-01T00:00:00Z {"kind":"Event",…}  exported lines
//! ```
//!
//! Whatever is around an event is taken off until there is one; what cannot be one is counted.

mod annotations;
mod columns;
mod envelope;
mod gke;

use std::borrow::Cow;
use std::io::{self, BufRead};

use serde::Serialize;

use crate::stream::json::{Piece, Pieces};
use columns::Columns;

/// What a log says of one stage of one request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoggedEvent<'a> {
    /// How much was recorded: `Metadata`, `Request`, `RequestResponse`; empty where the log does not say.
    pub level: Cow<'a, str>,
    /// How far the request was; empty where the log holds nothing but ends.
    pub stage: Cow<'a, str>,
    /// The id of the request.
    pub audit_id: Cow<'a, str>,
    /// Path and query.
    pub uri: Cow<'a, str>,
    /// Kubernetes' verb.
    pub verb: Cow<'a, str>,
    /// Who asked: the impersonated user when there is one.
    pub user: Cow<'a, str>,
    /// The API group of the resource; empty for the core group.
    pub group: Cow<'a, str>,
    /// The plural resource.
    pub resource: Cow<'a, str>,
    /// The subresource.
    pub subresource: Cow<'a, str>,
    /// The namespace.
    pub namespace: Cow<'a, str>,
    /// The name.
    pub name: Cow<'a, str>,
    /// The HTTP status code.
    pub code: Option<u16>,
    /// What a refusal says.
    pub message: Cow<'a, str>,
    /// When, in RFC 3339.
    pub time: Cow<'a, str>,
    /// The request's body, as JSON.
    pub request: Option<Cow<'a, str>>,
    /// The response's body, as JSON.
    pub response: Option<Cow<'a, str>>,
    /// The annotations of Pod Security, without its prefix.
    pub annotations: Vec<(String, String)>,
}

/// How much of a log was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LogCounts {
    /// Events of any kind.
    pub events: usize,
    /// Lines and values that hold no event.
    pub other: usize,
    /// Events that were cut off, as `[Truncated...]` does.
    pub cut: usize,
    /// What is longer than 32 MiB.
    pub too_long: usize,
    /// Bodies that the log left out for their size.
    pub bodies_left_out: usize,
}

/// Reads logs; what is counted is of all of them.
#[derive(Debug, Default)]
pub struct LogReader {
    /// How much was read.
    pub counts: LogCounts,
    columns: Option<Columns>,
}

impl LogReader {
    /// Hands every event of a text to `each`.
    ///
    /// # Errors
    /// When the reader has one.
    pub fn read(&mut self, reader: impl BufRead, each: &mut dyn FnMut(&LoggedEvent<'_>)) -> io::Result<()> {
        self.columns = None;
        let mut pieces = Pieces::new(reader, OPENED);
        let mut is_first = true;
        while let Some(piece) = pieces.next_piece()? {
            match piece {
                Piece::Element { json, .. } | Piece::Rest { json, opened: false } => {
                    self.value(json, 0, each);
                }
                Piece::Rest { .. } => {}
                Piece::Text(line) => self.line(line, is_first, each),
                Piece::Cut(_) => self.counts.cut += 1,
                Piece::TooLong => self.counts.too_long += 1,
            }
            is_first = false;
        }
        Ok(())
    }

    fn line(&mut self, line: &[u8], is_first: bool, each: &mut dyn FnMut(&LoggedEvent<'_>)) {
        if is_first {
            self.columns = Columns::of_header(line);
            if self.columns.is_some() {
                return;
            }
        }
        if let Some(columns) = &self.columns {
            match columns.row(line) {
                Some(row) => self.value(row.to_string().as_bytes(), 0, each),
                None => self.counts.cut += 1,
            }
            return;
        }
        self.text(line, 0, each);
    }

    /// A text that may hold an event, behind a time or a tag.
    fn text(&mut self, text: &[u8], depth: usize, each: &mut dyn FnMut(&LoggedEvent<'_>)) {
        match memchr::memchr(b'{', text) {
            Some(start) => self.value(text.get(start..).unwrap_or_default().trim_ascii(), depth + 1, each),
            None => self.counts.other += 1,
        }
    }
}

impl LoggedEvent<'_> {
    /// Whether the request has ended, so that it is counted once.
    pub fn is_end(&self) -> bool {
        matches!(&*self.stage, "" | "ResponseComplete" | "Panic")
    }

    /// An annotation of Pod Security.
    pub fn annotation(&self, name: &str) -> Option<&str> {
        self.annotations.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// The members whose lists are long.
const OPENED: &[&str] = &["items", "records", "logEvents", "events"];

/// Events stand no deeper in wrappers.
const MOST_DEPTH: usize = 8;
