//! Annotations of ReplicaSets: which revision of the Deployment they are, and for which sizes they were scaled last.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use kube::Resource;

use super::sizes;

/// The number of a revision, 0 when there is none; `None` when it is no number.
pub(super) fn revision<K: Resource>(object: &K) -> Option<i64> {
    match annotation(object, REVISION) {
        Some(text) => text.parse().ok(),
        None => Some(0),
    }
}

/// The highest revision of these ReplicaSets.
pub(super) fn highest(sets: &[ReplicaSet]) -> i64 {
    sets.iter().filter_map(revision).max().unwrap_or(0).max(0)
}

/// An annotation.
pub(super) fn annotation<'a, K: Resource>(object: &'a K, name: &str) -> Option<&'a str> {
    object.meta().annotations.as_ref()?.get(name).map(String::as_str)
}

/// A number in an annotation that may not be negative.
pub(super) fn number(set: &ReplicaSet, name: &str) -> Option<i32> {
    annotation(set, name)?.parse().ok().filter(|number| *number >= 0)
}

/// Notes the size of the Deployment and the most pods that it may have. Whether that is news.
pub(super) fn set_sizes(set: &mut ReplicaSet, deployment: &Deployment) -> bool {
    let wanted = sizes::wanted(deployment);
    let most = wanted.saturating_add(sizes::max_surge(deployment));
    let annotations = set.metadata.annotations.get_or_insert_default();
    let mut is_news = false;
    for (name, value) in [(DESIRED, wanted), (MOST, most)] {
        is_news |= put(annotations, name, &value.to_string());
    }
    is_news
}

/// Copies the Deployment's annotations to its new ReplicaSet and gives it a revision. Whether something has changed.
pub(super) fn annotate_new(set: &mut ReplicaSet, deployment: &Deployment, new_revision: i64) -> bool {
    let annotations = set.metadata.annotations.get_or_insert_default();
    let mut is_changed = false;
    for (name, value) in deployment.metadata.annotations.iter().flatten() {
        if !OWN.contains(&name.as_str()) {
            is_changed |= put(annotations, name, value);
        }
    }
    let old = annotations.get(REVISION).cloned();
    let old_revision: i64 = match old.as_deref().filter(|old| !old.is_empty()).map(str::parse) {
        None => 0,
        Some(Ok(revision)) => revision,
        Some(Err(_)) => return false,
    };
    if old_revision < new_revision {
        annotations.insert(REVISION.to_owned(), new_revision.to_string());
        is_changed = true;
        if let Some(old) = old {
            append_history(annotations, &old);
        }
    }
    if annotations.is_empty() {
        set.metadata.annotations = None;
    }
    is_changed
}

/// Notes the revision of the new ReplicaSet at the Deployment. Whether it is another one.
pub(super) fn set_on_deployment(deployment: &mut Deployment, revision: &str) -> bool {
    put(deployment.metadata.annotations.get_or_insert_default(), REVISION, revision)
}

fn put(annotations: &mut BTreeMap<String, String>, name: &str, value: &str) -> bool {
    let is_news = annotations.get(name).is_none_or(|known| known != value);
    if is_news {
        annotations.insert(name.to_owned(), value.to_owned());
    }
    is_news
}

/// Remembers a revision that a ReplicaSet had, and forgets the oldest ones when it becomes too long.
fn append_history(annotations: &mut BTreeMap<String, String>, old: &str) {
    let history = annotations.get(HISTORY).cloned().unwrap_or_default();
    let mut revisions: Vec<&str> = history.split(',').filter(|revision| !revision.is_empty()).collect();
    let length = |revisions: &[&str]| revisions.iter().map(|revision| revision.len() + 1).sum::<usize>();
    while !revisions.is_empty() && length(&revisions) + old.len() > LONGEST_HISTORY {
        revisions.remove(0);
    }
    revisions.push(old);
    annotations.insert(HISTORY.to_owned(), revisions.join(","));
}

/// The revision of a Deployment and of its ReplicaSets.
pub(super) const REVISION: &str = "deployment.kubernetes.io/revision";
const HISTORY: &str = "deployment.kubernetes.io/revision-history";
/// The size of the Deployment when a ReplicaSet was scaled last.
pub(super) const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
/// The most pods that the Deployment could have then.
pub(super) const MOST: &str = "deployment.kubernetes.io/max-replicas";
/// Those that are not copied.
const OWN: &[&str] = &[
    "kubectl.kubernetes.io/last-applied-configuration",
    REVISION,
    HISTORY,
    DESIRED,
    MOST,
    "deprecated.deployment.rollback.to",
];
const LONGEST_HISTORY: usize = 2000;
