//! The quota controller: counts again what a namespace with quotas holds when something there is less, or other.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use podsec_apimachinery::Status;
use podsec_apimachinery::meta::Meta;
use podsec_kinds::object::Fields;
use podsec_storage::{Entry, Error, Event, Range};
use serde_json::Value;
use tokio::time::sleep;

use super::retries::Retries;
use crate::admission::built_in::quota::evaluator::Evaluator;
use crate::admission::built_in::quota::recount::recount;
use crate::apiserver::ApiServer;
use crate::registry::{custom_directory, status};

/// Counts in all namespaces that have quotas: a server that was killed may have charged for what was never stored.
///
/// # Errors
/// When the store fails.
pub(crate) async fn recount_all(api: &ApiServer) -> Result<(), Status> {
    let Some(quotas) = api.builtin("", "v1", "resourcequotas") else { return Ok(()) };
    let prefix = quotas.prefix("");
    let page = api.store.range(Range::prefix(&prefix)).await.map_err(|error| status(&error))?;
    let namespaces: BTreeSet<&str> =
        page.entries.iter().filter_map(|entry| namespace_of(&entry.key)).collect();
    for namespace in namespaces {
        recount(&api.resources, &api.quotas, namespace).await?;
    }
    Ok(())
}

/// Follows all objects.
pub(super) async fn run(api: Arc<ApiServer>) {
    let Some(controller) = Controller::new(api) else { return };
    loop {
        // After a gap all is counted again.
        if let Error::Closed = controller.follow().await {
            return;
        }
        sleep(Duration::from_secs(1)).await;
    }
}

struct Controller {
    api: Arc<ApiServer>,
    /// Where quotas are kept.
    quotas: String,
    /// Where the definitions of custom resources are kept.
    definitions: String,
    /// Where those objects are kept that can use more or less while they are there.
    changing: Vec<(String, Evaluator)>,
}

impl Controller {
    fn new(api: Arc<ApiServer>) -> Option<Self> {
        let prefix = |resource: &str| Some(api.builtin("", "v1", resource)?.prefix(""));
        let quotas = prefix("resourcequotas")?;
        let changing = ["pods", "services", "persistentvolumeclaims"].into_iter();
        let changing =
            changing.filter_map(|resource| Some((prefix(resource)?, Evaluator::of("", resource)?))).collect();
        let definitions = custom_directory("apiextensions.k8s.io", "customresourcedefinitions") + "/";
        Some(Self { api, quotas, definitions, changing })
    }

    /// Works until the store does not tell what changes any more, and why.
    async fn follow(&self) -> Error {
        let store = &self.api.store;
        let page = match store.range(Range::prefix(&self.quotas)).await {
            Ok(page) => page,
            Err(error) => return error,
        };
        let mut namespaces = BTreeSet::new();
        for namespace in page.entries.iter().filter_map(|entry| namespace_of(&entry.key)) {
            namespaces.insert(namespace.to_owned());
            self.api.quotas.doubt(namespace);
        }
        let mut watch = match store.watch(ALL, page.revision).await {
            Ok(watch) => watch,
            Err(error) => return error,
        };
        let mut retries = Retries::new();
        loop {
            tokio::select! {
                events = watch.next() => match events {
                    Ok(events) => {
                        for event in events {
                            self.note(&event, &mut namespaces);
                        }
                    }
                    Err(error) => return error,
                },
                namespace = self.api.quotas.next_uncertain() => self.recount(namespace, &mut retries).await,
                namespace = retries.next() => self.recount(namespace, &mut retries).await,
            }
        }
    }

    async fn recount(&self, namespace: String, retries: &mut Retries<String>) {
        let counted = recount(&self.api.resources, &self.api.quotas, &namespace).await;
        if let Err(error) = &counted {
            tracing::debug!(namespace, message = error.message, "cannot count what the quotas count");
        }
        retries.note(namespace, counted.is_ok());
    }

    /// Finds out where something must be counted again. What is created was counted when it was admitted.
    fn note(&self, event: &Event, namespaces: &mut BTreeSet<String>) {
        let key = event.key();
        if key.starts_with(&self.quotas) {
            if let Some(quota) = event.entry().and_then(read)
                && quota.at("spec").at("hard") != quota.at("status").at("hard")
            {
                let namespace = Meta::of(&quota).namespace();
                namespaces.insert(namespace.to_owned());
                self.api.quotas.doubt(namespace);
            }
            return;
        }
        if key.starts_with(&self.definitions) {
            // There may be something new to count.
            for namespace in namespaces.iter() {
                self.api.quotas.doubt(namespace);
            }
            return;
        }
        let Some(namespace) = namespace_of(key).filter(|namespace| namespaces.contains(*namespace)) else {
            return;
        };
        let is_affected = match event {
            Event::Create(_) => false,
            Event::Delete { .. } => true,
            Event::Modify { entry, previous } => self.is_affected(previous, entry),
        };
        if is_affected {
            self.api.quotas.doubt(namespace);
        }
    }

    fn is_affected(&self, previous: &Entry, entry: &Entry) -> bool {
        let changing = self.changing.iter().find(|(prefix, _)| entry.key.starts_with(prefix.as_str()));
        let Some((_, evaluator)) = changing else { return false };
        match (read(previous), read(entry)) {
            (Some(old), Some(new)) => evaluator.is_affected(&old, &new, Timestamp::now()),
            _ => true,
        }
    }
}

fn read(entry: &Entry) -> Option<Value> {
    serde_json::from_slice(&entry.value).ok()
}

/// The namespace in the key of an object that has one.
fn namespace_of(key: &str) -> Option<&str> {
    key.rsplit('/').nth(1)
}

/// What all keys of objects start with.
const ALL: &str = "/registry/";
