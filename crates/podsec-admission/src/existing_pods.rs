//! The pods that a namespace has already, against the level that it is about to enforce.

use std::collections::{BTreeMap, HashSet};

use podsec_apimachinery::quote::quoted;
use podsec_standards::{Pod, Policy};

use crate::cluster::Cluster;
use podsec_policy::configuration::Exemptions;

/// What to warn about: whether not all pods could be checked, and each set of violations with the first of the
/// pods that have it.
pub(crate) fn warnings(
    cluster: &impl Cluster,
    exemptions: &Exemptions,
    namespace: &str,
    enforced: Policy,
) -> Vec<String> {
    let listed = cluster.pods(namespace);
    let Some(pods) = listed.as_ref().ok().and_then(|pods| prioritized(pods, exemptions)) else {
        return vec!["failed to list pods while checking new PodSecurity enforce level".to_owned()];
    };

    let mut groups: BTreeMap<String, Group<'_>> = BTreeMap::new();
    let mut checked = 0;
    for existing in pods.iter().take(cluster.existing_pods_limit()) {
        checked += 1;
        let evaluation = podsec_standards::evaluate(enforced, existing);
        if !evaluation.is_allowed() {
            let name = existing.name();
            let group = groups.entry(evaluation.reason()).or_insert(Group { first: name, pods: 0 });
            group.first = group.first.min(name);
            group.pods += 1;
            cluster.offends(name, || evaluation.detail());
        }
        if cluster.expired() {
            break;
        }
    }

    let mut warnings = Vec::new();
    if checked < pods.len() {
        warnings.push(format!(
            "new PodSecurity enforce level only checked against the first {checked} of {} existing pods",
            pods.len()
        ));
    }
    if !groups.is_empty() {
        warnings.push(format!(
            "existing pods in namespace {} violate the new PodSecurity enforce level \"{enforced}\"",
            quoted(namespace)
        ));
    }
    let mut named: Vec<String> = groups.iter().map(|(reason, group)| group.named(reason)).collect();
    named.sort_unstable();
    warnings.append(&mut named);
    warnings
}

/// Pods with the same violations.
struct Group<'a> {
    /// The first of their names.
    first: &'a str,
    pods: usize,
}

impl Group<'_> {
    fn named(&self, reason: &str) -> String {
        let first = self.first;
        match self.pods {
            0 | 1 => format!("{first}: {reason}"),
            2 => format!("{first} (and 1 other pod): {reason}"),
            pods => format!("{first} (and {} other pods): {reason}", pods - 1),
        }
    }
}

/// The pods that are not exempt, one of each controller before the others of that controller: should the time
/// not suffice for all, it suffices for more that differ. None if some pod cannot be read.
fn prioritized<'a, P: AsRef<[u8]>>(pods: &'a [P], exemptions: &Exemptions) -> Option<Vec<Pod<'a>>> {
    let mut first = Vec::with_capacity(pods.len());
    let mut repeated = Vec::new();
    let mut controllers = HashSet::new();
    for json in pods {
        let pod = Pod::from_json(json.as_ref()).ok()?;
        if pod.runtime_class_name().is_some_and(|name| exemptions.has_runtime_class(name)) {
            continue;
        }
        match pod.controller_uid() {
            Some(uid) if !controllers.insert(uid.to_owned()) => repeated.push(pod),
            _ => first.push(pod),
        }
    }
    first.append(&mut repeated);
    Some(first)
}
