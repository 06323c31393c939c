//! GET with `watch`: the changes of a collection as a stream of JSON lines.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hyper::Response;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use jiff::Timestamp;
use podsec_apimachinery::Status;
use podsec_audit::Recording;
use podsec_storage::{Entry, Error, Event, Page, Range, Revision, Store, Watch};
use serde_json::{Value, json};
use tokio::sync::{OwnedSemaphorePermit, mpsc, watch as signal};
use tokio::task::yield_now;
use tokio::time::{Instant, interval_at, sleep_until, timeout, timeout_at};

use super::list::ListMemory;
use super::selection::Selection;
use super::shared::Shared;
use crate::answer::Answer;
use crate::body::{Broken, ResponseBody};
use crate::event_lines::{EventLines, LineKey};
use crate::registry::stored_json::StoredJson;
use crate::registry::{Registry, status, too_large_resource_version};
use crate::request::Request;
use crate::request::list_options::WatchOptions;
use crate::table::View;

/// Answers at once with a stream that a task of its own fills.
pub(super) async fn watch(
    request: &Request,
    registry: &Registry,
    recording: &Recording,
    shared: &Shared,
) -> Result<Answer, Status> {
    let options = WatchOptions::parse(&request.query)?;
    let selection = Selection::parse(&request.query, registry.behaviour().clone(), request.name())?;
    let store = Arc::clone(registry.store());
    let current = store.revision().await.map_err(|error| status(&error))?;
    if let Some(asked) = options.from
        && options.initial_events
        && asked > current.0
    {
        return Err(too_large_resource_version(asked, current));
    }
    let prefix = registry.prefix(request.namespace(registry.resource()));
    // Before the client hears anything, so that it misses nothing of what it does next.
    let source = Source::open(&*store, &shared.list_memory, &prefix, &options, current).await;
    let (sender, receiver) = mpsc::channel(BUFFERED_PIECES);
    let stream = Stream {
        sender,
        pending: BytesMut::new(),
        lines: Arc::clone(&shared.event_lines),
        api_version: registry.resource().api_version().into(),
        view: View::of(request, registry)?,
        selection,
        registry: registry.clone(),
        bookmarks: options.bookmarks,
        initial_bookmark: options.initial_bookmark,
        started: false,
    };
    let timeout = request
        .query
        .value("timeout")
        .and_then(|text| podsec_go::duration::parse_positive(text).ok())
        .filter(|timeout| !timeout.is_zero());
    let timeout = options.timeout_seconds.map(Duration::from_secs).or(timeout).unwrap_or_else(random_timeout);
    let end = Instant::now() + timeout.min(LONGEST);
    let recording = recording.clone();
    let stop = shared.stopping.clone();
    tokio::spawn(async move {
        // A client that reads nothing any more cannot be told that it is over.
        let _ = timeout_at(end + BOOKMARK_INTERVAL, stream.fill(source, end, stop)).await;
        drop(recording);
    });
    let mut response = Response::new(ResponseBody::Stream(receiver));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(Answer::Response(Box::new(response)))
}

/// What a watch shows: what exists, and the changes after that.
struct Source {
    /// What exists, if the client wants it, and the room for it.
    existing: Option<(Page, Option<OwnedSemaphorePermit>)>,
    /// The changes; or, as a Status, why there are none.
    changes: Result<Box<dyn Watch>, Status>,
}

impl Source {
    async fn open(
        store: &dyn Store,
        memory: &ListMemory,
        prefix: &str,
        options: &WatchOptions,
        current: Revision,
    ) -> Self {
        let mut existing = None;
        let mut from = options.from.map_or(current, Revision);
        if options.initial_events {
            match all(store, prefix, memory).await {
                Ok((page, permit)) => {
                    from = page.revision;
                    existing = Some((page, permit));
                }
                Err(error) => return Self { existing, changes: Err(status(&error)) },
            }
        }
        let changes = store.watch(prefix, from).await.map_err(|error| expired(&error, from, current));
        Self { existing, changes }
    }
}

/// All entries under a prefix, with room in memory for them when they are many.
async fn all(
    store: &dyn Store,
    prefix: &str,
    memory: &ListMemory,
) -> Result<(Page, Option<OwnedSemaphorePermit>), Error> {
    let few = store.range(Range::prefix(prefix).limit(FEW)).await?;
    if few.remaining == 0 {
        return Ok((few, None));
    }
    let permit = memory.acquire(few.entries.len() + few.remaining).await;
    Ok((store.range(Range::prefix(prefix)).await?, Some(permit)))
}

/// One running watch.
struct Stream {
    sender: mpsc::Sender<Result<Bytes, Broken>>,
    /// Short lines that leave together.
    pending: BytesMut,
    lines: Arc<EventLines>,
    api_version: Arc<str>,
    view: View,
    selection: Selection,
    registry: Registry,
    bookmarks: bool,
    initial_bookmark: bool,
    started: bool,
}

