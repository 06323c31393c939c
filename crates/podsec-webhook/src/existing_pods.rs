//! Every existing pod that violates a new enforce level: the warnings of a response name one of each kind alone.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use podsec_admission::{Request, Response};
use serde::Serialize;

use crate::cluster::Offenders;

/// The latest check of each namespace, bounded in memory: old ones make room for new ones, and one that would take too
/// much of it keeps what fits.
#[derive(Debug, Default)]
pub(crate) struct ExistingPods {
    checks: Mutex<VecDeque<Check>>,
}

/// What one change of a namespace's labels, real or a dry run, found.
#[derive(Debug, Serialize)]
struct Check {
    time: Timestamp,
    namespace: String,
    user: String,
    uid: String,
    /// What the response said.
    warnings: Vec<String>,
    violations: Vec<Group>,
    /// How many pods are left out here for want of memory; the log has them.
    omitted: usize,
}

/// Pods that violate the same.
#[derive(Debug, Serialize)]
struct Group {
    detail: String,
    pods: Vec<String>,
}

#[derive(Serialize)]
struct Checks<'a> {
    checks: Vec<&'a Check>,
}

impl ExistingPods {
    /// Logs and keeps what a review found; one that found nothing is forgotten, with what was found before.
    pub(crate) fn record(&self, request: &Request<'_>, response: &Response, offenders: Offenders) {
        if offenders.is_empty() && response.warnings().is_empty() {
            return self.forget(&request.namespace);
        }
        for (detail, pods) in &offenders {
            for pods in pods.chunks(LOGGED) {
                tracing::info!(
                    uid = &*request.uid,
                    namespace = &*request.namespace,
                    user = &*request.username,
                    detail,
                    pods = pods.join(", "),
                    "existing pods violate the new enforce level"
                );
            }
        }
        let mut check = Check {
            time: Timestamp::now(),
            namespace: request.namespace.to_string(),
            user: request.username.to_string(),
            uid: request.uid.to_string(),
            warnings: response.warnings().to_vec(),
            violations: Vec::new(),
            omitted: 0,
        };
        let mut room = CHECK_BYTES.saturating_sub(check.bytes());
        for (detail, mut pods) in offenders {
            pods.sort_unstable();
            let mut fitting = 0;
            let mut needed = detail.len();
            for pod in &pods {
                needed += pod.len() + OVERHEAD;
                if needed > room {
                    break;
                }
                fitting += 1;
            }
            check.omitted += pods.len() - fitting;
            pods.truncate(fitting);
            if fitting > 0 {
                let group = Group { detail, pods };
                room = room.saturating_sub(group.bytes());
                check.violations.push(group);
            }
        }
        self.keep(check);
    }

    fn keep(&self, check: Check) {
        let mut checks = self.checks.lock().unwrap_or_else(PoisonError::into_inner);
        checks.retain(|known| known.namespace != check.namespace);
        let mut bytes: usize = checks.iter().map(Check::bytes).sum::<usize>() + check.bytes();
        while bytes > ALL_BYTES
            && let Some(oldest) = checks.pop_front()
        {
            bytes -= oldest.bytes();
        }
        checks.push_back(check);
    }

    fn forget(&self, namespace: &str) {
        let mut checks = self.checks.lock().unwrap_or_else(PoisonError::into_inner);
        checks.retain(|known| known.namespace != namespace);
    }

    /// The checks of all namespaces or of one as JSON, the latest first.
    pub(crate) fn render(&self, namespace: Option<&str>) -> Vec<u8> {
        let checks = self.checks.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = |check: &&Check| namespace.is_none_or(|namespace| check.namespace == namespace);
        let checks = checks.iter().rev().filter(wanted).collect();
        // Strings and numbers alone: nothing that JSON could not hold.
        serde_json::to_vec(&Checks { checks }).unwrap_or_default()
    }
}

