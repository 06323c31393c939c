//! ReplicaSets.

use jiff::Timestamp;
use podsec_apimachinery::field::{Error, Path};
use serde_json::{Value, json};

use crate::generic::BASE;
use crate::object::{Fields, FieldsMut};
use crate::pod_spec::defaults;
use crate::printing::{self, integer};
use crate::strategy::{Column, SelectableField, Strategy, Subresource};
use crate::{label_selector, metadata as meta, workload};

/// ReplicaSets.
pub(crate) static STRATEGY: Strategy = Strategy {
    group: "apps",
    resource: "replicasets",
    default,
    prepare_for_create: |set| {
        workload::reset_status(set, json!({ "replicas": 0 }));
        workload::start_generation(set);
    },
    prepare_for_update: workload::prepare_for_update,
    validate: |set| {
        let mut errors = workload::validate_metadata(set);
        errors.extend(validate_spec(set));
        errors
    },
    validate_update: |set, old| {
        let mut errors = meta::validate_update(set, old);
        errors.extend(validate_spec(set));
        errors.extend(workload::immutable_selector(set, old));
        errors
    },
    warnings_on_create: workload::named_template_warnings,
    warnings_on_update: workload::template_warnings_on_update,
    subresources: &[STATUS],
    scale: true,
    columns: COLUMNS,
    cells,
    selectable_fields: &[REPLICAS],
    ..BASE
};

/// `status.replicas`, which replication controllers and sets alike can be selected by.
pub(crate) const REPLICAS: SelectableField = SelectableField {
    label: "status.replicas",
    value: |object, _| object.at("status").number("replicas").to_string(),
};

const STATUS: Subresource = Subresource {
    name: "status",
    prepare_for_update: workload::keep_all_but_status,
    validate_update: validate_status_update,
};

/// The rules of the status, which replication controllers share.
pub(crate) fn validate_status_update(set: &Value, old: &Value) -> Vec<Error> {
    let counts = &[
        "replicas",
        "fullyLabeledReplicas",
        "readyReplicas",
        "availableReplicas",
        "observedGeneration",
        "terminatingReplicas",
    ];
    let parts = &["fullyLabeledReplicas", "readyReplicas", "availableReplicas"];
    let mut errors = meta::validate_update(set, old);
    errors.extend(workload::validate_replicas(set.at("status"), counts, parts, "readyReplicas"));
    errors
}

fn default(set: &mut Value) {
    let Some(set) = set.as_object_mut() else { return };
    if let Some(spec) = set.ensure("spec") {
        spec.fill("replicas", 1);
        defaults::default_template(spec);
    }
    if let Some(status) = set.ensure("status") {
        status.fill("replicas", 0);
    }
}

fn validate_spec(set: &Value) -> Vec<Error> {
    let spec = set.at("spec");
    let path = Path::new("spec");
    let mut errors = workload::nonnegative(spec, &["replicas", "minReadySeconds"], &path);
    // Kubernetes' own words name the deployment here too.
    errors.extend(workload::validate_selector(spec, "deployment", &path));
    errors.extend(workload::validate_template(spec, "ReplicaSet", &path));
    errors
}

/// The columns of everything that keeps a number of replicas.
pub(crate) const COLUMNS: &[Column] = &[
    printing::NAME,
    integer(
        "Desired",
        "Replicas is the number of desired pods. This is a pointer to distinguish between explicit zero and \
         unspecified. Defaults to 1. More info: \
         https://kubernetes.io/docs/concepts/workloads/controllers/replicaset",
    ),
    integer(
        "Current",
        "Replicas is the most recently observed number of non-terminating pods. More info: \
         https://kubernetes.io/docs/concepts/workloads/controllers/replicaset",
    ),
    integer(
        "Ready",
        "The number of non-terminating pods targeted by this ReplicaSet with a Ready Condition.",
    ),
    printing::AGE,
    printing::CONTAINERS,
    printing::IMAGES,
    printing::wide(
        "Selector",
        "Selector is a label query over pods that should match the replica count. Label keys and values that \
         must match in order to be controlled by this replica set. It must match the pod template's labels. \
         More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors",
    ),
];

fn cells(set: &Value, now: Timestamp) -> Vec<Value> {
    cells_with(set, label_selector::format(set.at("spec").at("selector")), now)
}

/// The cells under [`COLUMNS`].
pub(crate) fn cells_with(object: &Value, selector: String, now: Timestamp) -> Vec<Value> {
    let (spec, status) = (object.at("spec"), object.at("status"));
    let [containers, images] = printing::containers_and_images(spec.at("template"));
    vec![
        printing::name(object),
        spec.number("replicas").into(),
        status.number("replicas").into(),
        status.number("readyReplicas").into(),
        printing::age(object, now),
        containers,
        images,
        selector.into(),
    ]
}
