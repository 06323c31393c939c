//! The controller of CustomResourceDefinitions: accepts their names, serves what they define, and empties those that
//! are deleted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use jiff::Timestamp;
use podsec_apimachinery::Status;
use podsec_apimachinery::meta::Meta;
use podsec_apimachinery::schema::catalog::Resource;
use podsec_storage::{Entry, Error, Event, Precondition, Range};
use serde_json::{Map, Value, json};
use tokio::time::sleep;

use super::retries::Retries;
use crate::apiserver::ApiServer;
use crate::client::Client;
use crate::registry::{Registry, custom_directory, status};
use crate::request::user::{MASTERS, User};
use podsec_kinds::custom::names::{self, Taken};
use podsec_kinds::custom::{CLEANUP, of_definition};
use podsec_kinds::object::as_map;

/// Serves the definitions that were established before the server started.
///
/// # Errors
/// When the store fails.
pub(crate) async fn load(api: &ApiServer) -> Result<(), Status> {
    let Some(registry) = registry(api) else { return Ok(()) };
    let page = api.store.range(Range::prefix(&registry.prefix(""))).await.map_err(|error| status(&error))?;
    for entry in &page.entries {
        if let Ok(stored) = registry.read(entry) {
            serve(api, &stored.object);
        }
    }
    Ok(())
}

/// Follows the definitions.
pub(super) async fn run(api: Arc<ApiServer>) {
    let client = Client::new(&api, User::new("system:apiserver", &[MASTERS]), "podsec/definitions");
    let Some(registry) = registry(&api) else { return };
    loop {
        if let Error::Closed = follow(&client, &registry).await {
            return;
        }
        sleep(Duration::from_secs(1)).await;
    }
}

/// Works until the store does not tell what changes any more, and why.
async fn follow(client: &Client, registry: &Registry) -> Error {
    let store = registry.store();
    let prefix = registry.prefix("");
    let page = match store.range(Range::prefix(&prefix)).await {
        Ok(page) => page,
        Err(error) => return error,
    };
    let mut controller = Controller::new(client, registry);
    controller.begin(&page.entries).await;
    let mut watch = match store.watch(&prefix, page.revision).await {
        Ok(watch) => watch,
        Err(error) => return error,
    };
    loop {
        let events = tokio::select! {
            events = watch.next() => events,
            name = controller.retries.next() => {
                controller.settle(&name).await;
                continue;
            }
        };
        match events {
            Ok(events) => {
                for event in events {
                    controller.see(&event).await;
                }
            }
            Err(error) => return error,
        }
    }
}

fn registry(api: &ApiServer) -> Option<Registry> {
    api.builtin("apiextensions.k8s.io", "v1", "customresourcedefinitions")
}

struct Controller<'a> {
    client: &'a Client,
    registry: &'a Registry,
    definitions: BTreeMap<String, Value>,
    /// The uids of those whose objects are being deleted.
    emptied: BTreeSet<String>,
    /// The names of those whose status could not be written.
    retries: Retries<String>,
}

impl<'a> Controller<'a> {
    fn new(client: &'a Client, registry: &'a Registry) -> Self {
        Self {
            client,
            registry,
            definitions: BTreeMap::new(),
            emptied: BTreeSet::new(),
            retries: Retries::new(),
        }
    }

    async fn begin(&mut self, entries: &[Entry]) {
        for entry in entries {
            if let Ok(stored) = self.registry.read(entry) {
                self.definitions.insert(Meta::of(&stored.object).name().to_owned(), stored.object);
            }
        }
        // After a gap in the watch some may be gone.
        let api = self.client.api();
        let served = api.served();
        for (group, plural) in served.definitions() {
            if !self.definitions.contains_key(&format!("{plural}.{group}")) {
                api.serve_definition(group, plural, &[]);
            }
        }
        for name in self.definitions.keys().cloned().collect::<Vec<_>>() {
            self.settle(&name).await;
        }
    }

    async fn see(&mut self, event: &Event) {
        match event {
            Event::Create(entry) | Event::Modify { entry, .. } => {
                let Ok(stored) = self.registry.read(entry) else { return };
                let name = Meta::of(&stored.object).name().to_owned();
                self.definitions.insert(name.clone(), stored.object);
                self.settle(&name).await;
            }
            Event::Delete { previous, .. } => {
                let Ok(stored) = self.registry.read(previous) else { return };
                let name = Meta::of(&stored.object).name();
                self.definitions.remove(name);
                self.retries.note(name.to_owned(), true);
                self.emptied.remove(Meta::of(&stored.object).uid());
                let (group, plural) = group_and_plural(&stored.object);
                self.client.api().serve_definition(group, plural, &[]);
                self.settle_waiting(group).await;
            }
        }
    }

