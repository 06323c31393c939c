//! GET with `watch`: the changes of a collection as a stream of JSON lines.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::Response;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use jiff::Timestamp;
use podsec_apimachinery::Status;
use podsec_storage::{Error, Event, Page, Range, Revision, Store, Watch};
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch as signal};
use tokio::time::{Instant, interval_at, sleep_until, timeout_at};

use super::Operation;
use super::list_options::WatchOptions;
use super::selection::Selection;
use crate::body::{Broken, ResponseBody};
use crate::pipeline::Answer;
use crate::registry::{Registry, status, too_large_resource_version};
use crate::table::View;

/// Answers at once with a stream that a task of its own fills.
pub(super) async fn watch(operation: &Operation<'_>) -> Result<Answer, Status> {
    let context = operation.context;
    let options = WatchOptions::parse(&context.query)?;
    let selection = Selection::parse(&context.query, operation.behaviour.clone(), operation.name())?;
    let store = Arc::clone(operation.registry.store());
    let current = store.revision().await.map_err(|error| status(&error))?;
    if let Some(asked) = options.from
        && options.initial_events
        && asked > current.0
    {
        return Err(too_large_resource_version(asked, current));
    }
    let prefix = operation.registry.prefix(operation.namespace());
    // Before the client hears anything, so that it misses nothing of what it does next.
    let source = Source::open(&*store, &prefix, &options, current).await;
    let (sender, receiver) = mpsc::channel(BUFFERED_EVENTS);
    let stream = Stream {
        sender,
        view: operation.view()?,
        selection,
        registry: operation.registry.clone(),
        bookmarks: options.bookmarks,
        initial_bookmark: options.initial_bookmark,
        started: false,
    };
    let timeout = context
        .query
        .value("timeout")
        .and_then(|text| podsec_go::duration::parse_positive(text).ok())
        .filter(|timeout| !timeout.is_zero());
    let timeout = options.timeout_seconds.map(Duration::from_secs).or(timeout).unwrap_or_else(random_timeout);
    let end = Instant::now() + timeout.min(LONGEST);
    let recording = context.recording.clone();
    let stop = operation.api.stopping();
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
    /// What exists, if the client wants it.
    existing: Option<Page>,
    /// The changes; or, as a Status, why there are none.
    changes: Result<Box<dyn Watch>, Status>,
}

impl Source {
    async fn open(store: &dyn Store, prefix: &str, options: &WatchOptions, current: Revision) -> Self {
        let mut existing = None;
        let mut from = options.from.map_or(current, Revision);
        if options.initial_events {
            match store.range(Range::prefix(prefix)).await {
                Ok(page) => {
                    from = page.revision;
                    existing = Some(page);
                }
                Err(error) => return Self { existing, changes: Err(status(&error)) },
            }
        }
        let changes = store.watch(prefix, from).await.map_err(|error| expired(&error, from, current));
        Self { existing, changes }
    }
}

/// One running watch.
struct Stream {
    sender: mpsc::Sender<Result<Bytes, Broken>>,
    view: View,
    selection: Selection,
    registry: Registry,
    bookmarks: bool,
    initial_bookmark: bool,
    started: bool,
}

/// The client is gone, or has been told that it is over.
struct Over;

impl Stream {
    /// Sends events until the client leaves, the time is up, the server stops or the store falls silent.
    async fn fill(mut self, source: Source, end: Instant, stop: signal::Receiver<bool>) -> Result<(), Over> {
        if let Some(page) = source.existing {
            self.send_existing(&page).await?;
        }
        match source.changes {
            Ok(watch) => self.follow(watch, end, stop).await,
            Err(status) => self.send_error(&status).await,
        }
    }

    /// All that exists, and the bookmark that says so.
    async fn send_existing(&mut self, page: &Page) -> Result<(), Over> {
        for entry in &page.entries {
            let Ok(stored) = self.registry.read(entry) else { continue };
            if self.selection.matches(&stored.object) {
                self.send("ADDED", stored.object).await?;
            }
        }
        if self.initial_bookmark {
            let annotations = json!({"k8s.io/initial-events-end": "true"});
            self.send_bookmark(page.revision, Some(annotations)).await?;
        }
        Ok(())
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
                        self.send_event(&event).await?;
                    }
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
        let revision = event.revision();
        let matching = |entry| self.registry.read_at(entry, revision).ok().map(|stored| stored.object);
        let now = event.entry().and_then(matching).filter(|object| self.selection.matches(object));
        let before = event.previous().and_then(matching).filter(|object| self.selection.matches(object));
        match (before, now) {
            (None, Some(object)) => self.send("ADDED", object).await,
            (Some(_), Some(object)) => self.send("MODIFIED", object).await,
            (Some(object), None) => self.send("DELETED", object).await,
            (None, None) => Ok(()),
        }
    }

    async fn send(&mut self, kind: &str, object: Value) -> Result<(), Over> {
        let object = self.view.event(object, !self.started, Timestamp::now());
        self.started = true;
        self.write(kind, &object).await
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
        self.write("BOOKMARK", &object).await
    }

    async fn send_error(&self, status: &Status) -> Result<(), Over> {
        let object = serde_json::to_value(status).unwrap_or_default();
        self.write("ERROR", &object).await
    }

    async fn write(&self, kind: &str, object: &Value) -> Result<(), Over> {
        let mut line = format!("{{\"type\":\"{kind}\",\"object\":").into_bytes();
        serde_json::to_writer(&mut line, object).map_err(|_| Over)?;
        line.extend_from_slice(b"}\n");
        self.sender.send(Ok(line.into())).await.map_err(|_| Over)
    }
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

/// How many events wait for a slow client before the store's watch is left to lag.
const BUFFERED_EVENTS: usize = 64;
const BOOKMARK_INTERVAL: Duration = Duration::from_mins(1);
/// A longer timeout than a day is no timeout.
const LONGEST: Duration = Duration::from_hours(24);
