//! ReplicationControllers: their selector is a plain map, and comes from the template when it is not given.

use jiff::Timestamp;
use podsec_apimachinery::field::{Error, Path};
use serde_json::{Value, json};

use crate::apps::replicasets::{REPLICAS, cells_with, validate_status_update};
use crate::generic::BASE;
use crate::object::{Fields, FieldsMut};
use crate::pod_spec::{defaults, validation};
use crate::printing::{self, integer, wide};
use crate::strategy::{Column, GarbageCollection, Strategy, Subresource};
use crate::{formats, label_selector, metadata as meta, workload};

/// ReplicationControllers.
pub(crate) static STRATEGY: Strategy = Strategy {
    resource: "replicationcontrollers",
    default,
    prepare_for_create: |controller| {
        workload::reset_status(controller, json!({ "replicas": 0 }));
        workload::start_generation(controller);
    },
    prepare_for_update: workload::prepare_for_update,
    validate: |controller| {
        // The rule of the schema, which counts bytes and leaves `generateName` alone.
        let name = |name: &str| {
            let wrong = formats::subdomain(name).into_iter();
            wrong
                .map(|why| if why.starts_with("must be no more") { TOO_LONG.to_owned() } else { why })
                .collect()
        };
        let mut errors = meta::validate_named(controller, true, name, |_| Vec::new());
        errors.extend(meta::finalizers(controller));
        errors.extend(validate_spec(controller));
        errors
    },
    validate_update: |controller, old| {
        let mut errors = meta::validate_update(controller, old);
        errors.extend(validate_spec(controller));
        errors
    },
    warnings_on_create: workload::named_template_warnings,
    warnings_on_update: workload::template_warnings_on_update,
    subresources: &[STATUS],
    scale: true,
    columns: COLUMNS,
    cells,
    selectable_fields: &[REPLICAS],
    default_garbage_collection: GarbageCollection::Orphan,
    ..BASE
};

const STATUS: Subresource = Subresource {
    name: "status",
    prepare_for_update: workload::keep_all_but_status,
    validate_update: validate_status_update,
};

fn default(controller: &mut Value) {
    let labels = controller.at("spec").at("template").at("metadata").at("labels").clone();
    let Some(controller) = controller.as_object_mut() else { return };
    if let Some(spec) = controller.ensure("spec") {
        spec.fill("replicas", 1);
        if spec.entries("selector").next().is_none() && labels.is_object() {
            spec.insert("selector".to_owned(), labels.clone());
        }
        if spec.has("template") {
            defaults::default_template(spec);
        }
    }
    if let Some(metadata) = controller.ensure("metadata")
        && metadata.entries("labels").next().is_none()
        && labels.is_object()
    {
        metadata.insert("labels".to_owned(), labels);
    }
    if let Some(status) = controller.ensure("status") {
        status.fill("replicas", 0);
    }
}

fn validate_spec(controller: &Value) -> Vec<Error> {
    let spec = controller.at("spec");
    let path = Path::new("spec");
    let mut errors = workload::nonnegative(spec, &["minReadySeconds"], &path);
    if spec.entries("selector").next().is_none() {
        errors.push(Error::required(path.child("selector"), ""));
    }
    errors.extend(workload::nonnegative(spec, &["replicas"], &path));
    let template_path = path.child("template");
    let Some(template) = spec.field("template") else {
        errors.push(Error::required(template_path, ""));
        return errors;
    };
    let labels = template.at("metadata").at("labels");
    if spec.entries("selector").any(|(key, value)| labels.at(key) != value) {
        errors.push(workload::unmatched_labels(labels, &template_path));
    }
    errors.extend(validation::validate_template(template, &template_path));
    errors.extend(workload::validate_runs_for_ever(template, "ReplicationController", &template_path));
    errors
}

const TOO_LONG: &str = "must be no more than 253 bytes";

const COLUMNS: &[Column] = &[
    printing::NAME,
    integer(
        "Desired",
        "Replicas is the number of desired replicas. This is a pointer to distinguish between explicit zero \
         and unspecified. Defaults to 1. More info: \
         https://kubernetes.io/docs/concepts/workloads/controllers/replicationcontroller#what-is-a-replicationcontroller",
    ),
    integer(
        "Current",
        "Replicas is the most recently observed number of replicas. More info: \
         https://kubernetes.io/docs/concepts/workloads/controllers/replicationcontroller#what-is-a-replicationcontroller",
    ),
    integer("Ready", "The number of ready replicas for this replication controller."),
    printing::AGE,
    printing::CONTAINERS,
    printing::IMAGES,
    wide(
        "Selector",
        "Selector is a label query over pods that should match the Replicas count. If Selector is empty, it \
         is defaulted to the labels present on the Pod template. Label keys and values that must match in \
         order to be controlled by this replication controller, if empty defaulted to labels on Pod \
         template. More info: \
         https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors",
    ),
];

fn cells(controller: &Value, now: Timestamp) -> Vec<Value> {
    cells_with(controller, label_selector::format_labels(controller.at("spec").at("selector")), now)
}
