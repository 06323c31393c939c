//! What a node does with pods, and with tokens for them.

use podsec_apimachinery::meta::Meta;
use podsec_apimachinery::quote::quoted;
use podsec_kinds::object::{Fields, annotation, same};
use serde_json::Value;

use super::super::service_account::names_secrets;
use super::request::Request;
use crate::admission::attributes::Action;

impl Request<'_> {
    /// A node makes pods that stand for files it has, and deletes its own.
    pub(super) fn pod(&self, own_node: Option<&Value>) -> Result<(), String> {
        let node = quoted(self.node);
        match self.action {
            Action::Create => self.mirror_pod(own_node),
            Action::Delete if self.old.at("spec").text("nodeName") == self.node => Ok(()),
            Action::Delete => {
                Err(format!("node {node} can only delete pods with spec.nodeName set to itself"))
            }
            Action::Update | Action::Connect => Err(format!(
                "unexpected operation {}, node {node} can only create and delete mirror pods",
                quoted(self.action.name())
            )),
        }
    }

    fn mirror_pod(&self, own_node: Option<&Value>) -> Result<(), String> {
        let node = quoted(self.node);
        if annotation(self.object, MIRROR).is_none() {
            return Err(format!(
                "pod does not have {} annotation, node {node} can only create mirror pods",
                quoted(MIRROR)
            ));
        }
        if self.object.at("spec").text("nodeName") != self.node {
            return Err(format!("node {node} can only create pods with spec.nodeName set to itself"));
        }
        let owner = match self.object.at("metadata").list("ownerReferences") {
            [] => {
                return Err(format!(
                    "node {node} can only create pods with an owner reference set to itself"
                ));
            }
            [owner] => owner,
            _ => {
                return Err(format!(
                    "node {node} can only create pods with a single owner reference set to itself"
                ));
            }
        };
        let is_own = owner.text("apiVersion") == "v1"
            && owner.text("kind") == "Node"
            && owner.text("name") == self.node;
        if !is_own {
            return Err(format!("node {node} can only create pods with an owner reference set to itself"));
        }
        if !owner.flag("controller") {
            return Err(format!(
                "node {node} can only create pods with a controller owner reference set to itself"
            ));
        }
        if owner.flag("blockOwnerDeletion") {
            return Err(format!("node {node} must not set blockOwnerDeletion on an owner reference"));
        }
        let uid = own_node.map(|node| Meta::of(node).uid()).unwrap_or_default();
        if uid.is_empty() || owner.text("uid") != uid {
            let found = owner.text("uid");
            return Err(format!("node {} UID mismatch: expected {found} got {uid}", self.node));
        }
        match reference(self.object.at("spec")) {
            None => Ok(()),
            Some(resource) => Err(format!("node {node} can not create pods that reference {resource}")),
        }
    }

    /// A node tells how its own pods are, and nothing that others decide.
    pub(super) fn pod_status(&self) -> Result<(), String> {
        let node = quoted(self.node);
        if self.action != Action::Update {
            return Err(format!("unexpected operation {}", quoted(self.action.name())));
        }
        if self.old.at("spec").text("nodeName") != self.node {
            return Err(format!(
                "node {node} can only update pod status for pods with spec.nodeName set to itself"
            ));
        }
        let differs =
            |outer: &str, field: &str| !same(self.old.at(outer).at(field), self.object.at(outer).at(field));
        if differs("metadata", "labels") {
            return Err(format!("node {node} cannot update labels through pod status"));
        }
        if differs("status", "resourceClaimStatuses") {
            return Err(format!("node {node} cannot update resource claim statues"));
        }
        if differs("status", "extendedResourceClaimStatus") {
            return Err(format!("node {node} cannot update extended resource claim status"));
        }
        Ok(())
    }

    /// A node evicts its own pods.
    pub(super) fn eviction(&self, pod: Option<&Value>) -> Result<(), String> {
        if pod.is_some_and(|pod| pod.at("spec").text("nodeName") == self.node) {
            return Ok(());
        }
        Err(format!("node {} can only evict pods with spec.nodeName set to itself", self.node))
    }

    /// A node asks for tokens for its own pods.
    pub(super) fn token(&self, pod: Option<&Value>) -> Result<(), String> {
        let reference = self.object.at("spec").at("boundObjectRef");
        let is_pod = reference.text("apiVersion") == "v1" && reference.text("kind") == "Pod";
        if !is_pod || reference.text("name").is_empty() {
            return Err("node requested token not bound to a pod".to_owned());
        }
        let uid = reference.text("uid");
        if uid.is_empty() {
            return Err("node requested token with a pod binding without a uid".to_owned());
        }
        let pod = pod.unwrap_or(&Value::Null);
        if Meta::of(pod).uid() != uid {
            return Err(format!(
                "the UID in the bound object reference ({uid}) does not match the UID in record. The object might have been \
                 deleted and then recreated"
            ));
        }
        if pod.at("spec").text("nodeName") != self.node {
            return Err("node requested token bound to a pod scheduled on a different node".to_owned());
        }
        Ok(())
    }
}

