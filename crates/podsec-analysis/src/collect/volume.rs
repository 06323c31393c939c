//! From claims to volumes that are folders of a node.

use serde_json::Value;

use super::object::{Claim, Head, Metadata};
use super::{Collector, HostVolume, Node};

impl Collector {
    pub(super) fn volume(&mut self, metadata: &Metadata<'_>, head: &Head<'_>) {
        let Some(spec) = head.spec.and_then(|spec| serde_json::from_str::<Value>(spec.get()).ok()) else {
            return;
        };
        let path = |source: &str| spec.get(source)?.get("path")?.as_str().map(str::to_owned);
        let Some(path) = path("hostPath").or_else(|| path("local")) else { return };
        let text = |pointer| spec.pointer(pointer).and_then(Value::as_str);
        if let (Some(namespace), Some(claim)) = (text("/claimRef/namespace"), text("/claimRef/name")) {
            self.bound.insert(format!("{namespace}/{claim}"), path.clone());
        }
        self.volumes.insert(metadata.title().to_owned(), path);
    }

    pub(super) fn claim(&mut self, namespace: &str, metadata: &Metadata<'_>, head: &Head<'_>) {
        let spec = head.spec.and_then(|spec| serde_json::from_str::<Value>(spec.get()).ok());
        if let Some(volume) = spec.as_ref().and_then(|spec| spec.get("volumeName")).and_then(Value::as_str) {
            self.claimed.insert(format!("{namespace}/{}", metadata.title()), volume.to_owned());
        }
    }

    /// What the claims reach on nodes.
    pub(super) fn host_volumes(&self, namespace: &str, claims: &[Claim]) -> Vec<HostVolume> {
        let mut found = Vec::new();
        if self.volumes.is_empty() {
            return found;
        }
        for claim in claims {
            match claim {
                Claim::Named(name) => found.extend(self.host_volume(namespace, name)),
                Claim::Template(start) => {
                    let start = format!("{namespace}/{start}");
                    let names = self.bound.keys().chain(self.claimed.keys());
                    let of_set = names.filter(|name| {
                        let rest = name.strip_prefix(&start);
                        rest.is_some_and(|rest| {
                            !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit())
                        })
                    });
                    let of_set = of_set.filter_map(|name| name.split_once('/'));
                    found.extend(of_set.filter_map(|(_, name)| self.host_volume(namespace, name)));
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    fn host_volume(&self, namespace: &str, claim: &str) -> Option<HostVolume> {
        let name = format!("{namespace}/{claim}");
        let by_claim = || self.volumes.get(self.claimed.get(&name)?);
        let path = self.bound.get(&name).or_else(by_claim)?;
        Some(HostVolume { claim: claim.to_owned(), path: path.clone() })
    }
}

impl Node {
    pub(super) fn add_claims(&mut self, claims: Vec<Claim>) {
        for claim in claims {
            if self.claims.len() < MOST_CLAIMS && !self.claims.contains(&claim) {
                self.claims.push(claim);
            }
        }
    }

    pub(super) fn add_labels(&mut self, labels: Vec<String>) {
        for label in labels {
            if !self.labelled.contains(&label) {
                self.labelled.push(label);
            }
        }
    }
}

/// So many claims of a subject are followed.
const MOST_CLAIMS: usize = 64;
