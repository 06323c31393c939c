//! The revisions of a StatefulSet.

use std::collections::BTreeSet;
use std::sync::Arc;

use k8s_openapi::api::apps::v1::{ControllerRevision, StatefulSet};
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt as _;
use podsec_apimachinery::selector::label::Selector;

use super::Controller;
use super::plan::Revision;
use super::pods::revision;
use crate::claims::claim_all;
use crate::controller_revisions::{self as revisions, data_of};
use crate::error::Result;
use crate::key::ObjectKey;

/// The revisions of a StatefulSet as they are now.
pub(super) struct History {
    pub(super) all: Vec<Arc<ControllerRevision>>,
    pub(super) current: Revision,
    pub(super) update: Revision,
    pub(super) collisions: i32,
}

impl Controller {
    /// The revision that pods have had and the one of the template, which is made when there is none.
    pub(super) async fn history(&self, set: &StatefulSet, selector: &Selector) -> Result<History> {
        let cache = self.revisions.cache();
        let mut candidates = cache.controlled_by(set.metadata.uid.as_deref().unwrap_or_default());
        candidates.extend(cache.orphans(&set.namespace().unwrap_or_default()));
        let mut all = claim_all(&self.sets, set, selector, &self.revisions, candidates).await?;
        revisions::sort(&mut all);
        let status = set.status.clone().unwrap_or_default();
        let mut collisions = status.collision_count.unwrap_or(0);
        let data = revisions::data(&set.spec.template)?;
        let next = all.last().and_then(|last| last.revision).unwrap_or(0) + 1;
        let known = all.iter().rposition(|revision| *data_of(revision) == data);
        let update = match known {
            Some(index) if index + 1 == all.len() => Arc::clone(&all[index]),
            Some(index) => {
                let changed =
                    ControllerRevision { revision: Some(next), ..ControllerRevision::clone(&all[index]) };
                Arc::new(self.revisions.replace(&changed).await?)
            }
            None => Arc::new(self.make(set, data, next, &mut collisions).await?),
        };
        let current = all.iter().find(|revision| Some(revision.name_any()) == status.current_revision);
        let read = |revision: &ControllerRevision| -> Result<Revision> {
            Ok(Revision { name: revision.name_any(), template: revisions::template(revision)? })
        };
        let current = read(current.unwrap_or(&update))?;
        Ok(History { current, update: read(&update)?, collisions, all })
    }

    async fn make(
        &self,
        set: &StatefulSet,
        data: serde_json::Value,
        number: i64,
        collisions: &mut i32,
    ) -> Result<ControllerRevision> {
        loop {
            let hash = revisions::hash(&data, *collisions);
            let set_name = set.name_any();
            let name = format!("{}-{hash}", set_name.get(..LONGEST_PREFIX).unwrap_or(&set_name));
            let label = ("controller.kubernetes.io/hash", hash.as_str());
            let made = revisions::revision(set, &set.spec.template, data.clone(), number, name, label);
            match self.revisions.create(&made).await {
                Err(error) if error.is_already_exists() && *collisions < i32::MAX => {
                    let existing = self.revisions.get(&ObjectKey::of(&made)).await?;
                    if data_of(&existing) == data_of(&made) {
                        return Ok(existing);
                    }
                    *collisions += 1;
                }
                made => return made,
            }
        }
    }

    /// Forgets the oldest revisions that nobody has, beyond the limit.
    pub(super) async fn forget(&self, set: &StatefulSet, history: &History, pods: &[Arc<Pod>]) -> Result<()> {
        let limit = usize::try_from(set.spec.revision_history_limit.unwrap_or(10)).unwrap_or(usize::MAX);
        let mut live: BTreeSet<&str> = pods.iter().map(|pod| revision(pod)).collect();
        live.extend([history.current.name.as_str(), history.update.name.as_str()]);
        let dead: Vec<_> =
            history.all.iter().filter(|revision| !live.contains(revision.name_any().as_str())).collect();
        for revision in dead.iter().take(dead.len().saturating_sub(limit)) {
            self.revisions.delete(revision).await?;
        }
        Ok(())
    }
}

const LONGEST_PREFIX: usize = 223;
