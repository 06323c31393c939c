//! The protection controllers: let deleted claims, volumes and classes of volumes go when nobody uses them any more.

use std::sync::Arc;
use std::time::Duration;

use podsec_apimachinery::meta::Meta;
use podsec_kinds::object::Fields;
use podsec_storage::{Entry, Error, Event, Range};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::path_of;
use super::retries::Retries;
use crate::apiserver::ApiServer;
use crate::client::Client;
use crate::registry::Registry;
use crate::request::user::{MASTERS, User};

/// Follows what is protected, and the pods and volumes that use it.
pub(super) async fn run(api: Arc<ApiServer>) {
    let user = User::new("system:apiserver", &[MASTERS]);
    let client = Client::new(&api, user, "podsec/storage-protection-controller");
    let Some(controller) = Controller::new(client) else { return };
    loop {
        if let Error::Closed = controller.follow().await {
            return;
        }
        sleep(Duration::from_secs(1)).await;
    }
}

struct Controller {
    client: Client,
    pods: Registry,
    protected: Vec<(Protected, Registry)>,
}

/// What is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protected {
    Claim,
    Volume,
    Class,
}

impl Protected {
    fn finalizer(self) -> &'static str {
        match self {
            Self::Claim => "kubernetes.io/pvc-protection",
            Self::Volume => "kubernetes.io/pv-protection",
            Self::Class => "kubernetes.io/vac-protection",
        }
    }
}

impl Controller {
    fn new(client: Client) -> Option<Self> {
        let pods = client.api().builtin("", "v1", "pods")?;
        let protected = vec![
            (Protected::Claim, client.api().builtin("", "v1", "persistentvolumeclaims")?),
            (Protected::Volume, client.api().builtin("", "v1", "persistentvolumes")?),
            (Protected::Class, client.api().builtin("storage.k8s.io", "v1", "volumeattributesclasses")?),
        ];
        Some(Self { client, pods, protected })
    }

    /// Works until the store does not tell what changes any more, and why.
    async fn follow(&self) -> Error {
        let store = &self.client.api().store;
        let mut retries = Retries::new();
        let revision = match store.revision().await {
            Ok(revision) => revision,
            Err(error) => return error,
        };
        if let Err(error) = self.tend_all(&mut retries, |_| true).await {
            return error;
        }
        let mut watch = match store.watch("/registry/", revision).await {
            Ok(watch) => watch,
            Err(error) => return error,
        };
        loop {
            let done = tokio::select! {
                events = watch.next() => match events {
                    Ok(events) => self.note(&events, &mut retries).await,
                    Err(error) => return error,
                },
                key = retries.next() => match store.get(&key).await {
                    Ok(Some(entry)) => self.tend(&entry, &mut retries).await,
                    Ok(None) => { retries.note(key, true); Ok(()) }
                    Err(error) => return error,
                },
            };
            if let Err(error) = done {
                return error;
            }
        }
    }

    async fn note(&self, events: &[Arc<Event>], retries: &mut Retries<Arc<str>>) -> Result<(), Error> {
        for event in events {
            let key = event.key();
            if self.kind_of(key).is_some()
                && let Some(entry) = event.entry()
            {
                self.tend(entry, retries).await?;
            }
            // Whoever goes may have been the last one to use something.
            let is_gone = event.entry().is_none();
            if is_gone && key.starts_with(&self.pods.prefix("")) {
                self.tend_all(retries, |kind| kind == Protected::Claim).await?;
            } else if self.kind_of(key).is_some_and(|kind| kind != Protected::Class) {
                self.tend_all(retries, |kind| kind == Protected::Class).await?;
            }
        }
        Ok(())
    }

    fn kind_of(&self, key: &str) -> Option<Protected> {
        let found = self.protected.iter().find(|(_, registry)| key.starts_with(&registry.prefix("")));
        found.map(|(kind, _)| *kind)
    }

    async fn tend_all(
        &self,
        retries: &mut Retries<Arc<str>>,
        is_meant: impl Fn(Protected) -> bool,
    ) -> Result<(), Error> {
        for (_, registry) in self.protected.iter().filter(|(kind, _)| is_meant(*kind)) {
            let prefix = registry.prefix("");
            for entry in self.client.api().store.range(Range::prefix(&prefix)).await?.entries {
                self.tend(&entry, retries).await?;
            }
        }
        Ok(())
    }

