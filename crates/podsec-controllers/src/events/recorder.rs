//! Writes events, one after the other.

use std::sync::Arc;

use k8s_openapi::api::core::v1::Event;
use kube::Api;
use kube::api::{Patch, PatchParams, PostParams};
use tokio::sync::mpsc;
use tokio::time::{Duration, sleep};

use super::correlator::{Correlated, Correlator};
use super::event::{EventType, event, reference};
use crate::clock::Clock;
use crate::error::Error;
use crate::informer::Object;
use crate::tasks::Tasks;

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
