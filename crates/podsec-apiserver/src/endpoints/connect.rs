//! `pods/exec`, `attach`, `portforward` and the proxies: nothing runs here, and that is what they answer.

use podsec_apimachinery::Status;
use serde_json::{Map, Value};

use crate::admission::Action;
use crate::answer::Answer;
use crate::verbs::Write;

/// Refuses a connection into a pod or to a node.
pub(super) async fn refuse(write: &Write<'_>) -> Result<Answer, Status> {
    let name = write.name();
    let attributes = write.attributes(Action::Connect, name, None, Value::Null, false);
    write.admission.admit(&attributes, &mut options(write)).await?;
    let object = write.registry.get(write.namespace(), name).await?.object;
    let why = if write.registry.resource().resource == "pods" && !is_bound(&object) {
        format!("pod {name} does not have a host assigned")
    } else {
        format!(
            "{} {name} runs nothing that could be connected to: podsec starts no containers",
            write.registry.resource().singular
        )
    };
    Err(Status::bad_request(why))
}

/// What the client wants of the connection, which is what admission sees (`PodExecOptions` and its siblings).
fn options(write: &Write<'_>) -> Value {
    let info = &write.request.info;
    let query = &write.request.query;
    let mut fields = Map::new();
    if let Some(door) = write.registry.resource().subresource(&info.subresource) {
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

fn is_bound(pod: &Value) -> bool {
    pod.pointer("/spec/nodeName").and_then(Value::as_str).is_some_and(|node| !node.is_empty())
}
