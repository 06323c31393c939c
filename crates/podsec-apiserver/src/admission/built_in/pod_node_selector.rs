//! `PodNodeSelector`: the annotation of a namespace says on which nodes its pods run.

use async_trait::async_trait;
use std::collections::BTreeMap;

use podsec_apimachinery::Status;
use podsec_kinds::object::{Fields, FieldsMut, annotation, as_map};
use serde_json::Value;

use crate::admission::attributes::{Action, Attributes};
use crate::admission::plugin::Plugin;
use crate::registry::Resources;

/// Brings the selector of a namespace to its pods.
pub(crate) struct PodNodeSelector {
    pub(crate) resources: Resources,
}

#[async_trait]
impl Plugin for PodNodeSelector {
    /// Adds the selector of the namespace.
    async fn admit(&self, attributes: &Attributes<'_>, object: &mut Value) -> Result<(), Status> {
        let Some(selector) = self.selector_of(attributes).await? else { return Ok(()) };
        check(&selector, object).map_err(|why| attributes.forbid(object, why))?;
        if !selector.is_empty()
            && let Some(own) = as_map(object).ensure("spec").and_then(|spec| spec.ensure("nodeSelector"))
        {
            own.extend(selector.into_iter().map(|(key, value)| (key, value.into())));
        }
        Ok(())
    }

    /// Refuses a pod that selects other nodes, which a webhook may have made.
    async fn validate(&self, attributes: &Attributes<'_>, object: &Value) -> Result<(), Status> {
        let Some(selector) = self.selector_of(attributes).await? else { return Ok(()) };
        check(&selector, object).map_err(|why| attributes.forbid(object, why))
    }
}

impl PodNodeSelector {
    /// What the namespace of a new pod says; `None` for anything else than a new pod.
    async fn selector_of(
        &self,
        attributes: &Attributes<'_>,
    ) -> Result<Option<BTreeMap<String, String>>, Status> {
        if attributes.action != Action::Create || !attributes.is_about("", "pods", "") {
            return Ok(None);
        }
        let namespace = self.resources.find(("", "namespaces"), "", attributes.namespace()).await?;
        let text = namespace.as_ref().and_then(|namespace| annotation(namespace, SELECTOR));
        parse(text.unwrap_or_default()).map(Some).map_err(|why| Status::internal(&why))
    }
}

/// Reads `key=value,key=value`.
fn parse(text: &str) -> Result<BTreeMap<String, String>, String> {
    let pairs = text.split(',').filter(|_| !text.is_empty());
    pairs
        .map(|pair| match pair.split_once('=') {
            Some((key, value)) => Ok((key.trim().to_owned(), value.trim().to_owned())),
            None => Err(format!("invalid selector: {text}")),
        })
        .collect()
}

fn check(selector: &BTreeMap<String, String>, pod: &Value) -> Result<(), &'static str> {
    let own = pod.at("spec").at("nodeSelector");
    if selector.iter().any(|(key, value)| own.has(key) && own.text(key) != value) {
        return Err("pod node label selector conflicts with its namespace node label selector");
    }
    Ok(())
}

const SELECTOR: &str = "scheduler.alpha.kubernetes.io/node-selector";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pod_may_select_fewer_nodes_and_no_others() {
        let selector = parse("env=prod, zone=a").unwrap();
        let pod = |selector: Value| json!({"spec": {"nodeSelector": selector}});
        assert_eq!(check(&selector, &pod(json!({"env": "prod", "disk": "ssd"}))), Ok(()));
        assert!(check(&selector, &pod(json!({"env": "test"}))).is_err());
        assert_eq!(parse("env").unwrap_err(), "invalid selector: env");
        assert!(parse("").unwrap().is_empty());
    }
}
