//! `pods/log`, `exec`, `attach`, `portforward` and the proxies: nothing runs here, and that is what they answer.

use hyper::{Response, StatusCode};
use podsec_apimachinery::Status;
use serde_json::Value;

use crate::body::ResponseBody;
use crate::pipeline::Answer;
use crate::verbs::Operation;

/// An empty log for a container that exists.
pub(super) async fn log(operation: &Operation<'_>) -> Result<Answer, Status> {
    let name = operation.name();
    let pod = operation.registry.get(operation.namespace(), name).await?.object;
    let names: Vec<&str> = containers(&pod).collect();
    match operation.context.query.value("container") {
        Some(asked) if !names.contains(&asked) => {
            Err(Status::bad_request(format!("container {asked} is not valid for pod {name}")))
        }
        None if names.len() > 1 => Err(Status::bad_request(format!(
            "a container name must be specified for pod {name}, choose one of: [{}]",
            names.join(" ")
        ))),
        _ if is_bound(&pod) => Ok(Answer::text(StatusCode::OK, "")),
        _ => {
            let mut response = Response::new(ResponseBody::Full(None));
            *response.status_mut() = StatusCode::NO_CONTENT;
            Ok(Answer::Response(Box::new(response)))
        }
    }
}

/// Refuses a connection into a pod or to a node.
pub(super) async fn refuse(operation: &Operation<'_>) -> Result<Answer, Status> {
    let name = operation.name();
    let object = operation.registry.get(operation.namespace(), name).await?.object;
    let why = if operation.resource.resource == "pods" && !is_bound(&object) {
        format!("pod {name} does not have a host assigned")
    } else {
        format!(
            "{} {name} runs nothing that could be connected to: podsec starts no containers",
            operation.resource.singular
        )
    };
    Err(Status::bad_request(why))
}

fn containers(pod: &Value) -> impl Iterator<Item = &str> {
    ["/spec/initContainers", "/spec/containers", "/spec/ephemeralContainers"]
        .into_iter()
        .filter_map(|list| pod.pointer(list).and_then(Value::as_array))
        .flatten()
        .filter_map(|container| container.get("name").and_then(Value::as_str))
}

fn is_bound(pod: &Value) -> bool {
    pod.pointer("/spec/nodeName").and_then(Value::as_str).is_some_and(|node| !node.is_empty())
}
