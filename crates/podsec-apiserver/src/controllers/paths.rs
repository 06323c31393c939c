//! Where objects are served.

use podsec_apimachinery::meta::Meta;
use serde_json::Value;

use crate::apiserver::ApiServer;

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
