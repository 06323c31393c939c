//! A watch of etcd that resumes where its connection broke.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use bytes::Bytes;
use tokio::sync::{mpsc, watch};
use tonic::Streaming;

use super::{
    client::Client,
    end_of, entry, failed, from_wire,
    message::{WatchCreate, WatchEvent, WatchResponse},
    to_wire,
};
use crate::{Answer, Error, Event, Revision, Watch};

/// Starts to watch what changes after `from`.
pub(super) async fn start(client: Client, prefix: &str, from: Revision) -> Result<Box<dyn Watch>, Error> {
    let (events, waiting) = mpsc::channel(BUFFER);
    let (progress, known) = watch::channel(from);
    let end = Arc::new(OnceLock::new());
    let key = if prefix.is_empty() { Bytes::from_static(b"\0") } else { prefix.to_owned().into() };
    let feed =
        Feed { client, key, range_end: end_of(prefix), after: from, events, progress, end: end.clone() };
    let responses = feed.client.watch(feed.create()).await.map_err(failed)?;
    tokio::spawn(feed.run(responses));
    Ok(Box::new(EtcdWatch { waiting, known, end, taken: from }))
}

/// The task that reads from etcd.
struct Feed {
    client: Client,
    key: Bytes,
    range_end: Bytes,
    /// The revision up to which everything was handed on.
    after: Revision,
    events: mpsc::Sender<Arc<Event>>,
    progress: watch::Sender<Revision>,
    end: Arc<OnceLock<Error>>,
}

/// The watch is over: nobody waits for it, or it said why.
struct Over;

impl Feed {
    async fn run(mut self, mut responses: Streaming<WatchResponse>) {
        let events = self.events.clone();
        tokio::select! {
            () = events.closed() => {}
            Over = async {
                loop {
                    while let Ok(Some(response)) = responses.message().await {
                        if response.canceled && response.compact_revision == 0 {
                            break;
                        }
                        if let Err(Over) = self.hand_on(response) {
                            return Over;
                        }
                    }
                    responses = self.resume().await;
                }
            } => {}
        }
    }

    async fn resume(&self) -> Streaming<WatchResponse> {
        loop {
            tokio::time::sleep(PAUSE).await;
            if let Ok(responses) = self.client.watch(self.create()).await {
                return responses;
            }
        }
    }

    fn hand_on(&mut self, response: WatchResponse) -> Result<(), Over> {
        if response.compact_revision > 0 {
            return Err(self.lagged());
        }
        if response.events.is_empty() {
            // etcd has sent all up to here.
            self.after = self.after.max(from_wire(response.header.map_or(0, |header| header.revision)));
        }
        for event in response.events {
            // Without its previous entry, which was compacted in the meantime, an event tells too little.
            let Some(event) = read(event) else { return Err(self.lagged()) };
            let revision = event.revision();
            if self.events.try_send(Arc::new(event)).is_err() {
                return Err(self.lagged());
            }
            self.after = revision;
        }
        self.progress.send_replace(self.after);
        Ok(())
    }

    fn lagged(&self) -> Over {
        let _ = self.end.set(Error::Lagged { after: self.after });
        Over
    }

    fn create(&self) -> WatchCreate {
        WatchCreate {
            key: self.key.clone(),
            range_end: self.range_end.clone(),
            start_revision: to_wire(self.after.next()),
            progress_notify: true,
            prev_kv: true,
        }
    }
}

/// The receiving end.
struct EtcdWatch {
    waiting: mpsc::Receiver<Arc<Event>>,
    known: watch::Receiver<Revision>,
    end: Arc<OnceLock<Error>>,
    taken: Revision,
}

impl Watch for EtcdWatch {
    fn next(&mut self) -> Answer<'_, Vec<Arc<Event>>> {
        Box::pin(async {
            let mut events = Vec::new();
            self.waiting.recv_many(&mut events, BATCH).await;
            let Some(last) = events.last() else {
                return Err(self.end.get().cloned().unwrap_or(Error::Closed));
            };
            self.taken = last.revision();
            Ok(events)
        })
    }

    fn progress(&self) -> Revision {
        let known = *self.known.borrow();
        if self.waiting.is_empty() { self.taken.max(known) } else { self.taken }
    }
}

fn read(event: WatchEvent) -> Option<Event> {
    const PUT: i32 = 0;
    let kv = event.kv?;
    let previous = event.prev_kv.as_ref().map(entry).transpose().ok()?;
    if event.kind != PUT {
        return Some(Event::Delete { revision: from_wire(kv.mod_revision), previous: previous? });
    }
    let is_new = kv.create_revision == kv.mod_revision;
    let entry = entry(&kv).ok()?;
    Some(if is_new { Event::Create(entry) } else { Event::Modify { entry, previous: previous? } })
}

/// The events that may wait for a slow watch.
const BUFFER: usize = 10_000;
const BATCH: usize = 256;
const PAUSE: Duration = Duration::from_secs(1);