    /// Takes the finalizer from what is deleted and not used, later if that fails now.
    async fn tend(&self, entry: &Entry, retries: &mut Retries<Arc<str>>) -> Result<(), Error> {
        let Some(kind) = self.kind_of(&entry.key) else { return Ok(()) };
        let Some(object) = read(entry) else { return Ok(()) };
        let meta = Meta::of(&object);
        let is_held = meta.finalizers().any(|finalizer| finalizer == kind.finalizer());
        if !meta.is_being_deleted() || !is_held || self.is_used(kind, &object).await? {
            retries.note(Arc::clone(&entry.key), true);
            return Ok(());
        }
        let Some(path) = path_of(self.client.api(), &object) else { return Ok(()) };
        let finalizers: Vec<&str> =
            meta.finalizers().filter(|finalizer| *finalizer != kind.finalizer()).collect();
        let change = json!({"metadata": {"uid": meta.uid(), "finalizers": finalizers}});
        let (code, _) = self.client.merge_patch(&path, &change).await;
        retries.note(Arc::clone(&entry.key), code.is_success() || code == hyper::StatusCode::NOT_FOUND);
        Ok(())
    }

    async fn is_used(&self, kind: Protected, object: &Value) -> Result<bool, Error> {
        let meta = Meta::of(object);
        let prefixes = match kind {
            Protected::Volume => return Ok(object.at("status").text("phase") == "Bound"),
            Protected::Claim => vec![self.pods.prefix(meta.namespace())],
            Protected::Class => {
                let users = self.protected.iter().filter(|(user, _)| *user != Protected::Class);
                users.map(|(_, registry)| registry.prefix("")).collect()
            }
        };
        for prefix in prefixes {
            let page = self.client.api().store.range(Range::prefix(&prefix)).await?;
            let is_user = |user: &Value| match kind {
                Protected::Claim => uses_claim(user, meta.name()),
                Protected::Volume | Protected::Class => names_class(user, meta.name()),
            };
            if page.entries.iter().filter_map(read).any(|user| is_user(&user)) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Whether a pod on a node uses a claim. One without a node will not start with a claim that is being deleted.
fn uses_claim(pod: &Value, claim: &str) -> bool {
    let spec = pod.at("spec");
    !spec.text("nodeName").is_empty()
        && spec.list("volumes").iter().any(|volume| {
            volume.at("persistentVolumeClaim").text("claimName") == claim
                || volume.has("ephemeral")
                    && claim == format!("{}-{}", Meta::of(pod).name(), volume.text("name"))
        })
}

/// Whether a claim or volume has a class of volumes, or is about to.
fn names_class(object: &Value, class: &str) -> bool {
    let status = object.at("status");
    [
        object.at("spec").text("volumeAttributesClassName"),
        status.text("currentVolumeAttributesClassName"),
        status.at("modifyVolumeStatus").text("targetVolumeAttributesClassName"),
    ]
    .contains(&class)
}

fn read(entry: &Entry) -> Option<Value> {
    serde_json::from_slice(&entry.value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_used_by_pods_on_nodes_only() {
        let pod = |node: &str, volume: Value| json!({"metadata": {"name": "p"}, "spec": {"nodeName": node, "volumes": [volume]}});
        let claim = json!({"name": "v", "persistentVolumeClaim": {"claimName": "c"}});
        assert!(uses_claim(&pod("n", claim.clone()), "c"));
        assert!(!uses_claim(&pod("", claim.clone()), "c"));
        assert!(!uses_claim(&pod("n", claim), "d"));
        assert!(uses_claim(&pod("n", json!({"name": "v", "ephemeral": {}})), "p-v"));
    }

    #[test]
    fn a_class_is_used_by_whatever_names_it() {
        assert!(names_class(&json!({"spec": {"volumeAttributesClassName": "a"}}), "a"));
        assert!(names_class(&json!({"status": {"currentVolumeAttributesClassName": "a"}}), "a"));
        assert!(!names_class(&json!({"spec": {}}), "a"));
    }
}