    /// Accepts the names of a definition and serves it, or begins to empty it.
    async fn settle(&mut self, name: &str) {
        let Some(definition) = self.definitions.get(name) else { return };
        let api = self.client.api();
        if Meta::of(definition).is_being_deleted() {
            serve(api, definition);
            let waits = Meta::of(definition).finalizers().any(|finalizer| finalizer == CLEANUP);
            if waits && self.emptied.insert(Meta::of(definition).uid().to_owned()) {
                let work = empty(self.client.clone(), self.registry.clone(), definition.clone());
                tokio::spawn(super::until_stopped(Arc::clone(api), work));
            }
            return;
        }
        let (group, _) = group_and_plural(definition);
        let mut taken = Taken::default();
        for (other, definition) in &self.definitions {
            if other != name && group_and_plural(definition).0 == group {
                taken.add(definition);
            }
        }
        let status = names::status(definition, &taken, Timestamp::now());
        let mut settled = definition.clone();
        as_map(&mut settled).insert("status".to_owned(), status);
        // Before anybody reads that it is established.
        serve(api, &settled);
        if settled.get("status") != definition.get("status") {
            let path = format!("{DEFINITIONS}/{name}/status");
            let (code, _) = self.client.update(&path, &settled).await;
            // When someone else was faster, the change comes by here too.
            let is_done = code.is_success() || matches!(code, StatusCode::CONFLICT | StatusCode::NOT_FOUND);
            if is_done {
                self.definitions.insert(name.to_owned(), settled);
            }
            self.retries.note(name.to_owned(), is_done);
        }
    }

    /// Looks again at those whose names were taken.
    async fn settle_waiting(&mut self, group: &str) {
        let waits = |definition: &Value| {
            group_and_plural(definition).0 == group && !names::is_true(status_of(definition), "NamesAccepted")
        };
        let waiting = self.definitions.iter().filter(|(_, definition)| waits(definition));
        for name in waiting.map(|(name, _)| name.clone()).collect::<Vec<_>>() {
            self.settle(&name).await;
        }
    }
}

/// Serves a definition if it is established.
fn serve(api: &ApiServer, definition: &Value) {
    if names::is_true(status_of(definition), "Established") {
        let (group, plural) = group_and_plural(definition);
        api.serve_definition(group, plural, &of_definition(definition));
    }
}

/// Deletes the objects of a definition, then lets it go.
async fn empty(client: Client, registry: Registry, definition: Value) {
    let (group, plural) = group_and_plural(&definition);
    let prefix = custom_directory(group, plural) + "/";
    let mut patience = Duration::from_millis(20);
    loop {
        if let Ok(page) = client.api().store.range(Range::prefix(&prefix)).await {
            if page.entries.is_empty() && release(&client, &registry, &definition).await {
                return;
            }
            for entry in &page.entries {
                delete(&client, group, plural, entry).await;
            }
        }
        sleep(patience).await;
        patience = (patience * 2).min(LONGEST);
    }
}

/// Takes the finalizer away from a definition without objects. Whether nothing is left to be done.
async fn release(client: &Client, registry: &Registry, definition: &Value) -> bool {
    let (name, uid) = (Meta::of(definition).name(), Meta::of(definition).uid());
    let stored = match registry.find("", name).await {
        Ok(Some(stored)) if Meta::of(&stored.object).uid() == uid => stored,
        Ok(_) => return true,
        Err(_) => return false,
    };
    let meta = Meta::of(&stored.object);
    let rest: Vec<&str> = meta.finalizers().filter(|finalizer| *finalizer != CLEANUP).collect();
    let patch = json!({"metadata": {"uid": uid, "finalizers": rest}});
    let (code, _) = client.merge_patch(&format!("{DEFINITIONS}/{name}"), &patch).await;
    code.is_success() || code == StatusCode::NOT_FOUND
}

/// Deletes one object through any version that is served; when there is none, nobody can see it go.
async fn delete(client: &Client, group: &str, plural: &str, entry: &Entry) {
    let Ok(object) = serde_json::from_slice::<Value>(&entry.value) else { return };
    let meta = Meta::of(&object);
    let served = client.api().served();
    let versions = served.catalog.resources();
    let versions = versions.filter(|resource| resource.group == group && resource.resource == plural);
    // In the version that it is stored in, nobody has to convert it.
    let is_own = |resource: &&Arc<Resource>| object.get("apiVersion") == Some(&resource.api_version().into());
    let resource = versions.max_by_key(is_own);
    let Some(resource) = resource else {
        let precondition = Precondition::Revision(entry.revision);
        let change = podsec_storage::Change::Delete;
        if let Err(error) = client.api().store.commit(&entry.key, precondition, change).await {
            tracing::debug!(%error, key = %entry.key, "an object of a deleted definition stays for now");
        }
        return;
    };
    let namespace =
        if resource.namespaced { format!("/namespaces/{}", meta.namespace()) } else { String::new() };
    let path = format!("/apis/{group}/{}{namespace}/{plural}/{}", resource.version, meta.name());
    let options = json!({"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {"uid": meta.uid()}});
    client.delete(&path, &options).await;
}

fn group_and_plural(definition: &Value) -> (&str, &str) {
    let text = |path: &str| definition.pointer(path).and_then(Value::as_str).unwrap_or_default();
    (text("/spec/group"), text("/spec/names/plural"))
}

fn status_of(definition: &Value) -> &Map<String, Value> {
    static NOTHING: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
    definition.get("status").and_then(Value::as_object).unwrap_or(&NOTHING)
}

const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const LONGEST: Duration = Duration::from_secs(5);
