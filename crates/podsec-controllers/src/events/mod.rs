//! Events: what controllers tell people about objects.

mod correlator;
mod recent;

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Event, EventSource, ObjectReference};
use kube::Api;
use kube::api::{Patch, PatchParams, PostParams};
use kube::core::ObjectMeta;
use tokio::sync::mpsc;
use tokio::time::{Duration, sleep};

use crate::clock::{Clock, time};
use crate::error::Error;
use crate::informer::Object;
use crate::tasks::Tasks;
use correlator::{Correlated, Correlator};

/// Whether an event tells of something good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventType {
    /// It does.
    Normal,
    /// It does not.
    Warning,
}

impl EventType {
    fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "Normal",
            Self::Warning => "Warning",
        }
    }
}

/// Writes the events of one controller, in the order in which they came, as client-go's recorder does: what repeats
/// itself is counted in one event, what is similar is gathered into one, and what is too much is dropped.
#[derive(Clone)]
pub struct Recorder {
    component: Arc<str>,
    clock: Clock,
    queue: mpsc::Sender<Event>,
}

impl Recorder {
    pub(crate) fn new(component: &str, client: kube::Client, clock: &Clock, tasks: &Tasks) -> Self {
        let (queue, events) = mpsc::channel(QUEUED);
        tasks.spawn(write(events, client, clock.clone()));
        Self { component: component.into(), clock: clock.clone(), queue }
    }

    /// Tells something about `object`.
    pub fn event<K: Object>(&self, object: &K, event_type: EventType, reason: &str, message: &str) {
        let event = event(&self.component, &reference(object), event_type, reason, message, self.clock.now());
        // Events are the first to go when there is too much to do.
        if self.queue.try_send(event).is_err() {
            tracing::debug!(reason, message, "an event is dropped");
        }
    }
}

/// How other objects point to `object`.
pub fn reference<K: Object>(object: &K) -> ObjectReference {
    let meta = object.meta();
    ObjectReference {
        api_version: Some(K::api_version(&()).into_owned()),
        kind: Some(K::kind(&()).into_owned()),
        namespace: meta.namespace.clone(),
        name: meta.name.clone(),
        uid: meta.uid.clone(),
        resource_version: meta.resource_version.clone(),
        field_path: None,
    }
}

fn event(
    component: &str,
    object: &ObjectReference,
    event_type: EventType,
    reason: &str,
    message: &str,
    now: Timestamp,
) -> Event {
    // Events of objects without a namespace are kept where everybody finds them.
    let namespace = object.namespace.clone().filter(|namespace| !namespace.is_empty());
    Event {
        metadata: ObjectMeta {
            name: Some(event_name(object, now)),
            namespace: Some(namespace.unwrap_or_else(|| "default".to_owned())),
            ..ObjectMeta::default()
        },
        involved_object: object.clone(),
        reason: Some(reason.to_owned()),
        message: Some(message.to_owned()),
        source: Some(EventSource { component: Some(component.to_owned()), host: None }),
        first_timestamp: Some(time(now)),
        last_timestamp: Some(time(now)),
        count: Some(1),
        type_: Some(event_type.as_str().to_owned()),
        reporting_component: Some(component.to_owned()),
        reporting_instance: Some(String::new()),
        ..Event::default()
    }
}

fn event_name(object: &ObjectReference, now: Timestamp) -> String {
    format!("{}.{:x}", object.name.as_deref().unwrap_or_default(), now.as_nanosecond())
}

async fn write(mut events: mpsc::Receiver<Event>, client: kube::Client, clock: Clock) {
    let mut correlator = Correlator::default();
    while let Some(event) = events.recv().await {
        let correlated = correlator.correlate(event, clock.now());
        for _ in 0..ATTEMPTS {
            match send(&client, &correlated).await {
                Ok(written) => {
                    if let Some(written) = written {
                        correlator.wrote(&written);
                    }
                    break;
                }
                Err(error) if error.status().is_some() => {
                    tracing::debug!(%error, "an event was refused");
                    break;
                }
                Err(_) => sleep(PAUSE).await,
            }
        }
    }
}

async fn send(client: &kube::Client, correlated: &Correlated) -> Result<Option<Event>, Error> {
    let (event, patch) = match correlated {
        Correlated::Drop => return Ok(None),
        Correlated::Create(event) => (event, None),
        Correlated::Patch(event, patch) => (event, Some(patch)),
    };
    let api: Api<Event> =
        Api::namespaced(client.clone(), event.metadata.namespace.as_deref().unwrap_or_default());
    if let Some(patch) = patch {
        let name = event.metadata.name.as_deref().unwrap_or_default();
        let patched = api.patch(name, &PatchParams::default(), &Patch::Strategic(patch)).await;
        match patched.map_err(Error::from) {
            // It has expired meanwhile.
            Err(error) if error.is_not_found() => {}
            patched => return patched.map(Some),
        }
    }
    Ok(Some(api.create(&PostParams::default(), event).await?))
}

/// The events that wait to be written.
const QUEUED: usize = 1000;
/// How often an event is tried that the API server does not answer, and after what pause.
const ATTEMPTS: usize = 12;
const PAUSE: Duration = Duration::from_secs(10);
