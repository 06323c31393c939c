//! The watch that feeds the cache of namespaces.

use std::error::Error;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use kube::api::{ListParams, WatchEvent, WatchParams};
use kube::core::PartialObjectMeta;
use podsec_admission::NamespaceLabels;
use tokio::time::{Instant, sleep, timeout};

use super::namespaces::{Gathered, Namespaces};

/// Keeps `namespaces` as the API server has them, for ever. Only their metadata is asked for, in pages. While the API
/// server is gone the cache stays as it was. `listed` is called whenever the cache has become complete.
pub async fn watch(client: kube::Client, namespaces: Arc<Namespaces>, listed: impl Fn()) {
    let watch = Watch { api: Api::all(client), namespaces };
    let mut patience = Patience::default();
    watch.namespaces.set_watched(false);
    loop {
        match watch.list().await {
            Ok(revision) => {
                listed();
                watch.follow(revision, &mut patience).await;
                tracing::info!("the revision of the last namespace is gone; listing all again");
            }
            Err(error) => watch.wait(&error, &mut patience).await,
        }
    }
}

struct Watch {
    api: Api<Namespace>,
    namespaces: Arc<Namespaces>,
}

/// Why one watch is over.
enum End {
    /// The server closed it, as it does after some time.
    Closed,
    /// It failed, and may go on from where it was.
    Failed(Box<dyn Error + Send + Sync>),
    /// The server has forgotten what came after the last revision.
    Gone,
}

impl Watch {
    /// Replaces the cache by all namespaces, and says which revision they are of.
    async fn list(&self) -> Result<String, kube::Error> {
        let mut gathered = Gathered::default();
        let mut page = ListParams::default().limit(PAGE);
        loop {
            let list = self.api.list_metadata(&page).await?;
            for namespace in &list.items {
                self.namespaces.gather(&mut gathered, name(namespace), labels(namespace));
            }
            let Some(next) = list.metadata.continue_.filter(|token| !token.is_empty()) else {
                self.namespaces.replace(gathered);
                tracing::info!(namespaces = self.namespaces.len(), "namespaces listed");
                return Ok(list.metadata.resource_version.unwrap_or_default());
            };
            page = page.continue_token(&next);
        }
    }

    /// Takes up every change after `revision`, until the server no longer knows that revision.
    async fn follow(&self, mut revision: String, patience: &mut Patience) {
        loop {
            let begun = Instant::now();
            match self.one(&mut revision).await {
                End::Gone => return,
                End::Failed(error) => self.wait(error.as_ref(), patience).await,
                End::Closed if begun.elapsed() >= HEALTHY => patience.renew(),
                End::Closed => self.wait(&ClosedEarly, patience).await,
            }
        }
    }

    async fn one(&self, revision: &mut String) -> End {
        let parameters = WatchParams { timeout: Some(WATCH_SECONDS), ..WatchParams::default() };
        let events = match self.api.watch_metadata(&parameters, revision).await {
            Ok(events) => events,
            Err(kube::Error::Api(status)) if status.code == GONE => return End::Gone,
            Err(error) => return End::Failed(error.into()),
        };
        let mut events = pin!(events);
        self.namespaces.set_watched(true);
        let silence = Duration::from_secs(u64::from(WATCH_SECONDS) + 5);
        loop {
            let Ok(event) = timeout(silence, events.next()).await else {
                return End::Failed(Box::new(Silent));
            };
            match event {
                Some(Ok(WatchEvent::Added(namespace) | WatchEvent::Modified(namespace))) => {
                    self.namespaces.insert(name(&namespace), labels(&namespace));
                    advance(revision, namespace.metadata.resource_version);
                }
                Some(Ok(WatchEvent::Deleted(namespace))) => {
                    self.namespaces.remove(name(&namespace));
                    advance(revision, namespace.metadata.resource_version);
                }
                Some(Ok(WatchEvent::Bookmark(bookmark))) => {
                    advance(revision, Some(bookmark.metadata.resource_version));
                }
                Some(Ok(WatchEvent::Error(status))) if status.code == GONE => return End::Gone,
                Some(Ok(WatchEvent::Error(status))) => {
                    return End::Failed(kube::Error::Api(status.boxed()).into());
                }
                Some(Err(error)) => return End::Failed(error.into()),
                None => return End::Closed,
            }
        }
    }

    /// Waits before the next attempt, longer each time.
    async fn wait(&self, error: &(dyn Error + Send + Sync + 'static), patience: &mut Patience) {
        self.namespaces.set_watched(false);
        let delay = patience.next();
        tracing::warn!(
            error = chain(error),
            retry_milliseconds = delay.as_millis(),
            namespaces = self.namespaces.len(),
            "watching namespaces failed; reviews go on from the cache"
        );
        sleep(delay).await;
    }
}

fn advance(revision: &mut String, seen: Option<String>) {
    if let Some(seen) = seen.filter(|seen| !seen.is_empty()) {
        *revision = seen;
    }
}

fn name(namespace: &PartialObjectMeta<Namespace>) -> &str {
    namespace.metadata.name.as_deref().unwrap_or_default()
}

fn labels(namespace: &PartialObjectMeta<Namespace>) -> NamespaceLabels {
    namespace.metadata.labels.iter().flatten().collect()
}

#[derive(Debug, thiserror::Error)]
#[error("the API server closed the watch at once")]
struct ClosedEarly;

#[derive(Debug, thiserror::Error)]
#[error("nothing came for longer than the watch may last")]
struct Silent;

/// The pauses between attempts. What is watched changes rarely and webhooks are few, so that trying every few seconds costs
/// the API server nothing.
pub(crate) struct Patience {
    delay: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { delay: FIRST_DELAY }
    }
}

impl Patience {
    pub(crate) fn next(&mut self) -> Duration {
        let delay = self.delay;
        self.delay = (delay * 2).min(LAST_DELAY);
        delay
    }

    pub(crate) fn renew(&mut self) {
        *self = Self::default();
    }
}

/// An error with its causes, as one line.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let cause = error.to_string();
        // Some errors repeat their cause in their own words.
        if !text.ends_with(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
        source = error.source();
    }
    text
}

/// How many namespaces are in memory with all their metadata at one time.
const PAGE: u32 = 500;
/// How long one watch lasts. A connection that died in silence is noticed five seconds later.
const WATCH_SECONDS: u32 = 120;
/// A watch that lasted this long was none that is refused at once.
const HEALTHY: Duration = Duration::from_secs(1);
const FIRST_DELAY: Duration = Duration::from_millis(200);
const LAST_DELAY: Duration = Duration::from_secs(5);
const GONE: u16 = 410;
