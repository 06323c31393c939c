//! The namespace controller: empties a namespace that is terminating, then lets it go.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use podsec_apimachinery::meta::Meta;
use podsec_apimachinery::schema::catalog::{Resource, Verb};
use podsec_storage::{Error, Event, Range};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::apiserver::ApiServer;
use crate::client::Client;
use crate::registry::Registry;
use crate::request::User;

/// Follows the namespaces.
pub(super) async fn run(api: Arc<ApiServer>) {
    let groups = ["system:serviceaccounts", "system:serviceaccounts:kube-system"];
    let user = User::new("system:serviceaccount:kube-system:namespace-controller", &groups);
    let client = Client::new(&api, user, "podsec/namespace-controller");
    let Some(namespaces) = api.builtin("", "v1", "namespaces") else { return };
    let controller = Controller { client, namespaces, busy: Arc::default() };
    while controller.follow().await != Followed::Closed {
        sleep(Duration::from_secs(1)).await;
    }
}

/// Why the controller follows the namespaces no more.
#[derive(PartialEq, Eq)]
enum Followed {
    /// There is a gap, after which it begins again.
    Gap,
    /// The store is gone.
    Closed,
}

#[derive(Clone)]
struct Controller {
    client: Client,
    namespaces: Registry,
    /// The uids of those that are being emptied: one task each, however often they change.
    busy: Arc<Mutex<HashSet<String>>>,
}

impl Controller {
    async fn follow(&self) -> Followed {
        let store = self.namespaces.store();
        let prefix = self.namespaces.prefix("");
        let Ok(page) = store.range(Range::prefix(&prefix)).await else { return Followed::Gap };
        for entry in &page.entries {
            self.begin(&entry.value);
        }
        let Ok(mut watch) = store.watch(&prefix, page.revision).await else { return Followed::Gap };
        loop {
            match watch.next().await {
                Ok(events) => {
                    for event in events {
                        if let Event::Modify { entry, .. } = &*event {
                            self.begin(&entry.value);
                        }
                    }
                }
                Err(Error::Closed) => return Followed::Closed,
                Err(_) => return Followed::Gap,
            }
        }
    }

    /// Works on a terminating namespace on a task of its own: one that does not empty holds up no other.
    fn begin(&self, namespace: &[u8]) {
        let Ok(namespace) = serde_json::from_slice::<Value>(namespace) else { return };
        if !is_waiting(&namespace) {
            return;
        }
        let meta = Meta::of(&namespace);
        let (name, uid) = (meta.name().to_owned(), meta.uid().to_owned());
        if !self.busy().insert(uid.clone()) {
            return;
        }
        let controller = self.clone();
        let work = async move {
            controller.terminate(&name, &uid).await;
            controller.busy().remove(&uid);
        };
        tokio::spawn(super::until_stopped(Arc::clone(self.client.api()), work));
    }

    /// Tries until the namespace has gone, ever more rarely.
    async fn terminate(&self, name: &str, uid: &str) {
        let mut delay = FIRST;
        loop {
            // As it is now: its labels may have changed, and somebody else may have let it go.
            if let Ok(found) = self.namespaces.find("", name).await {
                let namespace = found.map(|found| found.object);
                let Some(namespace) = namespace.filter(|namespace| Meta::of(namespace).uid() == uid) else {
                    return;
                };
                if !is_waiting(&namespace) {
                    return;
                }
                if empty(&self.client, name).await && self.release(namespace, name).await {
                    return;
                }
            }
            sleep(delay).await;
            delay = (delay * 2).min(LONGEST);
        }
    }

    /// Takes the finalizer away. Whether that went well.
    async fn release(&self, mut namespace: Value, name: &str) -> bool {
        if let Some(finalizers) = namespace.pointer_mut("/spec/finalizers").and_then(Value::as_array_mut) {
            finalizers.retain(|finalizer| finalizer != KUBERNETES);
        }
        if let Some(Value::Object(metadata)) = namespace.get_mut("metadata") {
            metadata.remove("resourceVersion");
        }
        let path = format!("/api/v1/namespaces/{name}/finalize");
        self.client.update(&path, &namespace).await.0.is_success()
    }

    fn busy(&self) -> MutexGuard<'_, HashSet<String>> {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a namespace is terminating and waits for this controller.
fn is_waiting(namespace: &Value) -> bool {
    let finalizers = namespace.pointer("/spec/finalizers").and_then(Value::as_array);
    Meta::of(namespace).is_being_deleted()
        && finalizers.is_some_and(|list| list.iter().any(|name| name == KUBERNETES))
}

/// Deletes what is in a namespace. True when nothing is left.
async fn empty(client: &Client, namespace: &str) -> bool {
    let mut is_empty = true;
    let api = client.api();
    for resource in api.served().catalog.resources() {
        if !resource.namespaced || !resource.allows(Verb::DeleteCollection) {
            continue;
        }
        let prefix = api.registry(resource).prefix(namespace);
        let Ok(page) = api.store.range(Range::prefix(&prefix).limit(1)).await else { return false };
        if page.entries.is_empty() {
            continue;
        }
        is_empty = false;
        // Nothing runs here that would have to be told to stop.
        let options = json!({"kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 0});
        client.delete(&collection(resource, namespace), &options).await;
    }
    is_empty
}

fn collection(resource: &Resource, namespace: &str) -> String {
    let Resource { group, version, resource, .. } = resource;
    if group.is_empty() {
        format!("/api/{version}/namespaces/{namespace}/{resource}")
    } else {
        format!("/apis/{group}/{version}/namespaces/{namespace}/{resource}")
    }
}

/// The finalizer that a namespace has from its first moment.
const KUBERNETES: &str = "kubernetes";
/// The time between two looks at a namespace that does not empty, at first and at most.
const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(10);
