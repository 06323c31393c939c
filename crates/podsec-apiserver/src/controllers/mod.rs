//! The controllers without which objects would never go: of namespaces and of dependents; and the one that serves
//! custom resources.

pub(crate) mod definitions;
pub(crate) mod garbage_collector;
mod namespace;
pub(crate) mod retries;

use std::sync::Arc;

use podsec_apimachinery::meta::Meta;
use serde_json::Value;

use crate::apiserver::ApiServer;

/// Starts them; they end when the server stops.
pub(crate) fn start(api: &Arc<ApiServer>) {
    tokio::spawn(until_stopped(Arc::clone(api), definitions::run(Arc::clone(api))));
    tokio::spawn(until_stopped(Arc::clone(api), garbage_collector::run(Arc::clone(api))));
    tokio::spawn(until_stopped(Arc::clone(api), namespace::run(Arc::clone(api))));
}

/// Runs a controller or node until the server stops.
pub(crate) async fn until_stopped(api: Arc<ApiServer>, work: impl Future<Output = ()>) {
    let mut stopping = api.stopping();
    tokio::select! {
        () = work => {}
        _ = stopping.wait_for(|stopping| *stopping) => {}
    }
}

/// The URL of an object; `None` for a kind that is not served.
pub(crate) fn path_of(api: &ApiServer, object: &Value) -> Option<String> {
    let text = |field: &str| object.get(field).and_then(Value::as_str).unwrap_or_default();
    let (group, version) = podsec_apimachinery::schema::catalog::group_version(text("apiVersion"))?;
    let served = api.served();
    let resource = served.catalog.by_kind(group, version, text("kind"))?;
    let meta = Meta::of(object);
    let root = if group.is_empty() { "/api/v1".to_owned() } else { format!("/apis/{group}/{version}") };
    let namespace =
        if resource.namespaced { format!("/namespaces/{}", meta.namespace()) } else { String::new() };
    Some(format!("{root}{namespace}/{}/{}", resource.resource, meta.name()))
}
