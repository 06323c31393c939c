//! The history of a template: ControllerRevisions.

use std::sync::Arc;

use k8s_openapi::api::apps::v1::ControllerRevision;
use k8s_openapi::api::core::v1::PodTemplateSpec;
use k8s_openapi::apimachinery::pkg::runtime::RawExtension;
use kube::core::ObjectMeta;
use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::informer::Object;
use crate::ownership::controller_reference;
use crate::template_hash::{FNV_OFFSET, FNV_PRIME, safe};

/// The template as a revision holds it: a patch that puts it in the place of any other.
pub(crate) fn data(template: &PodTemplateSpec) -> Result<Value> {
    let mut template = serde_json::to_value(template).map_err(|error| Error::Object(error.to_string()))?;
    if let Value::Object(fields) = &mut template {
        fields.insert("$patch".to_owned(), json!("replace"));
    }
    Ok(json!({"spec": {"template": template}}))
}

/// The template that a revision holds.
pub(crate) fn template(revision: &ControllerRevision) -> Result<PodTemplateSpec> {
    let template = data_of(revision).pointer("/spec/template");
    let template = template.cloned().unwrap_or_default();
    serde_json::from_value(template).map_err(|error| Error::Object(error.to_string()))
}

/// What a revision holds.
pub(crate) fn data_of(revision: &ControllerRevision) -> &Value {
    &revision.data.0
}

/// A revision of `owner`.
pub(crate) fn revision<O: Object>(
    owner: &O,
    template: &PodTemplateSpec,
    data: Value,
    number: i64,
    name: String,
    label: (&str, &str),
) -> ControllerRevision {
    let labels = template.metadata.as_ref().and_then(|metadata| metadata.labels.clone());
    let mut labels = labels.unwrap_or_default();
    labels.insert(label.0.to_owned(), label.1.to_owned());
    ControllerRevision {
        metadata: ObjectMeta {
            name: Some(name),
            namespace: owner.meta().namespace.clone(),
            labels: Some(labels),
            annotations: owner.meta().annotations.clone(),
            owner_references: Some(vec![controller_reference(owner)]),
            ..ObjectMeta::default()
        },
        data: RawExtension(data),
        revision: Some(number),
    }
}

/// Revisions in their order.
pub(crate) fn sort(revisions: &mut [Arc<ControllerRevision>]) {
    revisions.sort_by_key(|revision| {
        let meta = &revision.metadata;
        (revision.revision, meta.creation_timestamp.as_ref().map(|time| time.0), meta.name.clone())
    });
}

/// The hash that names a revision of a StatefulSet, as Kubernetes computes it: FNV-1 of the JSON as Go writes it.
pub(crate) fn hash(data: &Value, collisions: i32) -> String {
    let text = data.to_string();
    let text = text.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
    let text = text.replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029");
    let collisions = collisions.to_string();
    let bytes = text.bytes().chain(collisions.bytes());
    safe(bytes.fold(FNV_OFFSET, |hash, byte| hash.wrapping_mul(FNV_PRIME) ^ u32::from(byte)))
}
