//! The namespace controller: empties a namespace that is terminating, then lets it go.

use std::sync::Arc;
use std::time::Duration;

use podsec_apimachinery::meta::Meta;
use podsec_apimachinery::schema::catalog::{Resource, Verb};
use podsec_storage::{Event, Range};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::apiserver::ApiServer;
use crate::authentication::User;
use crate::client::Client;

/// Follows the namespaces.
pub(super) async fn run(api: Arc<ApiServer>) {
    let groups = ["system:serviceaccounts", "system:serviceaccounts:kube-system"];
    let user = User::new("system:serviceaccount:kube-system:namespace-controller", &groups);
    let client = Client::new(&api, user, "podsec/namespace-controller");
    let Some(namespaces) = api.builtin("", "v1", "namespaces") else { return };
    let prefix = namespaces.prefix("");
    loop {
        let Ok(page) = api.store.range(Range::prefix(&prefix)).await else { return };
        for entry in &page.entries {
            begin(&client, &entry.value);
        }
        let Ok(mut watch) = api.store.watch(&prefix, page.revision).await else { return };
        loop {
            match watch.next().await {
                Ok(events) => {
                    for event in events {
                        if let Event::Modify { entry, .. } = &*event {
                            begin(&client, &entry.value);
                        }
                    }
                }
                Err(podsec_storage::Error::Closed) => return,
                Err(_) => break,
            }
        }
    }
}

/// Works on a terminating namespace on a task of its own: one that does not empty holds up no other.
fn begin(client: &Client, namespace: &[u8]) {
    let Ok(namespace) = serde_json::from_slice::<Value>(namespace) else { return };
    let finalizers = namespace.pointer("/spec/finalizers").and_then(Value::as_array);
    let waits = finalizers.is_some_and(|list| list.iter().any(|name| name == KUBERNETES));
    if Meta::of(&namespace).is_being_deleted() && waits {
        let work = terminate(client.clone(), namespace);
        tokio::spawn(super::until_stopped(Arc::clone(client.api()), work));
    }
}

async fn terminate(client: Client, mut namespace: Value) {
    let name = Meta::of(&namespace).name().to_owned();
    let mut patience = Duration::from_millis(50);
    while !empty(&client, &name).await {
        sleep(patience).await;
        patience = (patience * 2).min(LONGEST);
    }
    if let Some(finalizers) = namespace.pointer_mut("/spec/finalizers").and_then(Value::as_array_mut) {
        finalizers.retain(|finalizer| finalizer != KUBERNETES);
    }
    if let Some(Value::Object(metadata)) = namespace.get_mut("metadata") {
        metadata.remove("resourceVersion");
    }
    client.update(&format!("/api/v1/namespaces/{name}/finalize"), &namespace).await;
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
const LONGEST: Duration = Duration::from_secs(5);
