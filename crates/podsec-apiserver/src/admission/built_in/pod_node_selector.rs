//! `PodNodeSelector`: the annotation of a namespace says on which nodes its pods run.

use std::collections::BTreeMap;

use podsec_apimachinery::Status;
use podsec_kinds::object::{Fields, FieldsMut, annotation, as_map};
use serde_json::Value;

use super::lookup;
use super::target::{forbid, is_about};
use crate::admission::{Action, Write};
use crate::verbs::Operation;

/// Adds the selector of the namespace.
pub(super) async fn admit(
    operation: &Operation<'_>,
    write: &Write<'_>,
    object: &mut Value,
) -> Result<(), Status> {
    let Some(selector) = selector_of(operation, write).await? else { return Ok(()) };
    check(&selector, object).map_err(|why| forbid(operation, object, why))?;
    if !selector.is_empty()
        && let Some(own) = as_map(object).ensure("spec").and_then(|spec| spec.ensure("nodeSelector"))
    {
        own.extend(selector.into_iter().map(|(key, value)| (key, value.into())));
    }
    Ok(())
}

/// Refuses a pod that selects other nodes, which a webhook may have made.
pub(super) async fn validate(
    operation: &Operation<'_>,
    write: &Write<'_>,
    object: &Value,
) -> Result<(), Status> {
    let Some(selector) = selector_of(operation, write).await? else { return Ok(()) };
    check(&selector, object).map_err(|why| forbid(operation, object, why))
}

/// What the namespace of a new pod says; `None` for anything else than a new pod.
async fn selector_of(
    operation: &Operation<'_>,
    write: &Write<'_>,
) -> Result<Option<BTreeMap<String, String>>, Status> {
    if write.action != Action::Create || !is_about(operation, "", "pods", "") {
        return Ok(None);
    }
    let namespace = lookup::find(operation.api, ("", "namespaces"), "", operation.namespace()).await?;
    let text = namespace.as_ref().and_then(|namespace| annotation(namespace, SELECTOR));
    parse(text.unwrap_or_default()).map(Some).map_err(|why| Status::internal(&why))
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