/// The resource that a pod needs besides its node, in the words of a refusal.
fn reference(spec: &Value) -> Option<&'static str> {
    let containers = || {
        ["initContainers", "containers", "ephemeralContainers"].into_iter().flat_map(|list| spec.list(list))
    };
    let names_config_maps = |container: &Value| {
        container.list("env").iter().any(|variable| variable.at("valueFrom").has("configMapKeyRef"))
            || container.list("envFrom").iter().any(|source| source.has("configMapRef"))
    };
    if !spec.text("serviceAccountName").is_empty() {
        return Some("serviceaccounts");
    }
    if names_secrets(spec) {
        return Some("secrets");
    }
    if containers().any(names_config_maps) {
        return Some("configmaps");
    }
    if !spec.list("resourceClaims").is_empty() {
        return Some("resourceclaims");
    }
    spec.list("volumes").iter().find_map(|volume| {
        let of_projected = || {
            let sources = volume.at("projected").list("sources").iter();
            sources.flat_map(|source| PROJECTED.iter().filter(|(field, _)| source.has(field))).next()
        };
        VOLUMES.iter().find(|(field, _)| volume.has(field)).or_else(of_projected).map(|(_, words)| *words)
    })
}

const MIRROR: &str = "kubernetes.io/config.mirror";
const VOLUMES: [(&str, &str); 7] = [
    ("configMap", "configmaps (via configmap volumes)"),
    ("secret", "secrets (via secret volumes)"),
    ("csi", "csidrivers (via CSI volumes)"),
    ("glusterfs", "endpoints (via glusterFS volumes)"),
    ("persistentVolumeClaim", "persistentvolumeclaims"),
    ("ephemeral", "persistentvolumeclaims (via ephemeral volumes)"),
    ("azureFile", "secrets (via azureFile volumes)"),
];
const PROJECTED: [(&str, &str); 5] = [
    ("configMap", "configmaps (via projected volumes)"),
    ("secret", "secrets (via projected volumes)"),
    ("serviceAccountToken", "serviceaccounts (via projected volumes)"),
    ("clusterTrustBundle", "clustertrustbundles"),
    ("podCertificate", "podcertificates"),
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request<'a>(action: Action, object: &'a Value, old: &'a Value) -> Request<'a> {
        Request { node: "a", action, name: "p", object, old }
    }

    fn mirror() -> Value {
        json!({
            "metadata": {
                "annotations": {MIRROR: "x"},
                "ownerReferences": [{"apiVersion": "v1", "kind": "Node", "name": "a", "uid": "u", "controller": true}],
            },
            "spec": {"nodeName": "a", "containers": [{"name": "c"}]},
        })
    }

    #[test]
    fn a_node_makes_mirror_pods_of_its_own_only() {
        let node = json!({"metadata": {"uid": "u"}});
        let create = |pod: &Value| request(Action::Create, pod, &Value::Null).pod(Some(&node));
        assert_eq!(create(&mirror()), Ok(()));
        for (pointer, value, why) in [
            ("/metadata/annotations", json!({}), "can only create mirror pods"),
            ("/spec/nodeName", json!("b"), "with spec.nodeName set to itself"),
            ("/metadata/ownerReferences", json!([]), "with an owner reference set to itself"),
            ("/metadata/ownerReferences/0/controller", json!(false), "with a controller owner reference"),
            ("/metadata/ownerReferences/0/uid", json!("v"), "UID mismatch: expected v got u"),
            (
                "/spec/containers/0",
                json!({"envFrom": [{"configMapRef": {"name": "m"}}]}),
                "reference configmaps",
            ),
            ("/spec/containers/0", json!({"envFrom": [{"secretRef": {"name": "s"}}]}), "reference secrets"),
        ] {
            let mut pod = mirror();
            *pod.pointer_mut(pointer).unwrap() = value;
            let refusal = create(&pod).unwrap_err();
            assert!(refusal.contains(why), "{refusal}");
        }
        let other = json!({"spec": {"nodeName": "b"}});
        assert!(request(Action::Delete, &Value::Null, &other).pod(None).is_err());
        assert_eq!(request(Action::Delete, &Value::Null, &mirror()).pod(None), Ok(()));
    }

    #[test]
    fn a_node_gets_tokens_for_its_own_pods_only() {
        let token =
            json!({"spec": {"boundObjectRef": {"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u"}}});
        let pod = |node: &str| json!({"metadata": {"uid": "u"}, "spec": {"nodeName": node}});
        let request = request(Action::Create, &token, &Value::Null);
        assert_eq!(request.token(Some(&pod("a"))), Ok(()));
        assert!(request.token(Some(&pod("b"))).unwrap_err().contains("different node"));
        assert!(request.token(None).is_err());
    }
}
