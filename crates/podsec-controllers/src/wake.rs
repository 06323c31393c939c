//! Which owners are looked at when an object has changed.

use std::sync::Arc;
use std::time::Duration;

use kube::Resource;
use podsec_apimachinery::selector::label::Selector;

use crate::informer::{Cache, Change, Object};
use crate::key::ObjectKey;
use crate::ownership::controller_of;
use crate::queue::Queue;
use crate::selectors::matches;

/// Has every object of a kind looked at whenever it changes.
pub(crate) fn on_change<K: Object>(cache: &Cache<K>, queue: &Arc<Queue>) {
    let queue = Arc::clone(queue);
    cache.subscribe(move |change: Change<'_, K>| {
        if let Some(object) = change.new.or(change.old) {
            queue.add(ObjectKey::of(object.as_ref()));
        }
    });
}

/// Has the owner looked at that controls an object which has changed, or which it no longer controls; of an object that
/// nobody controls, all owners that select it.
pub(crate) fn on_dependents<O: Object, K: Object>(
    owners: &Arc<Cache<O>>,
    dependents: &Cache<K>,
    queue: &Arc<Queue>,
    selector: fn(&O) -> Option<Selector>,
) {
    on_dependents_after(owners, dependents, queue, selector, Duration::ZERO);
}

/// The same, after some time.
pub(crate) fn on_dependents_after<O: Object, K: Object>(
    owners: &Arc<Cache<O>>,
    dependents: &Cache<K>,
    queue: &Arc<Queue>,
    selector: fn(&O) -> Option<Selector>,
    delay: Duration,
) {
    let (owners, queue) = (Arc::clone(owners), Arc::clone(queue));
    dependents.subscribe(move |change: Change<'_, K>| {
        for object in [change.old, change.new].into_iter().flatten() {
            if let Some(key) = owner_of::<O, K>(object) {
                queue.add_after(key, delay);
            }
        }
        let orphan = change.new.filter(|new| controller_of(new.as_ref()).is_none());
        let Some(new) = orphan else { return };
        let is_unchanged = change.old.is_some_and(|old| {
            old.meta().labels == new.meta().labels && controller_of(old.as_ref()).is_none()
        });
        if is_unchanged {
            return;
        }
        let namespace = new.meta().namespace.as_deref().unwrap_or_default();
        for owner in owners.in_namespace(namespace) {
            let selects = selector(&owner).is_some_and(|selector| {
                !selector.is_everything() && matches(&selector, new.meta().labels.as_ref())
            });
            if selects {
                queue.add_after(ObjectKey::of(owner.as_ref()), delay);
            }
        }
    });
}

fn owner_of<O: Object, K: Resource>(object: &K) -> Option<ObjectKey> {
    let owner = controller_of(object)?;
    let is_of_kind = owner.kind == O::kind(&()) && group(&owner.api_version) == O::group(&());
    let namespace = object.meta().namespace.as_deref().unwrap_or_default();
    is_of_kind.then(|| ObjectKey::new(namespace, &owner.name))
}

fn group(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}
