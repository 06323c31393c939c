//! One object in two versions: events, which two groups serve, and autoscalers.
//!
//! An object is kept in the version it was written in. Every other version of it has the same fields, except for
//! events, whose fields have other names in `events.k8s.io`, and for autoscalers, of which the older version keeps in
//! annotations what it has no fields for.

use podsec_apimachinery::schema::catalog::Resource;
use serde_json::Value;

use podsec_kinds::autoscaling;
use podsec_kinds::object::as_map;

/// Shows an object in the version of `resource`.
pub(crate) fn to_version_of(resource: &Resource, object: &mut Value) {
    let version = resource.api_version();
    match version.as_str() {
        "autoscaling/v1" => return *object = autoscaling::versions::to_v1(object),
        "autoscaling/v2" => return *object = autoscaling::versions::to_v2(object),
        _ => {}
    }
    let fields = as_map(object);
    if fields.get("apiVersion").and_then(Value::as_str) == Some(version.as_str()) {
        return;
    }
    if resource.kind == "Event" {
        let to_core = resource.group.is_empty();
        for (core, own) in EVENT_FIELDS {
            let (from, to) = if to_core { (own, core) } else { (core, own) };
            if let Some(value) = fields.remove(*from) {
                fields.insert((*to).to_owned(), value);
            }
        }
        // The core group writes them even when they are empty, and the other one leaves them out.
        for name in ["reportingComponent", "reportingInstance"].into_iter().filter(|_| to_core) {
            fields.entry(name).or_insert_with(|| "".into());
        }
        for name in ["reportingController", "reportingInstance"].into_iter().filter(|_| !to_core) {
            if fields.get(name).is_some_and(|value| value == "") {
                fields.remove(name);
            }
        }
    }
    fields.insert("apiVersion".to_owned(), version.into());
}

/// The group of the one kind that Kubernetes has for all versions of an object: its messages about what is invalid name it.
pub(crate) fn group_of_kind(resource: &Resource) -> &str {
    if resource.kind == "Event" { "" } else { &resource.group }
}

/// The fields of an event in the core group and in `events.k8s.io`.
const EVENT_FIELDS: &[(&str, &str)] = &[
    ("count", "deprecatedCount"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("involvedObject", "regarding"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("message", "note"),
    ("reportingComponent", "reportingController"),
    ("source", "deprecatedSource"),
];

#[cfg(test)]
mod tests {
    use podsec_apimachinery::schema::Catalog;
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_has_two_forms() {
        let catalog = Catalog::builtin();
        let core = catalog.find("", "v1", "events").unwrap();
        let own = catalog.find("events.k8s.io", "v1", "events").unwrap();
        let in_core = json!({
            "kind": "Event", "apiVersion": "v1", "reason": "Failed", "message": "no", "count": 2,
            "involvedObject": {"kind": "Pod"}, "reportingComponent": "", "reportingInstance": "",
        });
        let in_own = json!({
            "kind": "Event", "apiVersion": "events.k8s.io/v1", "reason": "Failed", "note": "no",
            "deprecatedCount": 2, "regarding": {"kind": "Pod"},
        });
        let mut event = in_core.clone();
        to_version_of(own, &mut event);
        assert_eq!(event, in_own);
        to_version_of(core, &mut event);
        assert_eq!(event, in_core);
    }
}
