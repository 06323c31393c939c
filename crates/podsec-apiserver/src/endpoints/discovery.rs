//! `/api` and `/apis`: which groups, versions and resources there are.

use hyper::header::ACCEPT;
use podsec_apimachinery::Status;
use podsec_apimachinery::discovery;
use serde::Serialize;

use crate::apiserver::ApiServer;
use crate::pipeline::{Answer, Context};

/// Answers under `/api` and `/apis`; `None` for a group or version that is not there.
pub(super) fn discovery(
    api: &ApiServer,
    context: &Context,
    segments: &[&str],
) -> Result<Option<Answer>, Status> {
    let served = api.served();
    let catalog = &served.catalog;
    let aggregated = wants_aggregated(context);
    let (code, content_type) = (200, Some(discovery::AGGREGATED));
    Ok(match segments {
        ["api"] if aggregated => {
            let object = to_value(&discovery::aggregated_core(catalog))?;
            Some(Answer::Object { code, content_type, object })
        }
        ["apis"] if aggregated => {
            let object = to_value(&discovery::aggregated_groups(catalog))?;
            Some(Answer::Object { code, content_type, object })
        }
        ["api"] => {
            let host = context.uri.host().map(str::to_owned).or_else(|| {
                let host = context.headers.get(hyper::header::HOST)?;
                host.to_str().ok().map(str::to_owned)
            });
            let document = to_value(&discovery::api_versions(catalog, &host.unwrap_or_default()))?;
            Some(Answer::ok(document))
        }
        ["apis"] => Some(Answer::ok(to_value(&discovery::api_group_list(catalog))?)),
        ["api", version] => answer(discovery::api_resource_list(catalog, "", version))?,
        ["apis", group] => answer(discovery::api_group(catalog, group))?,
        ["apis", group, version] => answer(discovery::api_resource_list(catalog, group, version))?,
        _ => None,
    })
}

/// Whether the client takes the aggregated form in its version 2, the only one that is served.
fn wants_aggregated(context: &Context) -> bool {
    let accept = context.headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
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