/// Whether somebody at this address may know what a cluster is vulnerable to: whoever is inside of the webhook's own pod,
/// as `kubectl port-forward` is, with a right that few have. The port is open to everybody else.
pub(crate) fn may_know(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

impl Check {
    fn bytes(&self) -> usize {
        let texts = [&self.namespace, &self.user, &self.uid];
        let texts = texts.into_iter().chain(&self.warnings).map(|text| text.len() + OVERHEAD);
        texts.sum::<usize>() + self.violations.iter().map(Group::bytes).sum::<usize>() + OVERHEAD
    }
}

impl Group {
    fn bytes(&self) -> usize {
        self.detail.len() + OVERHEAD + self.pods.iter().map(|pod| pod.len() + OVERHEAD).sum::<usize>()
    }
}

/// What all checks may hold.
const ALL_BYTES: usize = 4 << 20;
/// What one may, so that a namespace of many pods does not displace all others.
const CHECK_BYTES: usize = 1 << 20;
/// What a text takes beside its characters.
const OVERHEAD: usize = 32;
/// How many pods are named on a line of the log.
const LOGGED: usize = 100;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// A check of a namespace in which so many pods violate the same; their names have a hundred characters.
    fn record(existing: &ExistingPods, namespace: &str, pods: usize) {
        let request = Request { namespace: namespace.into(), ..Request::default() };
        let response = podsec_admission::Admission::default().review(&Nothing, &request);
        let pods = (0..pods).map(|index| format!("{index:0100}")).collect();
        existing.record(&request, &response, BTreeMap::from([("hostPID=true".to_owned(), pods)]));
    }

    struct Nothing;

    impl podsec_admission::Cluster for Nothing {
        type Pod = Vec<u8>;

        fn namespace(
            &self,
            name: &str,
        ) -> Result<std::sync::Arc<podsec_admission::NamespaceLabels>, podsec_admission::ClusterError>
        {
            Err(podsec_admission::ClusterError::NotFound(name.to_owned()))
        }

        fn pods(&self, _: &str) -> Result<Vec<Vec<u8>>, podsec_admission::ClusterError> {
            Ok(Vec::new())
        }

        fn expired(&self) -> bool {
            false
        }
    }

    #[test]
    fn only_whoever_is_inside_of_the_pod_may_know() {
        for (address, is_inside) in [
            ("127.0.0.1", true),
            ("::1", true),
            ("::ffff:127.0.0.1", true),
            ("10.0.0.1", false),
            ("::ffff:10.0.0.1", false),
            ("fd00::1", false),
        ] {
            assert_eq!(may_know(address.parse().unwrap()), is_inside, "{address}");
        }
    }

    #[test]
    fn the_latest_check_of_a_namespace_takes_the_place_of_those_before() {
        let existing = ExistingPods::default();
        record(&existing, "team", 2);
        record(&existing, "other", 1);
        record(&existing, "team", 1);
        let rendered: serde_json::Value = serde_json::from_slice(&existing.render(None)).unwrap();
        let named: Vec<_> = rendered["checks"]
            .as_array()
            .unwrap()
            .iter()
            .map(|check| {
                format!("{} {}", check["namespace"], check["violations"][0]["pods"].as_array().unwrap().len())
            })
            .collect();
        assert_eq!(named, [r#""team" 1"#, r#""other" 1"#]);
        let rendered: serde_json::Value = serde_json::from_slice(&existing.render(Some("nowhere"))).unwrap();
        assert_eq!(rendered, serde_json::json!({"checks": []}));
    }

    #[test]
    fn any_number_of_checks_of_any_size_stays_within_its_memory() {
        let existing = ExistingPods::default();
        for index in 0..20 {
            record(&existing, &format!("team-{index}"), 20_000);
            let checks = existing.checks.lock().unwrap();
            assert!(checks.iter().map(Check::bytes).sum::<usize>() <= ALL_BYTES);
            let latest = checks.back().unwrap();
            assert!(latest.bytes() <= CHECK_BYTES);
            let kept: usize = latest.violations.iter().map(|group| group.pods.len()).sum();
            assert!(kept > 5_000 && kept + latest.omitted == 20_000, "{kept} and {}", latest.omitted);
        }
        assert!(existing.checks.lock().unwrap().len() >= 4);
    }
}
