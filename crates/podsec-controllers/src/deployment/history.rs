//! Old ReplicaSets beyond the history limit go.

use super::planner::{Action, Planner, Sets};
use super::{new_replica_set, revisions, sizes};

impl Planner {
    /// Deletes the oldest of the ReplicaSets that are kept for a rollback, when there are more than wanted.
    pub(super) fn forget_history(&mut self, sets: &Sets) {
        let limit = self.deployment.spec.revision_history_limit.filter(|limit| *limit != i32::MAX);
        let Some(limit) = limit.and_then(|limit| usize::try_from(limit).ok()) else { return };
        let mut old: Vec<_> =
            sets.old.iter().filter(|set| set.metadata.deletion_timestamp.is_none()).collect();
        let too_many = old.len().saturating_sub(limit);
        old.sort_by_key(|set| (revisions::revision(*set), new_replica_set::created(set)));
        for set in old.into_iter().take(too_many) {
            let status = set.status.clone().unwrap_or_default();
            let is_observed = status.observed_generation.unwrap_or(0) >= set.metadata.generation.unwrap_or(0);
            if status.replicas == 0 && sizes::replicas_of(set) == 0 && is_observed {
                self.push(Action::Delete(Box::new(set.clone())));
            }
        }
    }
}