/// Who else is about to send the same line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Share {
    /// Nobody.
    None,
    /// Whoever watches the same objects.
    All,
}

/// The client is gone, reads nothing, or has been told that it is over.
struct Over;

impl Stream {
    /// Sends events until the client leaves, the time is up, the server stops or the store falls silent.
    async fn fill(mut self, source: Source, end: Instant, stop: signal::Receiver<bool>) -> Result<(), Over> {
        if let Some((page, permit)) = source.existing {
            match self.registry.converted(page.entries).await {
                Ok(entries) => self.send_existing(Page { entries, ..page }).await?,
                Err(status) => return self.send_error(&status).await,
            }
            drop(permit);
        }
        match source.changes {
            Ok(watch) => self.follow(watch, end, stop).await,
            Err(status) => self.send_error(&status).await,
        }
    }

    /// All that exists, and the bookmark that says so.
    async fn send_existing(&mut self, page: Page) -> Result<(), Over> {
        let mut read = 0;
        for entry in page.entries {
            if self.matches(&entry) {
                self.send("ADDED", &entry, entry.revision, Share::None).await?;
            }
            read += entry.value.len();
            if read > READ_AT_ONCE {
                read = 0;
                yield_now().await;
            }
        }
        if self.initial_bookmark {
            let annotations = json!({"k8s.io/initial-events-end": "true"});
            self.send_bookmark(page.revision, Some(annotations)).await?;
        }
        self.flush().await
    }

    async fn follow(
        &mut self,
        mut watch: Box<dyn Watch>,
        end: Instant,
        mut stop: signal::Receiver<bool>,
    ) -> Result<(), Over> {
        let mut minute = interval_at(Instant::now() + BOOKMARK_INTERVAL, BOOKMARK_INTERVAL);
        let gone = self.sender.clone();
        loop {
            let events = tokio::select! {
                biased;
                () = gone.closed() => return Err(Over),
                events = watch.next() => Some(events),
                () = sleep_until(end) => break,
                () = async { drop(stop.wait_for(|stopping| *stopping).await) } => break,
                _ = minute.tick(), if self.bookmarks => None,
            };
            match events {
                Some(Ok(events)) => {
                    for event in events {
                        match self.registry.converted_event(event).await {
                            Ok(event) => self.send_event(&event).await?,
                            Err(status) => return self.send_error(&status).await,
                        }
                    }
                    self.flush().await?;
                }
                Some(Err(Error::Closed)) => return Ok(()),
                Some(Err(error)) => {
                    let at = watch.progress();
                    return self.send_error(&expired(&error, at, at)).await;
                }
                None => self.send_bookmark(watch.progress(), None).await?,
            }
        }
        if self.bookmarks {
            self.send_bookmark(watch.progress(), None).await?;
        }
        Ok(())
    }

    /// A change as the selector sees it: what starts to match is added, what stops is deleted.
    async fn send_event(&mut self, event: &Event) -> Result<(), Over> {
        let now = event.entry().filter(|entry| self.matches(entry));
        let before = event.previous().filter(|entry| self.matches(entry));
        let (kind, entry) = match (before, now) {
            (None, Some(entry)) => ("ADDED", entry),
            (Some(_), Some(entry)) => ("MODIFIED", entry),
            (Some(entry), None) => ("DELETED", entry),
            (None, None) => return Ok(()),
        };
        self.send(kind, entry, event.revision(), Share::All).await
    }

    /// Whether the selection lets an entry through. What holds no object is shown to nobody.
    fn matches(&self, entry: &Entry) -> bool {
        if self.selection.is_everything() {
            return true;
        }
        if self.selection.is_of_metadata()
            && let Some(parts) = StoredJson::parse(&entry.value)
            && let Ok(metadata) = serde_json::from_slice::<Value>(parts.metadata())
        {
            return self.selection.matches(&json!({"metadata": metadata}));
        }
        self.registry.read(entry).is_ok_and(|stored| self.selection.matches(&stored.object))
    }

    /// Sends an entry as it is shown at `revision`.
    async fn send(
        &mut self,
        kind: &'static str,
        entry: &Entry,
        revision: Revision,
        share: Share,
    ) -> Result<(), Over> {
        if self.view.is_plain() {
            let line = || self.line(kind, entry, revision);
            let line = match share {
                Share::None => line(),
                Share::All => {
                    let api_version = Arc::clone(&self.api_version);
                    let schema = self.registry.schema_digest();
                    let key = LineKey { revision, kind, api_version, schema };
                    self.lines.get_or_write(&key, line)
                }
            };
            self.started = true;
            return match line {
                Some(line) => self.write(line).await,
                None => Ok(()),
            };
        }
        let Ok(stored) = self.registry.read_at(entry, revision) else { return Ok(()) };
        let object = self.view.event(stored.object, !self.started, Timestamp::now());
        self.started = true;
        self.write_object(kind, &object).await
    }

