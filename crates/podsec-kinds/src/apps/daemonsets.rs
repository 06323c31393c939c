//! DaemonSets, with the annotation that counts their templates.

use jiff::Timestamp;
use podsec_apimachinery::field::{Error, Path};
use serde_json::{Value, json};

use crate::generic::BASE;
use crate::object::{Fields, FieldsMut, metadata, same};
use crate::pod_spec::{defaults, validation};
use crate::printing::{self, column, integer};
use crate::strategy::{Column, Strategy, Subresource};
use crate::{internal, label_selector, metadata as meta, workload};

/// DaemonSets.
pub(crate) static STRATEGY: Strategy = Strategy {
    group: "apps",
    resource: "daemonsets",
    default,
    prepare_for_create: |set| {
        workload::reset_status(set, no_status());
        workload::start_generation(set);
        set_template_generation(set, template_generation(set).max(1));
    },
    prepare_for_update,
    validate: |set| {
        let mut errors = workload::validate_metadata(set);
        errors.extend(validate_spec(set));
        errors
    },
    validate_update: |set, old| {
        let mut errors = meta::validate_update(set, old);
        errors.extend(workload::immutable_selector(set, old));
        errors.extend(validate_spec(set));
        errors
    },
    warnings_on_create: workload::template_warnings,
    warnings_on_update: workload::template_warnings_on_update,
    subresources: &[STATUS],
    columns: COLUMNS,
    cells,
    ..BASE
};

const STATUS: Subresource = Subresource {
    name: "status",
    prepare_for_update: |set, old| {
        workload::keep_all_but_status(set, old);
        set_template_generation(set, template_generation(old));
    },
    validate_update: |set, old| {
        let mut errors = meta::validate_update(set, old);
        errors.extend(workload::nonnegative(set.at("status"), COUNTS, &Path::new("status")));
        errors.extend(workload::validate_collisions(set, old));
        errors
    },
};

const COUNTS: &[&str] = &[
    "currentNumberScheduled",
    "numberMisscheduled",
    "desiredNumberScheduled",
    "numberReady",
    "observedGeneration",
    "updatedNumberScheduled",
    "numberAvailable",
    "numberUnavailable",
    "collisionCount",
];

const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";

fn no_status() -> Value {
    json!({ "currentNumberScheduled": 0, "numberMisscheduled": 0, "desiredNumberScheduled": 0, "numberReady": 0 })
}

fn default(set: &mut Value) {
    // Go keeps a number here, and writes it as an annotation also when nobody has set it.
    if !metadata(set).at("annotations").has(TEMPLATE_GENERATION) {
        set_template_generation(set, 0);
    }
    let Some(set) = set.as_object_mut() else { return };
    if let Some(spec) = set.ensure("spec") {
        if let Some(strategy) = spec.ensure("updateStrategy") {
            strategy.fill_zero("type", "RollingUpdate");
            if strategy.text("type") == "RollingUpdate"
                && let Some(rolling) = strategy.ensure("rollingUpdate")
            {
                rolling.fill("maxUnavailable", 1);
                rolling.fill("maxSurge", 0);
            }
        }
        spec.fill("revisionHistoryLimit", 10);
        defaults::default_template(spec);
    }
    if let (Some(status), Value::Object(zero)) = (set.ensure("status"), no_status()) {
        for (field, value) in zero {
            status.fill(&field, value);
        }
    }
}

fn prepare_for_update(set: &mut Value, old: &Value) {
    workload::prepare_for_update(set, old);
    let generation = template_generation(old);
    let changed = !same(set.at("spec").at("template"), old.at("spec").at("template"));
    set_template_generation(set, generation.saturating_add(i64::from(changed)));
}

fn template_generation(set: &Value) -> i64 {
    metadata(set).at("annotations").text(TEMPLATE_GENERATION).parse().unwrap_or(0)
}

fn set_template_generation(set: &mut Value, generation: i64) {
    let metadata = set.as_object_mut().and_then(|set| set.ensure("metadata"));
    if let Some(annotations) = metadata.and_then(|metadata| metadata.ensure("annotations")) {
        annotations.insert(TEMPLATE_GENERATION.to_owned(), generation.to_string().into());
    }
}

