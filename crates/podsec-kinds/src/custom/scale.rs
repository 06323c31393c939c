//! `subresources.scale`: where a custom object keeps its replicas.

use podsec_apimachinery::Status;
use podsec_apimachinery::field::Error;
use podsec_apimachinery::meta::{Meta, MetaMut};
use serde_json::{Map, Value, json};

use super::{JsonPath, replicas};

/// The paths that a version names.
#[derive(Clone, Debug)]
pub(super) struct ScalePaths {
    /// As it stands in the definition, for messages.
    named: String,
    named_in_status: String,
    named_selector: Option<String>,
    spec_replicas: JsonPath,
    status_replicas: JsonPath,
    label_selector: Option<JsonPath>,
}

impl ScalePaths {
    /// Those of a version; `None` when its objects have no scale.
    pub(super) fn of_version(version: &Value) -> Option<Self> {
        let scale = version.pointer("/subresources/scale")?;
        let path = |field: &str| scale.get(field).and_then(Value::as_str);
        let named = path("specReplicasPath")?.to_owned();
        Some(Self {
            spec_replicas: JsonPath::parse(&named)?,
            named,
            named_in_status: path("statusReplicasPath")?.to_owned(),
            named_selector: path("labelSelectorPath").map(str::to_owned),
            status_replicas: JsonPath::parse(path("statusReplicasPath")?)?,
            label_selector: path("labelSelectorPath").and_then(JsonPath::parse),
        })
    }

    /// The Scale of an object.
    pub(super) fn of(&self, object: &Value) -> Result<Value, Status> {
        let replicas = self.spec_replicas.first(object).and_then(Value::as_i64).ok_or_else(|| {
            Status::internal(&format!("the spec replicas field {:?} does not exist", self.named))
        })?;
        let mut metadata = Map::new();
        for field in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
            metadata.extend(Meta::of(object).field(field).map(|value| (field.to_owned(), value.clone())));
        }
        let current = self.status_replicas.first(object).and_then(Value::as_i64).unwrap_or_default();
        let mut status = json!({"replicas": current});
        let selector = self.label_selector.as_ref().and_then(|path| path.first(object)?.as_str());
        if let Some(selector) = selector.filter(|selector| !selector.is_empty()) {
            crate::object::as_map(&mut status).insert("selector".to_owned(), selector.into());
        }
        Ok(json!({
            "kind": "Scale",
            "apiVersion": "autoscaling/v1",
            "metadata": metadata,
            "spec": {"replicas": replicas},
            "status": status,
        }))
    }

    /// What is wrong with the replicas of an object; of its status alone, when that alone is written.
    pub(super) fn errors(&self, object: &Value, status_alone: bool) -> Vec<Error> {
        let spec = if status_alone { None } else { replicas::replicas(object, &self.named) };
        let status = replicas::replicas(object, &self.named_in_status);
        let selector = self.named_selector.as_ref().and_then(|named| replicas::selector(object, named));
        spec.into_iter().chain(status).chain(selector).collect()
    }

    /// The object with the replicas that `scale` asks for, and with its preconditions.
    pub(super) fn apply(&self, scale: &Value, object: &mut Value) {
        let replicas = scale.pointer("/spec/replicas").cloned().unwrap_or_else(|| 0.into());
        if let Some(place) = self.spec_replicas.place(object) {
            *place = replicas;
        }
        for field in ["resourceVersion", "uid"] {
            if let Some(value) = Meta::of(scale).field(field).filter(|value| **value != "") {
                MetaMut::of(object).set(field, Some(value.clone()));
            }
        }
    }
}
