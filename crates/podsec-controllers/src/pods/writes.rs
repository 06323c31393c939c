//! Making and deleting pods, told to people in events of their owner.

use std::sync::Arc;

use futures::future::join_all;
use k8s_openapi::api::core::v1::Pod;

use crate::error::{Error, Result};
use crate::events::{EventType, Recorder};
use crate::informer::Object;
use crate::key::ObjectKey;
use crate::objects::Objects;

/// Makes and deletes pods for one controller.
pub(crate) struct PodWriter {
    pub(crate) pods: Objects<Pod>,
    pub(crate) events: Recorder,
}

impl PodWriter {
    /// Makes a pod and tells so at `owner`.
    pub(crate) async fn create<O: Object>(&self, owner: &O, pod: &Pod) -> Result<Pod> {
        if pod.metadata.labels.as_ref().is_none_or(std::collections::BTreeMap::is_empty) {
            return Err(Error::Object("unable to create pods, no labels".to_owned()));
        }
        match self.pods.create(pod).await {
            Ok(created) => {
                let name = created.metadata.name.as_deref().unwrap_or_default();
                self.events.event(
                    owner,
                    EventType::Normal,
                    "SuccessfulCreate",
                    &format!("Created pod: {name}"),
                );
                Ok(created)
            }
            Err(error) => {
                if !error.is_namespace_terminating() {
                    let message = format!("Error creating: {error}");
                    self.events.event(owner, EventType::Warning, "FailedCreate", &message);
                }
                Err(error)
            }
        }
    }

    /// Deletes a pod and tells so at `owner`. One that is not there any more is no error.
    pub(crate) async fn delete<O: Object>(&self, owner: &O, pod: &Pod) -> Result<()> {
        let name = ObjectKey::of(pod).name;
        match self.pods.delete(pod).await {
            Ok(()) => {
                self.events.event(
                    owner,
                    EventType::Normal,
                    "SuccessfulDelete",
                    &format!("Deleted pod: {name}"),
                );
                Ok(())
            }
            Err(error) if error.is_not_found() => Ok(()),
            Err(error) => {
                self.events.event(
                    owner,
                    EventType::Warning,
                    "FailedDelete",
                    &format!("Error deleting: {error}"),
                );
                Err(error)
            }
        }
    }

    /// Makes pods in batches that begin with one and double as long as all goes well, so that what refuses one pod is not
    /// asked about all of them. In a namespace that is going nothing is made, which is no error.
    pub(crate) async fn create_slowly<O: Object>(&self, owner: &O, pods: &[Pod]) -> Result<()> {
        self.create_counted(owner, pods).await.1.map_or(Ok(()), Err)
    }

    /// The same, and how many have been made.
    pub(crate) async fn create_counted<O: Object>(&self, owner: &O, pods: &[Pod]) -> (usize, Option<Error>) {
        let (mut rest, mut size, mut made) = (pods, 1, 0);
        while !rest.is_empty() {
            let (batch, later) = rest.split_at(size.min(rest.len()));
            let mut failure = None;
            for some in batch.chunks(AT_ONCE) {
                let mut created = Vec::new();
                for pod in some {
                    created.push(self.create(owner, pod));
                }
                for outcome in join_all(created).await {
                    match outcome {
                        Ok(_) => made += 1,
                        Err(error) if error.is_namespace_terminating() => {}
                        Err(error) => failure = failure.or(Some(error)),
                    }
                }
            }
            if failure.is_some() {
                return (made, failure);
            }
            rest = later;
            size *= 2;
        }
        (made, None)
    }

    /// Deletes pods.
    ///
    /// # Errors
    /// The first refusal, after all of them have been tried.
    pub(crate) async fn delete_all<O: Object>(&self, owner: &O, pods: &[Arc<Pod>]) -> Result<()> {
        let mut outcome = Ok(());
        for some in pods.chunks(AT_ONCE) {
            let mut deleted = Vec::new();
            for pod in some {
                deleted.push(self.delete(owner, pod));
            }
            let deleted: Result<Vec<()>> = join_all(deleted).await.into_iter().collect();
            outcome = outcome.and(deleted.map(drop));
        }
        outcome
    }
}

/// Requests at one time, for one owner.
const AT_ONCE: usize = 16;
