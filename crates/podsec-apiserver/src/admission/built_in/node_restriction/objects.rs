//! What a node does with its Node and with what else bears its name.

use std::collections::BTreeSet;

use podsec_apimachinery::quote::quoted;
use podsec_kinds::object::{Fields, as_map, metadata, metadata_mut, same};
use serde_json::Value;

use super::request::Request;
use crate::admission::attributes::Action;

impl Request<'_> {
    /// A node writes its own Node, without what draws pods to it.
    pub(super) fn own_node(&self) -> Result<(), String> {
        let node = quoted(self.node);
        if self.name != self.node {
            return Err(format!("node {node} is not allowed to modify node {}", quoted(self.name)));
        }
        let labels = forbidden_labels(metadata(self.object).at("labels"), metadata(self.old).at("labels"));
        let differs =
            |outer: &str, field: &str| !same(self.object.at(outer).at(field), self.old.at(outer).at(field));
        let has_source = self.object.at("spec").has("configSource");
        match self.action {
            Action::Create if has_source => {
                Err(format!("node {node} is not allowed to create pods with a non-nil configSource"))
            }
            Action::Create if !labels.is_empty() => {
                Err(format!("node {node} is not allowed to set the following labels: {labels}"))
            }
            Action::Update if has_source && differs("spec", "configSource") => Err(format!(
                "node {node} is not allowed to update configSource to a new non-nil configSource"
            )),
            Action::Update if differs("spec", "taints") => {
                Err(format!("node {node} is not allowed to modify taints"))
            }
            Action::Update if differs("metadata", "ownerReferences") => {
                Err(format!("node {node} is not allowed to modify ownerReferences"))
            }
            Action::Update if !labels.is_empty() => Err(format!("is not allowed to modify labels: {labels}")),
            Action::Create | Action::Update | Action::Delete | Action::Connect => Ok(()),
        }
    }

    /// A node tells how large a claim has become.
    pub(super) fn claim_status(&self) -> Result<(), String> {
        if self.action != Action::Update {
            return Err(format!("unexpected operation {}", quoted(self.action.name())));
        }
        let rest = |claim: &Value| {
            let mut claim = claim.clone();
            for field in ["managedFields", "resourceVersion"] {
                metadata_mut(&mut claim).remove(field);
            }
            if let Some(status) = claim.get_mut("status") {
                for field in ["allocatedResourceStatuses", "allocatedResources", "capacity", "conditions"] {
                    as_map(status).remove(field);
                }
            }
            claim
        };
        if same(&rest(self.old), &rest(self.object)) {
            return Ok(());
        }
        let node = quoted(self.node);
        Err(format!(
            "node {node} is not allowed to update fields other than status.quantity and status.conditions"
        ))
    }

    /// A node keeps its own Lease.
    pub(super) fn lease(&self, namespace: &str) -> Result<(), String> {
        if namespace != LEASES {
            return Err(format!("can only access leases in the {} system namespace", quoted(LEASES)));
        }
        if self.name != self.node {
            return Err("can only access node lease with the same name as the requesting node".to_owned());
        }
        Ok(())
    }

    pub(super) fn csi_node(&self) -> Result<(), String> {
        if self.name != self.node {
            return Err("can only access CSINode with the same name as the requesting node".to_owned());
        }
        Ok(())
    }

    pub(super) fn resource_slice(&self) -> Result<(), String> {
        let (verb, slice) = match self.action {
            Action::Create => ("create", self.object),
            Action::Delete => ("delete", self.old),
            Action::Update | Action::Connect => return Ok(()),
        };
        if slice.at("spec").text("nodeName") == self.node {
            return Ok(());
        }
        Err(format!("can only {verb} ResourceSlice with the same NodeName as the requesting node"))
    }
}

/// The labels that differ and that a node may not change, as a list.
fn forbidden_labels(new: &Value, old: &Value) -> String {
    let keys = new.as_object().into_iter().chain(old.as_object()).flat_map(|labels| labels.keys());
    let changed = keys.filter(|key| new.at(key) != old.at(key)).map(String::as_str);
    let forbidden: BTreeSet<&str> = changed.filter(|key| is_forbidden(key)).collect();
    forbidden.into_iter().collect::<Vec<_>>().join(", ")
}

fn is_forbidden(key: &str) -> bool {
    let Some((domain, _)) = key.split_once('/') else { return false };
    let is_in = |parent: &str| {
        domain == parent || domain.strip_suffix(parent).is_some_and(|front| front.ends_with('.'))
    };
    let is_of_kubelets = KUBELET_LABELS.contains(&key) || KUBELET_DOMAINS.iter().any(|parent| is_in(parent));
    is_in("node-restriction.kubernetes.io")
        || ((is_in("kubernetes.io") || is_in("k8s.io")) && !is_of_kubelets)
}

const LEASES: &str = "kube-node-lease";
const KUBELET_DOMAINS: [&str; 2] = ["kubelet.kubernetes.io", "node.kubernetes.io"];
const KUBELET_LABELS: [&str; 10] = [
    "beta.kubernetes.io/arch",
    "beta.kubernetes.io/instance-type",
    "beta.kubernetes.io/os",
    "failure-domain.beta.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone",
    "kubernetes.io/arch",
    "kubernetes.io/hostname",
    "kubernetes.io/os",
    "topology.kubernetes.io/region",
    "topology.kubernetes.io/zone",
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_node_does_not_draw_pods_to_itself() {
        let request = |action, object: &Value, old: &Value, name: &str| {
            Request { node: "a", action, name, object, old }.own_node()
        };
        let labelled = |key: &str| json!({"metadata": {"labels": {key: "x"}}});
        let plain = json!({});
        for key in ["kubernetes.io/hostname", "node.kubernetes.io/windows-build", "example.com/rack", "rack"]
        {
            assert_eq!(request(Action::Create, &labelled(key), &plain, "a"), Ok(()), "{key}");
        }
        for key in
            ["node-restriction.kubernetes.io/fips", "node-role.kubernetes.io/control-plane", "x.k8s.io/y"]
        {
            assert_eq!(
                request(Action::Create, &labelled(key), &plain, "a").unwrap_err(),
                format!("node \"a\" is not allowed to set the following labels: {key}")
            );
        }
        let tainted = json!({"spec": {"taints": [{"key": "k"}]}});
        assert!(request(Action::Update, &plain, &tainted, "a").unwrap_err().ends_with("modify taints"));
        assert_eq!(
            request(Action::Update, &plain, &plain, "b").unwrap_err(),
            "node \"a\" is not allowed to modify node \"b\""
        );
    }

    #[test]
    fn a_node_keeps_its_own_lease() {
        let lease = |name| Request {
            node: "a",
            action: Action::Update,
            name,
            object: &Value::Null,
            old: &Value::Null,
        };
        assert_eq!(lease("a").lease("kube-node-lease"), Ok(()));
        assert!(lease("b").lease("kube-node-lease").is_err());
        assert!(lease("a").lease("default").is_err());
    }
}