fn validate_spec(set: &Value) -> Vec<Error> {
    let spec = set.at("spec");
    let path = Path::new("spec");
    let selector_path = path.child("selector");
    let selector = spec.at("selector");
    let mut errors = label_selector::validate(selector, &selector_path);
    let template = spec.at("template");
    let template_path = path.child("template");
    let labels = template.at("metadata").at("labels");
    if label_selector::selects(selector, labels) == Some(false) {
        errors.push(workload::unmatched_labels(labels, &template_path));
    }
    if !selector.is_null() && label_selector::is_empty(selector) {
        errors.push(Error::invalid(selector_path, selector, "empty selector is invalid for daemonset"));
    }
    errors.extend(validation::validate_template(template, &template_path));
    errors.extend(workload::validate_runs_for_ever(template, "DaemonSet", &template_path));
    errors.extend(workload::nonnegative(spec, &["minReadySeconds"], &path));
    errors.extend(validate_strategy(spec.at("updateStrategy"), &path.child("updateStrategy")));
    errors.extend(workload::nonnegative(spec, &["revisionHistoryLimit"], &path));
    errors
}

fn validate_strategy(strategy: &Value, path: &Path) -> Vec<Error> {
    let rolling_path = path.child("rollingUpdate");
    match strategy.text("type") {
        "OnDelete" => Vec::new(),
        "RollingUpdate" => {
            let rolling = strategy.at("rollingUpdate");
            let (unavailable, surge) = (rolling.at("maxUnavailable"), rolling.at("maxSurge"));
            let (unavailable_path, surge_path) =
                (rolling_path.child("maxUnavailable"), rolling_path.child("maxSurge"));
            let mut errors = Vec::new();
            errors.extend(workload::validate_int_or_percent(unavailable, &unavailable_path));
            errors.extend(workload::validate_int_or_percent(surge, &surge_path));
            errors.extend(workload::not_above_all(unavailable, &unavailable_path));
            errors.extend(workload::not_above_all(surge, &surge_path));
            match (workload::is_zero(unavailable), workload::is_zero(surge)) {
                (false, false) => {
                    let detail = "may not be set when maxUnavailable is non-zero";
                    errors.push(Error::invalid(surge_path, surge, detail));
                }
                (true, true) => {
                    errors.push(Error::required(unavailable_path, "cannot be 0 when maxSurge is 0"));
                }
                _ => {}
            }
            errors
        }
        _ => {
            let shown = internal::json("apps.DaemonSetUpdateStrategy", strategy);
            vec![Error::not_supported_json(path.clone(), &shown, &["RollingUpdate", "OnDelete"])]
        }
    }
}

const COLUMNS: &[Column] = &[
    printing::NAME,
    integer(
        "Desired",
        "The total number of nodes that should be running the daemon pod (including nodes correctly running \
         the daemon pod). More info: https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/",
    ),
    integer(
        "Current",
        "The number of nodes that are running at least 1 daemon pod and are supposed to run the daemon pod. \
         More info: https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/",
    ),
    integer(
        "Ready",
        "numberReady is the number of nodes that should be running the daemon pod and have one or more of \
         the daemon pod running with a Ready Condition.",
    ),
    integer("Up-to-date", "The total number of nodes that are running updated daemon pod"),
    integer(
        "Available",
        "The number of nodes that should be running the daemon pod and have one or more of the daemon pod \
         running and available (ready for at least spec.minReadySeconds)",
    ),
    column(
        "Node Selector",
        "NodeSelector is a selector which must be true for the pod to fit on a node. Selector which must \
         match a node's labels for the pod to be scheduled on that node. More info: \
         https://kubernetes.io/docs/concepts/configuration/assign-pod-node/",
    ),
    printing::AGE,
    printing::CONTAINERS,
    printing::IMAGES,
    printing::wide(
        "Selector",
        "A label query over pods that are managed by the daemon set. Must match in order to be controlled. \
         It must match the pod template's labels. More info: \
         https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors",
    ),
];

fn cells(set: &Value, now: Timestamp) -> Vec<Value> {
    let (spec, status) = (set.at("spec"), set.at("status"));
    let [containers, images] = printing::containers_and_images(spec.at("template"));
    vec![
        printing::name(set),
        status.number("desiredNumberScheduled").into(),
        status.number("currentNumberScheduled").into(),
        status.number("numberReady").into(),
        status.number("updatedNumberScheduled").into(),
        status.number("numberAvailable").into(),
        label_selector::format_labels(spec.at("template").at("spec").at("nodeSelector")).into(),
        printing::age(set, now),
        containers,
        images,
        label_selector::format(spec.at("selector")).into(),
    ]
}
