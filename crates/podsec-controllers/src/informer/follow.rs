//! Lists the objects of a kind, follows their changes, and begins anew when the server no longer knows where we were.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use kube::Api;
use kube::api::{ListParams, WatchEvent, WatchParams};
use tokio::time::{Instant, sleep, timeout};

use super::cache::Cache;
use super::object::Object;

/// Keeps `cache` as the API server has it, for ever. While the API server is gone the cache stays as it was.
pub(super) async fn follow<K: Object>(client: kube::Client, cache: Arc<Cache<K>>) {
    let api: Api<K> = Api::all(client);
    let mut delay = Delay::default();
    loop {
        match list(&api, &cache).await {
            Ok(revision) => changes(&api, &cache, revision, &mut delay).await,
            Err(error) => delay.after::<K>(&error.to_string()).await,
        }
    }
}

/// Replaces the cache by all objects, and says which revision they are of.
async fn list<K: Object>(api: &Api<K>, cache: &Cache<K>) -> Result<String, kube::Error> {
    let mut objects = Vec::new();
    let mut page = ListParams::default().limit(PAGE);
    loop {
        let list = api.list(&page).await?;
        objects.extend(list.items);
        let Some(next) = list.metadata.continue_.filter(|token| !token.is_empty()) else {
            let revision = list.metadata.resource_version.unwrap_or_default();
            cache.replace(objects, revision.parse().unwrap_or(0));
            return Ok(revision);
        };
        page = page.continue_token(&next);
    }
}

/// Takes in every change after `revision`, until the server no longer knows that revision.
async fn changes<K: Object>(api: &Api<K>, cache: &Cache<K>, mut revision: String, delay: &mut Delay) {
    loop {
        let begun = Instant::now();
        match one_watch(api, cache, &mut revision).await {
            End::Gone => return,
            End::Failed(error) => delay.after::<K>(&error).await,
            End::Closed if begun.elapsed() >= HEALTHY => *delay = Delay::default(),
            End::Closed => delay.after::<K>("the API server closed the watch at once").await,
        }
    }
}

/// Why one watch is over.
enum End {
    /// The server closed it, as it does after some time.
    Closed,
    /// It failed, and may go on from where it was.
    Failed(String),
    /// The server has forgotten what came after the last revision.
    Gone,
}

async fn one_watch<K: Object>(api: &Api<K>, cache: &Cache<K>, revision: &mut String) -> End {
    let parameters = WatchParams::default().timeout(WATCH_SECONDS);
    let events = match api.watch(&parameters, revision).await {
        Ok(events) => events,
        Err(kube::Error::Api(status)) if status.code == GONE => return End::Gone,
        Err(error) => return End::Failed(error.to_string()),
    };
    let mut events = pin!(events);
    let silence = Duration::from_secs(u64::from(WATCH_SECONDS) + 5);
    loop {
        let Ok(event) = timeout(silence, events.next()).await else {
            return End::Failed("nothing came for longer than the watch may last".to_owned());
        };
        match event {
            Some(Ok(WatchEvent::Added(object) | WatchEvent::Modified(object))) => {
                advance(revision, object.meta().resource_version.as_ref());
                cache.saw(object);
            }
            Some(Ok(WatchEvent::Deleted(object))) => {
                advance(revision, object.meta().resource_version.as_ref());
                cache.saw_deleted(&object);
            }
            Some(Ok(WatchEvent::Bookmark(bookmark))) => {
                cache.bookmark(bookmark.metadata.resource_version.parse().unwrap_or(0));
                advance(revision, Some(&bookmark.metadata.resource_version));
            }
            Some(Ok(WatchEvent::Error(status))) if status.code == GONE => return End::Gone,
            Some(Ok(WatchEvent::Error(status))) => return End::Failed(status.message),
            Some(Err(error)) => return End::Failed(error.to_string()),
            None => return End::Closed,
        }
    }
}

fn advance(revision: &mut String, seen: Option<&String>) {
    if let Some(seen) = seen.filter(|seen| !seen.is_empty()) {
        revision.clone_from(seen);
    }
}

/// The pauses between attempts, longer each time.
struct Delay(Duration);

impl Default for Delay {
    fn default() -> Self {
        Self(Duration::from_millis(200))
    }
}

impl Delay {
    async fn after<K: Object>(&mut self, error: &str) {
        let kind = K::kind(&());
        tracing::warn!(error, %kind, retry_milliseconds = self.0.as_millis(), "a controller cannot read this kind");
        sleep(self.0).await;
        self.0 = (self.0 * 2).min(Duration::from_secs(30));
    }
}

/// The objects of one page of a list.
const PAGE: u32 = 500;
/// How long one watch lasts.
const WATCH_SECONDS: u32 = 290;
/// A watch that lasted this long was none that is refused at once.
const HEALTHY: Duration = Duration::from_secs(1);
const GONE: u16 = 410;