    /// The line of a whole object, from its stored bytes if they are what the client gets.
    fn line(&self, kind: &str, entry: &Entry, revision: Revision) -> Option<Bytes> {
        let mut line = begin(kind, entry.value.len() + ENVELOPE);
        let parts =
            StoredJson::parse(&entry.value).filter(|parts| self.registry.is_current(parts.api_version()));
        if let Some(parts) = parts {
            parts.write_object(&self.api_version, revision, &mut line);
        } else {
            let stored = self.registry.read_at(entry, revision).ok()?;
            serde_json::to_writer(&mut line, &stored.object).ok()?;
        }
        line.extend_from_slice(END);
        Some(line.into())
    }

    async fn send_bookmark(&mut self, revision: Revision, annotations: Option<Value>) -> Result<(), Over> {
        let resource = self.registry.resource();
        let mut metadata = json!({"resourceVersion": revision.to_string()});
        if let Some(annotations) = annotations {
            podsec_kinds::object::as_map(&mut metadata).insert("annotations".to_owned(), annotations);
        }
        let object =
            json!({"kind": resource.kind, "apiVersion": resource.api_version(), "metadata": metadata});
        let object = self.view.event(object, !self.started, Timestamp::now());
        self.started = true;
        self.write_object("BOOKMARK", &object).await?;
        self.flush().await
    }

    async fn send_error(&mut self, status: &Status) -> Result<(), Over> {
        let object = serde_json::to_value(status).unwrap_or_default();
        self.write_object("ERROR", &object).await?;
        self.flush().await
    }

    async fn write_object(&mut self, kind: &str, object: &Value) -> Result<(), Over> {
        let mut line = begin(kind, ENVELOPE);
        serde_json::to_writer(&mut line, object).map_err(|_| Over)?;
        line.extend_from_slice(END);
        self.write(line.into()).await
    }

    /// Passes a line on: a long one by itself, for other watches hold the same bytes; short ones together.
    async fn write(&mut self, line: Bytes) -> Result<(), Over> {
        if line.len() > SHORT_LINE || self.pending.len() + line.len() > PIECE {
            self.flush().await?;
        }
        if line.len() > SHORT_LINE {
            return self.pass(line).await;
        }
        self.pending.extend_from_slice(&line);
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), Over> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let piece = self.pending.split().freeze();
        self.pass(piece).await
    }

    /// Ends the watch of a client that reads nothing, as Kubernetes does: what waits for it would be held for as long.
    async fn pass(&self, piece: Bytes) -> Result<(), Over> {
        match timeout(LONGEST_STALL, self.sender.send(Ok(piece))).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Over),
        }
    }
}

fn begin(kind: &str, capacity: usize) -> Vec<u8> {
    let mut line = Vec::with_capacity(capacity);
    line.extend_from_slice(b"{\"type\":\"");
    line.extend_from_slice(kind.as_bytes());
    line.extend_from_slice(b"\",\"object\":");
    line
}

/// 410 for a revision whose successors are forgotten.
fn expired(error: &Error, asked: Revision, newest: Revision) -> Status {
    match error {
        Error::Compacted { .. } | Error::Lagged { .. } => {
            Status::failure(410, "Expired", format!("too old resource version: {asked} ({newest})"))
        }
        other => status(other),
    }
}

/// Between 30 and 60 minutes, so that the watches of many clients do not end together.
fn random_timeout() -> Duration {
    let (_, random) = uuid::Uuid::new_v4().as_u64_pair();
    Duration::from_secs(1800 + random % 1800)
}

const END: &[u8] = b"}\n";
/// What a line has around the stored object, the revision included.
const ENVELOPE: usize = 128;
/// How many pieces wait for a slow client before the store's watch is left to lag.
const BUFFERED_PIECES: usize = 2;
/// The bytes of short lines that leave together.
const PIECE: usize = 32 << 10;
/// The longest line that is copied together with others.
const SHORT_LINE: usize = 8 << 10;
/// How long a client may read nothing while there is something to read.
const LONGEST_STALL: Duration = Duration::from_secs(30);
/// How many entries are read before it is known how many there are.
const FEW: usize = 500;
/// How many stored bytes are looked at before other tasks have their turn.
const READ_AT_ONCE: usize = 256 << 10;
const BOOKMARK_INTERVAL: Duration = Duration::from_mins(1);
/// A longer timeout than a day is no timeout.
const LONGEST: Duration = Duration::from_hours(24);
