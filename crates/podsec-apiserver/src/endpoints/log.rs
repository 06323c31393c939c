//! `pods/log`: the log of a container. Nothing runs here, so that of a pod on a node is empty.

use std::fmt::Write as _;

use hyper::{Response, StatusCode};
use podsec_apimachinery::Status;
use podsec_apimachinery::field::{Error, Path};
use serde_json::Value;

use crate::answer::Answer;
use crate::body::ResponseBody;
use crate::registry::Registry;
use crate::request::options::parse_integer;
use crate::request::{Query, Request};

/// Answers with the log of one container.
pub(super) async fn log(request: &Request, registry: &Registry) -> Result<Answer, Status> {
    let name = request.name();
    let query = &request.query;
    validate(query, name)?;
    let pod = registry.get(request.namespace(registry.resource()), name).await?.object;
    let asked = query.value("container").unwrap_or_default();
    let container = if asked.is_empty() { only_container(&pod, name)? } else { asked };
    if !all_containers(&pod).any(|found| found == container) {
        return Err(Status::bad_request(format!("container {container} is not valid for pod {name}")));
    }
    let node = pod.pointer("/spec/nodeName").and_then(Value::as_str).unwrap_or_default();
    if node.is_empty() {
        // Kubernetes has nowhere to read a log from, and answers with nothing.
        let mut response = Response::new(ResponseBody::Full(None));
        *response.status_mut() = StatusCode::NO_CONTENT;
        return Ok(Answer::Response(Box::new(response)));
    }
    Ok(Answer::text(StatusCode::OK, ""))
}

fn validate(query: &Query, name: &str) -> Result<(), Status> {
    let mut errors = Vec::new();
    let bounds = [
        ("tailLines", 0, "must be greater than or equal to 0"),
        ("limitBytes", 1, "must be greater than 0"),
        ("sinceSeconds", 1, "must be greater than 0"),
    ];
    for (field, least, why) in bounds {
        let Some(text) = query.value(field).filter(|text| !text.is_empty()) else { continue };
        let number = parse_integer(text)?;
        if number < least {
            errors.push(Error::invalid(Path::new(field), &Value::from(number), why));
        }
    }
    if query.value("sinceSeconds").is_some() && query.value("sinceTime").is_some() {
        let why = "at most one of `sinceTime` or `sinceSeconds` may be specified";
        errors.push(Error::forbidden(Path::unnamed(), why));
    }
    if errors.is_empty() { Ok(()) } else { Err(Status::invalid("", "PodLogOptions", name, &errors)) }
}

/// The container of a pod that has one, or the one that the pod says is meant.
fn only_container<'p>(pod: &'p Value, name: &str) -> Result<&'p str, Status> {
    let names = |list: &str| -> Vec<&str> { containers(pod, list).collect() };
    let (main, init) = (names("containers"), names("initContainers"));
    match main.as_slice() {
        [only] => Ok(only),
        [] => Err(Status::bad_request(format!("a container name must be specified for pod {name}"))),
        many => {
            let mut why = format!(
                "a container name must be specified for pod {name}, choose one of: [{}]",
                many.join(" ")
            );
            // Writing to a string does not fail.
            if !init.is_empty() {
                let _ = write!(why, " or one of the init containers: [{}]", init.join(" "));
            }
            let ephemeral = names("ephemeralContainers");
            if !ephemeral.is_empty() {
                let _ = write!(why, " or one of the ephemeral containers: [{}]", ephemeral.join(" "));
            }
            Err(Status::bad_request(why))
        }
    }
}

fn all_containers(pod: &Value) -> impl Iterator<Item = &str> {
    ["initContainers", "containers", "ephemeralContainers"].into_iter().flat_map(|list| containers(pod, list))
}

fn containers<'p>(pod: &'p Value, list: &str) -> impl Iterator<Item = &'p str> {
    let containers = pod.pointer(&format!("/spec/{list}")).and_then(Value::as_array);
    containers.into_iter().flatten().filter_map(|container| container.get("name").and_then(Value::as_str))
}
