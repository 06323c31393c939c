//! The garbage collector: what an object owned goes with it, or is set free when the client says so.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use podsec_apimachinery::codec::json::parse_tree;
use podsec_apimachinery::meta::{Meta, OwnerReference};
use podsec_apimachinery::schema::catalog::group_version;
use podsec_storage::{Entry, Error, Event, Range};
use serde_json::{Value, json};

use super::path_of;
use super::retries::Retries;
use crate::apiserver::ApiServer;
use crate::client::Client;
use crate::request::User;
use crate::request::options::{FOREGROUND, ORPHAN};

/// Follows all changes of the store.
pub(super) async fn run(api: Arc<ApiServer>) {
    let groups = ["system:serviceaccounts", "system:serviceaccounts:kube-system"];
    let user = User::new("system:serviceaccount:kube-system:generic-garbage-collector", &groups);
    let client = Client::new(&api, user, "podsec/garbage-collector");
    loop {
        // After a gap in the watch everything is read again.
        if let Error::Closed = follow(&client).await {
            return;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Works until the store does not tell what changes any more, and why.
async fn follow(client: &Client) -> Error {
    let store = &client.api().store;
    let page = match store.range(Range::prefix(ROOT)).await {
        Ok(page) => page,
        Err(error) => return error,
    };
    let mut collector =
        Collector { client, dependents: HashMap::new(), gone: HashMap::new(), waiting: HashMap::new() };
    let mut retries = Retries::new();
    for entry in &page.entries {
        let failures = client.failures();
        collector.note(entry).await;
        retries.note(Arc::clone(&entry.key), client.failures() == failures);
    }
    for entry in &page.entries {
        let failures = client.failures();
        collector.finish(entry).await;
        if client.failures() != failures {
            retries.note(Arc::clone(&entry.key), false);
        }
    }
    let mut watch = match store.watch(ROOT, page.revision).await {
        Ok(watch) => watch,
        Err(error) => return error,
    };
    drop(page);
    loop {
        let events = tokio::select! {
            events = watch.next() => events,
            key = retries.next() => {
                let failures = client.failures();
                let is_read = collector.again(&key).await.is_ok();
                retries.note(key, is_read && client.failures() == failures);
                continue;
            }
        };
        match events {
            Ok(events) => {
                for event in events {
                    let failures = client.failures();
                    collector.see(&event).await;
                    retries.note(Arc::clone(event.key()), client.failures() == failures);
                }
            }
            Err(error) => return error,
        }
    }
}

struct Collector<'a> {
    client: &'a Client,
    /// The keys of the objects that name an owner, by the owner's uid.
    dependents: HashMap<String, BTreeSet<Arc<str>>>,
    /// The uids of deleted objects that may still have dependents, by their keys.
    gone: HashMap<Arc<str>, String>,
    /// The keys of owners that go last, after the dependents that block them, by uid.
    waiting: HashMap<String, Arc<str>>,
}

impl Collector<'_> {
    async fn see(&mut self, event: &Event) {
        match event {
            Event::Create(entry) => {
                self.note(entry).await;
                self.finish(entry).await;
            }
            Event::Modify { entry, previous } => {
                self.note(entry).await;
                self.finish(entry).await;
                // It may have let go of an owner.
                self.finish_owners(previous).await;
            }
            Event::Delete { previous, .. } => {
                let Ok(object) = parse_tree(&previous.value) else { return };
                let uid = Meta::of(&object).uid();
                self.gone.insert(Arc::clone(&previous.key), uid.to_owned());
                self.collect_dependents(&previous.key).await;
                self.waiting.remove(uid);
                self.finish_owners(previous).await;
            }
        }
    }

    /// Does again what has failed for the object under `key`.
    async fn again(&mut self, key: &Arc<str>) -> Result<(), Error> {
        self.collect_dependents(key).await;
        if let Some(entry) = self.client.api().store.get(key).await? {
            self.note(&entry).await;
            self.finish(&entry).await;
        }
        Ok(())
    }

    /// Collects what an object owned that was deleted; all of it is remembered until none of it is left to be asked for.
    async fn collect_dependents(&mut self, key: &Arc<str>) {
        let Some(uid) = self.gone.get(key).cloned() else { return };
        let failures = self.client.failures();
        for dependent in self.dependents_of(&uid).await {
            self.collect(&dependent, &uid).await;
        }
        if self.client.failures() == failures {
            self.dependents.remove(&uid);
            self.gone.remove(key);
        }
    }

    /// Remembers whose dependent an object is, and collects it when that one is gone already.
    async fn note(&mut self, entry: &Entry) {
        // Most objects have no owner, and need not be read for that.
        if !contains(&entry.value, b"\"ownerReferences\"") {
            return;
        }
        let Ok(object) = parse_tree(&entry.value) else { return };
        let meta = Meta::of(&object);
        for owner in meta.owner_references() {
            if self.exists(&owner, meta.namespace()).await {
                self.dependents.entry(owner.uid.to_owned()).or_default().insert(Arc::clone(&entry.key));
            } else {
                self.collect(&object, owner.uid).await;
            }
        }
    }

    /// Whether an owner is there. Of a kind that is not served nobody can tell, so it counts as there.
    async fn exists(&self, owner: &OwnerReference<'_>, namespace: &str) -> bool {
        let api = self.client.api();
        let Some((group, version)) = group_version(owner.api_version) else { return true };
        let served = api.served();
        let Some(resource) = served.catalog.by_kind(group, version, owner.kind) else { return true };
        let namespace = if resource.namespaced { namespace } else { "" };
        match api.registry(resource).find(namespace, owner.name).await {
            Ok(Some(found)) => Meta::of(&found.object).uid() == owner.uid,
            Ok(None) => false,
            Err(_) => true,
        }
    }

    /// Looks again at the owners that wait for a dependent, now that it has changed or gone.
    async fn finish_owners(&mut self, dependent: &Entry) {
        if self.waiting.is_empty() || !contains(&dependent.value, b"\"ownerReferences\"") {
            return;
        }
        let Ok(object) = parse_tree(&dependent.value) else { return };
        for owner in Meta::of(&object).owner_references() {
            if let Some(key) = self.waiting.get(owner.uid)
                && let Ok(Some(entry)) = self.client.api().store.get(key).await
            {
                self.finish(&entry).await;
            }
        }
    }

    /// Does what the finalizers of a terminating object wait for.
    async fn finish(&mut self, entry: &Entry) {
        if !contains(&entry.value, b"\"deletionTimestamp\"") {
            return;
        }
        let Ok(object) = parse_tree(&entry.value) else { return };
        let meta = Meta::of(&object);
        let finalizers: Vec<&str> = meta.finalizers().collect();
        let uid = meta.uid();
        if finalizers.contains(&ORPHAN) {
            for dependent in self.dependents_of(uid).await {
                self.release(&dependent, uid).await;
            }
        } else if finalizers.contains(&FOREGROUND) {
            let dependents = self.dependents_of(uid).await;
            for dependent in dependents.iter().filter(|dependent| !Meta::of(dependent).is_being_deleted()) {
                self.collect(dependent, uid).await;
            }
            // One that has finalizers of its own stays for a while, and the owner with it.
            let remaining = self.dependents_of(uid).await;
            if remaining.iter().any(|dependent| blocks(dependent, uid)) {
                self.waiting.insert(uid.to_owned(), Arc::clone(&entry.key));
                return;
            }
        } else {
            return;
        }
        let rest: Vec<&str> =
            finalizers.into_iter().filter(|name| !matches!(*name, ORPHAN | FOREGROUND)).collect();
        if let Some(path) = path_of(self.client.api(), &object) {
            let patch = json!({"metadata": {"uid": uid, "finalizers": rest}});
            self.client.merge_patch(&path, &patch).await;
        }
    }

    async fn dependents_of(&self, uid: &str) -> Vec<Value> {
        let mut found = Vec::new();
        for key in self.dependents.get(uid).into_iter().flatten() {
            if let Ok(Some(entry)) = self.client.api().store.get(key).await
                && let Ok(object) = parse_tree(&entry.value)
                && Meta::of(&object).owner_references().any(|owner| owner.uid == uid)
            {
                found.push(object);
            }
        }
        found
    }

    /// Deletes a dependent, unless somebody else owns it too.
    async fn collect(&self, dependent: &Value, uid: &str) {
        if Meta::of(dependent).owner_references().any(|owner| owner.uid != uid) {
            return self.release(dependent, uid).await;
        }
        if let Some(path) = path_of(self.client.api(), dependent) {
            let meta = Meta::of(dependent);
            let has = |finalizer: &str| meta.finalizers().any(|name| name == finalizer);
            // Below an owner that goes last, dependents go before what they own, too.
            let last = self.waits(dependent, uid).await && !self.dependents_of(meta.uid()).await.is_empty();
            let policy = match () {
                () if has(ORPHAN) => "Orphan",
                () if last || has(FOREGROUND) => "Foreground",
                () => "Background",
            };
            let options = json!({
                "kind": "DeleteOptions",
                "apiVersion": "v1",
                "propagationPolicy": policy,
                "preconditions": {"uid": Meta::of(dependent).uid()},
            });
            self.client.delete(&path, &options).await;
        }
    }

    /// Whether the owner with this uid is there and waits for its dependents.
    async fn waits(&self, dependent: &Value, uid: &str) -> bool {
        let meta = Meta::of(dependent);
        let Some(owner) = meta.owner_references().find(|owner| owner.uid == uid) else { return false };
        let api = self.client.api();
        let Some((group, version)) = group_version(owner.api_version) else { return false };
        let served = api.served();
        let Some(resource) = served.catalog.by_kind(group, version, owner.kind) else { return false };
        let namespace = if resource.namespaced { meta.namespace() } else { "" };
        let found = api.registry(resource).find(namespace, owner.name).await;
        found.ok().flatten().is_some_and(|found| {
            let meta = Meta::of(&found.object);
            meta.is_being_deleted() && meta.finalizers().any(|name| name == FOREGROUND)
        })
    }

    /// Takes an owner out of a dependent.
    async fn release(&self, dependent: &Value, uid: &str) {
        let owners = dependent.pointer("/metadata/ownerReferences").and_then(Value::as_array);
        let others: Vec<&Value> = owners
            .into_iter()
            .flatten()
            .filter(|owner| owner.get("uid").and_then(Value::as_str) != Some(uid))
            .collect();
        if let Some(path) = path_of(self.client.api(), dependent) {
            let patch = json!({"metadata": {"uid": Meta::of(dependent).uid(), "ownerReferences": others}});
            self.client.merge_patch(&path, &patch).await;
        }
    }
}

/// Whether a dependent says that its owner is not to go before it.
fn blocks(dependent: &Value, uid: &str) -> bool {
    let owners = dependent.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    owners.into_iter().flatten().any(|owner| {
        owner.get("uid").is_some_and(|owner| owner == uid)
            && owner.get("blockOwnerDeletion").is_some_and(|blocks| *blocks == true)
    })
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

/// Where everything is kept.
const ROOT: &str = "/registry/";
