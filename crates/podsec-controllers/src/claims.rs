//! Which objects an owner controls, takes on or lets go: by its selector and their references.

use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::Resource;
use podsec_apimachinery::selector::label::Selector;
use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::informer::Object;
use crate::key::ObjectKey;
use crate::objects::Objects;
use crate::ownership::{controller_of, controller_reference};
use crate::selectors::matches;

/// What an object is to an owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// It is controlled, and stays so.
    Keep,
    /// Nobody controls it, and the selector matches.
    Adopt,
    /// It is controlled, and the selector matches no longer.
    Release,
    /// It is somebody else's, or nobody's.
    Ignore,
}

/// What `object` is to `owner`. An owner that is being deleted changes nothing.
pub(crate) fn claim<O: Resource, K: Resource>(owner: &O, selector: &Selector, object: &K) -> Claim {
    let (meta, owner) = (object.meta(), owner.meta());
    let is_selected = matches(selector, meta.labels.as_ref());
    let changes = owner.deletion_timestamp.is_none();
    match controller_of(object) {
        Some(controller) if Some(&controller.uid) != owner.uid.as_ref() => Claim::Ignore,
        Some(_) if is_selected => Claim::Keep,
        Some(_) if changes => Claim::Release,
        None if is_selected && changes && meta.deletion_timestamp.is_none() => Claim::Adopt,
        Some(_) | None => Claim::Ignore,
    }
}

/// Sees to it that `owner` controls those of `candidates` that it is to control, and answers them.
///
/// # Errors
/// The first refusal, after all of them have been tried.
pub(crate) async fn claim_all<O: Object, K: Object>(
    owners: &Objects<O>,
    owner: &O,
    selector: &Selector,
    objects: &Objects<K>,
    candidates: Vec<Arc<K>>,
) -> Result<Vec<Arc<K>>> {
    claim_with(owners, owner, selector, objects, candidates, None).await
}

/// The same, where adoption adds a finalizer and release takes it away.
pub(crate) async fn claim_with<O: Object, K: Object>(
    owners: &Objects<O>,
    owner: &O,
    selector: &Selector,
    objects: &Objects<K>,
    candidates: Vec<Arc<K>>,
    finalizer: Option<&str>,
) -> Result<Vec<Arc<K>>> {
    let mut claimed = Vec::new();
    let mut failure = None;
    let mut may_adopt = false;
    for object in candidates {
        let outcome = match claim(owner, selector, object.as_ref()) {
            Claim::Ignore => continue,
            Claim::Keep => Ok(Some(object)),
            Claim::Adopt => {
                if !may_adopt {
                    // What the cache says may be old: an owner that is going adopts nothing.
                    expect_alive(owners, owner).await?;
                    may_adopt = true;
                }
                let patch = adoption(&controller_reference(owner), object.as_ref(), finalizer);
                objects
                    .patch(&ObjectKey::of(object.as_ref()), &patch)
                    .await
                    .map(|adopted| Some(Arc::new(adopted)))
            }
            Claim::Release => {
                let patch = release(owner, object.as_ref(), finalizer);
                match objects.patch(&ObjectKey::of(object.as_ref()), &patch).await {
                    // It is another object by now, or it is nobody's any more.
                    Err(error) if error.is_invalid() => Ok(None),
                    released => released.map(|_| None),
                }
            }
        };
        match outcome {
            Ok(object) => claimed.extend(object),
            Err(error) if error.is_not_found() => {}
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    failure.map_or(Ok(claimed), Err)
}

async fn expect_alive<O: Object>(owners: &Objects<O>, owner: &O) -> Result<()> {
    let key = ObjectKey::of(owner);
    let fresh = owners.get(&key).await?;
    if fresh.meta().uid != owner.meta().uid {
        return Err(Error::Object(format!("{key} is another object by now")));
    }
    if fresh.meta().deletion_timestamp.is_some() {
        return Err(Error::Object(format!("{key} is being deleted and adopts nothing")));
    }
    Ok(())
}

fn adoption<K: Resource>(owner: &OwnerReference, object: &K, finalizer: Option<&str>) -> Value {
    let mut patch = json!({"metadata": {"ownerReferences": [owner], "uid": object.meta().uid}});
    if let Some(finalizer) = finalizer {
        patch["metadata"]["finalizers"] = json!([finalizer]);
    }
    patch
}

fn release<O: Resource, K: Resource>(owner: &O, object: &K, finalizer: Option<&str>) -> Value {
    let mut patch = json!({"metadata": {
        "uid": object.meta().uid,
        "ownerReferences": [{"$patch": "delete", "uid": owner.meta().uid}],
    }});
    if let Some(finalizer) = finalizer {
        patch["metadata"]["$deleteFromPrimitiveList/finalizers"] = json!([finalizer]);
    }
    patch
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::apps::v1::ReplicaSet;
    use k8s_openapi::api::core::v1::Pod;
    use kube::core::ObjectMeta;

    use super::*;

    fn owner(deleted: bool) -> ReplicaSet {
        let value = json!({"metadata": {"name": "o", "uid": "u"}, "spec": {"selector": {}}});
        let mut owner: ReplicaSet = serde_json::from_value(value).unwrap();
        owner.metadata.deletion_timestamp = deleted.then(|| crate::clock::time(jiff::Timestamp::UNIX_EPOCH));
        owner
    }

    fn pod(labels: &str, controller: Option<&str>) -> Pod {
        let owner_references = controller.map(|uid| {
            vec![OwnerReference { uid: uid.to_owned(), controller: Some(true), ..OwnerReference::default() }]
        });
        let labels = Some([("app".to_owned(), labels.to_owned())].into());
        Pod { metadata: ObjectMeta { labels, owner_references, ..ObjectMeta::default() }, ..Pod::default() }
    }

    #[test]
    fn objects_are_kept_adopted_and_released_by_selector_and_reference() {
        let selector = Selector::parse("app=a").unwrap();
        let claims = |deleted| {
            let pods = [
                pod("a", Some("u")),
                pod("b", Some("u")),
                pod("a", None),
                pod("b", None),
                pod("a", Some("v")),
            ];
            pods.map(|pod| claim(&owner(deleted), &selector, &pod))
        };
        assert_eq!(claims(false), [Claim::Keep, Claim::Release, Claim::Adopt, Claim::Ignore, Claim::Ignore]);
        assert_eq!(claims(true), [Claim::Keep, Claim::Ignore, Claim::Ignore, Claim::Ignore, Claim::Ignore]);
    }
}
