//! Deployments: their strategy of replacing pods, and the generation that counts annotations too.

use jiff::Timestamp;
use podsec_apimachinery::field::{Error, Path};
use serde_json::{Value, json};

use crate::generic::BASE;
use crate::object::{Fields, FieldsMut, metadata, same};
use crate::pod_spec::defaults;
use crate::printing::{self, column};
use crate::strategy::{Strategy, Subresource};
use crate::{internal, label_selector, metadata as meta, workload};

/// Deployments.
pub(crate) static STRATEGY: Strategy = Strategy {
    group: "apps",
    resource: "deployments",
    default,
    prepare_for_create: |deployment| {
        workload::reset_status(deployment, json!({}));
        workload::start_generation(deployment);
    },
    prepare_for_update,
    validate: |deployment| {
        let mut errors = workload::validate_metadata(deployment);
        errors.extend(validate_spec(deployment));
        errors
    },
    validate_update: |deployment, old| {
        let mut errors = meta::validate_update(deployment, old);
        errors.extend(validate_spec(deployment));
        errors.extend(workload::immutable_selector(deployment, old));
        errors
    },
    warnings_on_create: workload::named_template_warnings,
    warnings_on_update: workload::template_warnings_on_update,
    subresources: &[STATUS],
    scale: true,
    columns: &[
        printing::NAME,
        column("Ready", "Number of the pod with ready state"),
        column(
            "Up-to-date",
            "Total number of non-terminating pods targeted by this deployment that have the desired template \
         spec.",
        ),
        column(
            "Available",
            "Total number of available non-terminating pods (ready for at least minReadySeconds) targeted by \
         this deployment.",
        ),
        printing::AGE,
        printing::CONTAINERS,
        printing::IMAGES,
        printing::wide(
            "Selector",
            "Label selector for pods. Existing ReplicaSets whose pods are selected by this will be the ones \
         affected by this deployment. It must match the pod template's labels.",
        ),
    ],
    cells,
    ..BASE
};

const STATUS: Subresource = Subresource {
    name: "status",
    prepare_for_update: |deployment, old| {
        workload::keep_all_but_status(deployment, old);
        if let Some(fields) = deployment.as_object_mut().and_then(|fields| fields.object_mut("metadata")) {
            fields.copy("labels", metadata(old));
        }
    },
    validate_update: |deployment, old| {
        let counts = &[
            "observedGeneration",
            "replicas",
            "updatedReplicas",
            "readyReplicas",
            "availableReplicas",
            "unavailableReplicas",
            "terminatingReplicas",
            "collisionCount",
        ];
        let parts = &["updatedReplicas", "readyReplicas", "availableReplicas"];
        let mut errors = meta::validate_update(deployment, old);
        errors.extend(workload::validate_replicas(deployment.at("status"), counts, parts, "readyReplicas"));
        errors.extend(workload::validate_collisions(deployment, old));
        errors
    },
};

fn default(deployment: &mut Value) {
    let Some(deployment) = deployment.as_object_mut() else { return };
    let Some(spec) = deployment.ensure("spec") else { return };
    spec.fill("replicas", 1);
    spec.fill("revisionHistoryLimit", 10);
    spec.fill("progressDeadlineSeconds", 600);
    if let Some(strategy) = spec.ensure("strategy") {
        strategy.fill_zero("type", "RollingUpdate");
        if strategy.text("type") == "RollingUpdate"
            && let Some(rolling) = strategy.ensure("rollingUpdate")
        {
            rolling.fill("maxUnavailable", "25%");
            rolling.fill("maxSurge", "25%");
        }
    }
    defaults::default_template(spec);
    deployment.ensure("status");
}

fn prepare_for_update(deployment: &mut Value, old: &Value) {
    workload::keep_status(deployment, old);
    let annotations = |object| metadata(object).at("annotations");
    let changed =
        !same(deployment.at("spec"), old.at("spec")) || !same(annotations(deployment), annotations(old));
    workload::count_generation(deployment, old, changed);
}

fn validate_spec(deployment: &Value) -> Vec<Error> {
    let spec = deployment.at("spec");
    let path = Path::new("spec");
    let mut errors = workload::nonnegative(spec, &["replicas"], &path);
    errors.extend(workload::validate_selector(spec, "deployment", &path));
    errors.extend(workload::validate_template(spec, "ReplicaSet", &path));
    errors.extend(validate_strategy(spec.at("strategy"), &path.child("strategy")));
    errors.extend(workload::nonnegative(
        spec,
        &["minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"],
        &path,
    ));
    if let Some(deadline) = spec.integer("progressDeadlineSeconds")
        && deadline <= spec.number("minReadySeconds")
    {
        let path = path.child("progressDeadlineSeconds");
        errors.push(Error::invalid(path, &deadline.into(), "must be greater than minReadySeconds"));
    }
    errors
}

fn validate_strategy(strategy: &Value, path: &Path) -> Vec<Error> {
    let rolling_path = path.child("rollingUpdate");
    match strategy.text("type") {
        "Recreate" if strategy.has("rollingUpdate") => {
            let detail = "may not be specified when strategy `type` is 'Recreate'";
            vec![Error::forbidden(rolling_path, detail)]
        }
        "Recreate" => Vec::new(),
        "RollingUpdate" => {
            let (unavailable, surge) = (
                strategy.at("rollingUpdate").at("maxUnavailable"),
                strategy.at("rollingUpdate").at("maxSurge"),
            );
            let unavailable_path = rolling_path.child("maxUnavailable");
            let mut errors: Vec<Error> =
                workload::validate_int_or_percent(unavailable, &unavailable_path).into_iter().collect();
            errors.extend(workload::validate_int_or_percent(surge, &rolling_path.child("maxSurge")));
            if workload::is_zero(unavailable) && workload::is_zero(surge) {
                let detail = "may not be 0 when `maxSurge` is 0";
                errors.push(Error::invalid(unavailable_path.clone(), unavailable, detail));
            }
            errors.extend(workload::not_above_all(unavailable, &unavailable_path));
            errors
        }
        _ => {
            let shown = internal::json("apps.DeploymentStrategy", strategy);
            vec![Error::not_supported_json(path.clone(), &shown, &["Recreate", "RollingUpdate"])]
        }
    }
}

fn cells(deployment: &Value, now: Timestamp) -> Vec<Value> {
    let (spec, status) = (deployment.at("spec"), deployment.at("status"));
    let [containers, images] = printing::containers_and_images(spec.at("template"));
    vec![
        printing::name(deployment),
        printing::of(status.number("readyReplicas"), spec.number("replicas")),
        status.number("updatedReplicas").into(),
        status.number("availableReplicas").into(),
        printing::age(deployment, now),
        containers,
        images,
        label_selector::format(spec.at("selector")).into(),
    ]
}
