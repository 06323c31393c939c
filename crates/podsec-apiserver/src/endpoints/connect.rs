//! `pods/log`, `exec`, `attach`, `portforward` and the proxies: nothing runs here, and that is what they answer.

use hyper::{Response, StatusCode};
use podsec_apimachinery::Status;
use serde_json::{Map, Value};

use crate::admission::{self, Action, Write};
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
    let write = Write { action: Action::Connect, name, old: None, options: Value::Null, dry_run: false };
    admission::admit(operation, &write, &mut options(operation)).await?;
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

/// What the client wants of the connection, which is what admission sees (`PodExecOptions` and its siblings).
fn options(operation: &Operation<'_>) -> Value {
    let info = &operation.context.info;
    let query = &operation.context.query;
    let mut fields = Map::new();
    if let Some(door) = operation.resource.subresource(&info.subresource) {
        fields.insert("kind".to_owned(), door.kind.as_str().into());
        fields.insert("apiVersion".to_owned(), "v1".into());
    }
    for flag in ["stdin", "stdout", "stderr", "tty"] {
        if query.flag(flag) {
            fields.insert(flag.to_owned(), true.into());
        }
    }
    for text in ["container", "path"] {
        if let Some(value) = query.value(text) {
            fields.insert(text.to_owned(), value.into());
        }
    }
    let command: Vec<Value> = query.values("command").map(Value::from).collect();
    if !command.is_empty() {
        fields.insert("command".to_owned(), command.into());
    }
    let ports = query.values("ports").filter_map(|port| port.parse::<i64>().ok());
    let ports: Vec<Value> = ports.map(Value::from).collect();
    if !ports.is_empty() {
        fields.insert("ports".to_owned(), ports.into());
    }
    Value::Object(fields)
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
