//! One object in every namespace that lives, under a name of its own: made when it is absent, mended when it was changed.
//!
//! ```text
//! namespaces ─┐
//!             ├─► name of a namespace ─► reconcile(namespace, what is there) ─► write ─► retries
//! objects ────┘
//! ```

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use podsec_apimachinery::Status;
use podsec_apimachinery::meta::Meta;
use podsec_kinds::object::Fields;
use podsec_storage::{Entry, Error, Event, Range};
use serde_json::Value;
use tokio::time::sleep;

use super::retries::Retries;
use crate::apiserver::ApiServer;
use crate::client::Client;
use crate::registry::Registry;
use crate::request::User;

/// What one of these controllers keeps.
pub(super) struct Kept {
    /// Its service account in `kube-system`, whose rights it has.
    pub(super) account: &'static str,
    /// The resource of its objects, one of the core group.
    pub(super) resource: &'static str,
    /// Their name.
    pub(super) name: &'static str,
    /// What to write into a namespace, from the object that is there.
    pub(super) reconcile: Reconcile,
}

/// From the object that is there to what must be written.
type Reconcile = Box<dyn Fn(Option<&Value>) -> Option<Write> + Send + Sync>;

/// What a namespace lacks.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Write {
    /// A new object.
    Create(Value),
    /// Another state of the object that is there.
    Update(Value),
}

/// Follows the namespaces and the objects.
pub(super) async fn run(api: Arc<ApiServer>, kept: Kept) {
    let groups = ["system:serviceaccounts", "system:serviceaccounts:kube-system"];
    let user = User::new(&format!("system:serviceaccount:kube-system:{}", kept.account), &groups);
    let client = Client::new(&api, user, "kube-controller-manager/podsec");
    let (namespaces, objects) = (api.builtin("", "v1", "namespaces"), api.builtin("", "v1", kept.resource));
    let (Some(namespaces), Some(objects)) = (namespaces, objects) else { return };
    let controller = Controller { client, namespaces, objects, kept };
    loop {
        // After a gap all namespaces are looked at again.
        if let Error::Closed = controller.follow().await {
            return;
        }
        sleep(Duration::from_secs(1)).await;
    }
}

struct Controller {
    client: Client,
    namespaces: Registry,
    objects: Registry,
    kept: Kept,
}

impl Controller {
    /// Works until the store does not tell what changes any more, and why.
    async fn follow(&self) -> Error {
        let store = self.namespaces.store();
        let (namespaces, objects) = (self.namespaces.prefix(""), self.objects.prefix(""));
        let page = match store.range(Range::prefix(&namespaces)).await {
            Ok(page) => page,
            Err(error) => return error,
        };
        let (mut changed, mut lost) =
            match (store.watch(&namespaces, page.revision).await, store.watch(&objects, page.revision).await)
            {
                (Ok(changed), Ok(lost)) => (changed, lost),
                (Err(error), _) | (_, Err(error)) => return error,
            };
        let mut retries = Retries::new();
        for entry in &page.entries {
            self.tend(last_part(entry), &mut retries).await;
        }
        loop {
            let events = tokio::select! {
                events = changed.next() => events.map(|events| names(&events)),
                events = lost.next() => events.map(|events| self.of_objects(&events)),
                namespace = retries.next() => Ok(BTreeSet::from([namespace])),
            };
            match events {
                Ok(namespaces) => {
                    for namespace in namespaces {
                        self.tend(&namespace, &mut retries).await;
                    }
                }
                Err(error) => return error,
            }
        }
    }

    /// Namespaces whose object was changed or taken away.
    fn of_objects(&self, events: &[Arc<Event>]) -> BTreeSet<String> {
        let of = |event: &Arc<Event>| {
            let mut parts = event.key().rsplit('/');
            let is_own = parts.next() == Some(self.kept.name);
            let namespace = parts.next().filter(|_| is_own && !matches!(&**event, Event::Create(_)));
            namespace.map(str::to_owned)
        };
        events.iter().filter_map(of).collect()
    }

    /// Writes what a namespace lacks.
    async fn tend(&self, namespace: &str, retries: &mut Retries<String>) {
        let done = self.reconcile(namespace).await.unwrap_or(false);
        retries.note(namespace.to_owned(), done);
    }

    /// Whether nothing is left to do.
    async fn reconcile(&self, namespace: &str) -> Result<bool, Status> {
        let found = self.namespaces.find("", namespace).await?;
        if !found.is_some_and(|namespace| is_active(&namespace.object)) {
            return Ok(true);
        }
        let found = self.objects.find(namespace, self.kept.name).await?.map(|stored| stored.object);
        let collection = format!("/api/v1/namespaces/{namespace}/{}", self.kept.resource);
        let (status, answer) = match (self.kept.reconcile)(found.as_ref()) {
            None => return Ok(true),
            Some(Write::Create(object)) => self.client.create(&collection, &object).await,
            Some(Write::Update(object)) => {
                self.client.update(&format!("{collection}/{}", self.kept.name), &object).await
            }
        };
        // A namespace that goes away needs nothing more; whoever else has made the object has done the work.
        let is_terminating = answer
            .at("details")
            .list("causes")
            .iter()
            .any(|cause| cause.text("reason") == "NamespaceTerminating");
        let exists = answer.text("reason") == "AlreadyExists";
        Ok(status.is_success() || status == StatusCode::NOT_FOUND || is_terminating || exists)
    }
}

/// Whether objects may be made in a namespace.
fn is_active(namespace: &Value) -> bool {
    namespace.at("status").text("phase") == "Active" && !Meta::of(namespace).is_being_deleted()
}

/// The names of those that are new or other than before.
fn names(events: &[Arc<Event>]) -> BTreeSet<String> {
    events.iter().filter_map(|event| event.entry()).map(|entry| last_part(entry).to_owned()).collect()
}

/// The name of a cluster-scoped object in its key.
fn last_part(entry: &Entry) -> &str {
    entry.key.rsplit('/').next().unwrap_or_default()
}
