//! `/api` and `/apis`: which groups, versions and resources there are.

use hyper::header::{ACCEPT, CACHE_CONTROL, HeaderValue, VARY};
use podsec_apimachinery::Status;
use podsec_apimachinery::discovery;
use podsec_apimachinery::status::Details;
use serde::Serialize;

use podsec_kinds::custom::Served;

use crate::answer::Answer;
use crate::request::Request;
use crate::request::representation::MEDIA_TYPES;

/// Answers under `/api` and `/apis`; `None` for a group or version that is not there.
pub(super) fn discovery(
    served: &Served,
    request: &Request,
    segments: &[&str],
) -> Result<Option<Answer>, Status> {
    let catalog = &served.catalog;
    let aggregated = wants_aggregated(request);
    Ok(match segments {
        ["api"] if aggregated => Some(aggregate(&discovery::aggregated_core(catalog))?),
        ["apis"] if aggregated => Some(aggregate(&discovery::aggregated_groups(catalog))?),
        ["api" | "apis", ..] if !is_acceptable(request) => return Err(not_acceptable(segments)),
        ["api"] => {
            let host = request.uri.host().map(str::to_owned).or_else(|| {
                let host = request.headers.get(hyper::header::HOST)?;
                host.to_str().ok().map(str::to_owned)
            });
            let document = to_value(&discovery::api_versions(catalog, &host.unwrap_or_default()))?;
            Some(Answer::ok(document))
        }
        ["apis"] => Some(Answer::ok(to_value(&discovery::api_group_list(catalog))?)),
        ["api", version] => {
            let list = discovery::api_resource_list(catalog, "", version);
            Some(answer(list)?.ok_or_else(Status::no_such_resource)?)
        }
        ["apis", group] => answer(discovery::api_group(catalog, group))?,
        ["apis", group, version] => match answer(discovery::api_resource_list(catalog, group, version))? {
            // A group that is served, in a version that is not.
            None if catalog.group(group).is_some() => return Err(Status::no_such_resource()),
            answer => answer,
        },
        _ => None,
    })
}

/// Everything about all groups, which a client may keep as long as its tag holds.
fn aggregate(document: &impl Serialize) -> Result<Answer, Status> {
    let bytes = serde_json::to_vec(document).map_err(|error| Status::internal(&error.to_string()))?;
    let mut answer = Answer::document(discovery::AGGREGATED, bytes);
    if let Answer::Response(response) = &mut answer {
        let headers = response.headers_mut();
        headers.insert(VARY, HeaderValue::from_static("Accept"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("public"));
    }
    Ok(answer)
}

/// Whether the client takes JSON, or what it would be turned into.
fn is_acceptable(request: &Request) -> bool {
    let accept = request.headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let known = |clause: &str| {
        let media_type = clause.split(';').next().unwrap_or_default().trim();
        matches!(media_type, "" | "*/*" | "application/*")
            || MEDIA_TYPES.split(", ").any(|known| known == media_type)
    };
    accept.split(',').any(known)
}

/// 406, in go-restful's words for `/api` and in Kubernetes' own for the rest.
fn not_acceptable(segments: &[&str]) -> Status {
    if *segments == ["api"] {
        let message = format!("406: Not Acceptable\n\nAvailable representations: {MEDIA_TYPES}");
        let status = Status::failure(406, "NotAcceptable", message);
        return Status { details: Some(Details::default()), ..status };
    }
    let message = format!("only the following media types are accepted: {MEDIA_TYPES}");
    Status::failure(406, "NotAcceptable", message)
}

/// Whether the client takes the aggregated form in its version 2, the only one that is served.
fn wants_aggregated(request: &Request) -> bool {
    let accept = request.headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accept.split(',').any(|clause| {
        let mut parameters = clause.split(';').map(str::trim);
        let has = |wanted: &str| clause.split(';').any(|parameter| parameter.trim() == wanted);
        parameters.next() == Some("application/json")
            && has("as=APIGroupDiscoveryList")
            && has("g=apidiscovery.k8s.io")
            && has("v=v2")
    })
}

fn answer(document: Option<impl Serialize>) -> Result<Option<Answer>, Status> {
    document.map(|document| Ok(Answer::ok(to_value(&document)?))).transpose()
}

fn to_value(document: &impl Serialize) -> Result<serde_json::Value, Status> {
    serde_json::to_value(document).map_err(|error| Status::internal(&error.to_string()))
}
