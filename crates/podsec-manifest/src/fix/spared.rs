//! What exemptions in the source let stand.

use std::collections::HashSet;

use podsec_standards::Check;

use crate::finding::FileReport;
use crate::object::ObjectName;

/// What exemptions in the source allow: a rule for a pod of an object.
pub(super) struct Spared(HashSet<(ObjectName, String, &'static str)>);

impl Spared {
    pub(super) fn of(report: &FileReport) -> Self {
        let silenced = report.pods.iter().flat_map(|pod| {
            let rules = pod.silenced.iter().map(|silenced| silenced.finding.check.id);
            rules.map(|id| (pod.object.clone(), pod.path.clone(), id))
        });
        Self(silenced.collect())
    }

    pub(super) fn has(&self, object: &ObjectName, pod: &str, check: &Check) -> bool {
        !self.0.is_empty() && self.0.contains(&(object.clone(), pod.to_owned(), check.id))
    }
}
