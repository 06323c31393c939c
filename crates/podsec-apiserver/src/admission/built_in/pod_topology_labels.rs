//! `PodTopologyLabels`: a pod carries the zone and the region of its node.

use async_trait::async_trait;
use podsec_apimachinery::Status;
use podsec_apimachinery::meta::{Meta, MetaMut};
use podsec_kinds::object::Fields;
use serde_json::Value;

use crate::admission::attributes::{Action, Attributes};
use crate::admission::plugin::Plugin;
use crate::registry::Resources;

/// Brings the labels of a node to its pods.
pub(crate) struct PodTopologyLabels {
    pub(crate) resources: Resources,
}

#[async_trait]
impl Plugin for PodTopologyLabels {
    /// Copies the labels: to a pod that is made on a node, and to a binding, whose labels become the pod's.
    async fn admit(&self, attributes: &Attributes<'_>, object: &mut Value) -> Result<(), Status> {
        if attributes.action != Action::Create {
            return Ok(());
        }
        let node = if attributes.is_about("", "pods", "") {
            object.at("spec").text("nodeName")
        } else if attributes.is_about("", "pods", "binding") && object.at("target").text("kind") == "Node" {
            object.at("target").text("name")
        } else {
            return Ok(());
        };
        if node.is_empty() {
            return Ok(());
        }
        if let Some(node) = self.resources.find(("", "nodes"), "", node).await? {
            copy(&node, object);
        }
        Ok(())
    }
}

fn copy(node: &Value, object: &mut Value) {
    for key in LABELS {
        if let Some(value) = Meta::of(node).label(key) {
            MetaMut::of(object).set_label(key, value);
        }
    }
}

const LABELS: [&str; 2] = ["topology.kubernetes.io/region", "topology.kubernetes.io/zone"];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_node_knows_better_than_the_pod() {
        let node = json!({"metadata": {"labels": {LABELS[1]: "b", "kubernetes.io/os": "linux"}}});
        let mut pod = json!({"metadata": {"labels": {LABELS[1]: "mine", "app": "x"}}});
        copy(&node, &mut pod);
        assert_eq!(pod, json!({"metadata": {"labels": {LABELS[1]: "b", "app": "x"}}}));
    }
}
