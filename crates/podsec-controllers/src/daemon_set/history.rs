//! The revisions of a DaemonSet.

use std::collections::BTreeSet;
use std::sync::Arc;

use k8s_openapi::api::apps::v1::{ControllerRevision, DaemonSet};
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt as _;
use podsec_apimachinery::selector::label::Selector;

use super::Controller;
use super::pods::{HASH_LABEL, revision};
use crate::claims::claim_all;
use crate::controller_revisions::{self as revisions, data_of};
use crate::error::Result;
use crate::key::ObjectKey;
use crate::template_hash::template_hash;

impl Controller {
    /// The hash of the revision of the template, which is made when there is none, and the older revisions.
    pub(super) async fn history(
        &self,
        set: &DaemonSet,
        selector: &Selector,
    ) -> Result<(String, Vec<Arc<ControllerRevision>>)> {
        let namespace = set.namespace().unwrap_or_default();
        let cache = self.revisions.cache();
        let mut candidates = cache.controlled_by(set.metadata.uid.as_deref().unwrap_or_default());
        candidates.extend(cache.orphans(&namespace));
        let mut all = claim_all(&self.sets, set, selector, &self.revisions, candidates).await?;
        revisions::sort(&mut all);
        let data = revisions::data(&set.spec.template)?;
        let (mut current, old): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|revision| *data_of(revision) == data);
        let number = old.iter().filter_map(|revision| revision.revision).max().unwrap_or(0) + 1;
        let Some(last) = current.pop() else {
            return Ok((self.make(set, data, number).await?, old));
        };
        let hash = last.labels().get(HASH_LABEL).cloned().unwrap_or_else(|| last.name_any());
        if last.revision.unwrap_or(0) < number {
            let changed = ControllerRevision { revision: Some(number), ..ControllerRevision::clone(&last) };
            self.revisions.replace(&changed).await?;
        }
        // Two of one template are one too many.
        for revision in current {
            self.revisions.delete(&revision).await?;
        }
        Ok((hash, old))
    }

    async fn make(&self, set: &DaemonSet, data: serde_json::Value, number: i64) -> Result<String> {
        let collisions = set.status.as_ref().and_then(|status| status.collision_count);
        let hash = template_hash(&set.spec.template, collisions);
        let name = format!("{}-{hash}", set.name_any());
        let made = revisions::revision(set, &set.spec.template, data, number, name, (HASH_LABEL, &hash));
        match self.revisions.create(&made).await {
            Err(error) if error.is_already_exists() => {
                let existing = self.revisions.get(&ObjectKey::of(&made)).await?;
                if data_of(&existing) == data_of(&made) {
                    return Ok(hash);
                }
                let mut changed = set.clone();
                let status = changed.status.get_or_insert_default();
                status.collision_count = Some(status.collision_count.unwrap_or(0).saturating_add(1));
                self.sets.replace_status(&changed).await?;
                Err(error)
            }
            made => made.map(|_| hash),
        }
    }

    /// Forgets the oldest revisions that no pod has, beyond the limit.
    pub(super) async fn forget(
        &self,
        set: &DaemonSet,
        old: &[Arc<ControllerRevision>],
        pods: &[Arc<Pod>],
    ) -> Result<()> {
        let limit = usize::try_from(set.spec.revision_history_limit.unwrap_or(10)).unwrap_or(0);
        let live: BTreeSet<&str> = pods.iter().map(|pod| revision(pod)).collect();
        let too_many = old.len().saturating_sub(limit);
        let dead = old
            .iter()
            .filter(|old| !old.labels().get(HASH_LABEL).is_some_and(|hash| live.contains(hash.as_str())));
        for revision in dead.take(too_many) {
            self.revisions.delete(revision).await?;
        }
        Ok(())
    }
}
