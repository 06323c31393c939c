//! How many pods are missing, or which are too many.

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;

use crate::pods::deletion_order::first_to_go;

/// What is to be done about the number of pods.
#[derive(Debug, PartialEq)]
pub(super) enum Manage {
    Nothing,
    Create(usize),
    Delete(Vec<Arc<Pod>>),
}

/// Compares the pods with the number of them that is wanted. `related` are the pods of all that has the same owner; on
/// nodes that have many of them, pods go first.
pub(super) fn manage(
    replicas: i32,
    active: &[Arc<Pod>],
    related: impl FnOnce() -> Vec<Arc<Pod>>,
    now: Timestamp,
) -> Manage {
    let wanted = usize::try_from(replicas).unwrap_or(0);
    let count = wanted.abs_diff(active.len()).min(BURST);
    if count == 0 {
        Manage::Nothing
    } else if active.len() < wanted {
        Manage::Create(count)
    } else {
        Manage::Delete(first_to_go(active.to_vec(), &related(), count, now))
    }
}

/// The pods that are made or deleted in one go.
const BURST: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pods_are_made_or_deleted_until_there_are_as_many_as_wanted() {
        let pods: Vec<_> = (0..3).map(|_| Arc::new(Pod::default())).collect();
        let managed = |replicas| manage(replicas, &pods, Vec::new, Timestamp::UNIX_EPOCH);
        assert_eq!(managed(3), Manage::Nothing);
        assert_eq!(managed(5), Manage::Create(2));
        assert_eq!(managed(9999), Manage::Create(500));
        assert!(matches!(managed(1), Manage::Delete(pods) if pods.len() == 2));
        assert!(matches!(managed(0), Manage::Delete(pods) if pods.len() == 3));
    }
}
