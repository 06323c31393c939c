//! StatefulSets: ordered pods with volume claims of their own.

use jiff::Timestamp;
use podsec_apimachinery::field::{Error, Path};
use podsec_apimachinery::name::NameRule;
use serde_json::{Value, json};

use crate::generic::BASE;
use crate::object::{Fields, FieldsMut, metadata, same};
use crate::pod_spec::{annotations, defaults};
use crate::printing::{self, column};
use crate::strategy::{Strategy, Subresource};
use crate::{label_selector, metadata as meta, workload};

/// StatefulSets.
pub(crate) static STRATEGY: Strategy = Strategy {
    group: "apps",
    resource: "statefulsets",
    default,
    prepare_for_create: |set| {
        workload::reset_status(set, json!({ "replicas": 0, "availableReplicas": 0 }));
        workload::start_generation(set);
    },
    prepare_for_update: workload::prepare_for_update,
    validate: |set| {
        // The set's name becomes the host name of its pods.
        let mut errors = meta::validate(set, true, NameRule::Dns1123Label);
        errors.extend(validate_spec(set));
        errors
    },
    validate_update,
    warnings_on_create: workload::template_warnings,
    warnings_on_update: workload::template_warnings_on_update,
    subresources: &[STATUS],
    scale: true,
    columns: &[
        printing::NAME,
        column("Ready", "Number of the pod with ready state"),
        printing::AGE,
        printing::CONTAINERS,
        printing::IMAGES,
    ],
    cells,
    ..BASE
};

const STATUS: Subresource = Subresource {
    name: "status",
    prepare_for_update: workload::keep_all_but_status,
    validate_update: meta::validate_update,
};

fn default(set: &mut Value) {
    let Some(set) = set.as_object_mut() else { return };
    if let Some(spec) = set.ensure("spec") {
        spec.fill_zero("podManagementPolicy", "OrderedReady");
        spec.fill("replicas", 1);
        spec.fill("revisionHistoryLimit", 10);
        if let Some(strategy) = spec.ensure("updateStrategy") {
            strategy.fill_zero("type", "RollingUpdate");
            if strategy.text("type") == "RollingUpdate"
                && let Some(rolling) = strategy.ensure("rollingUpdate")
            {
                rolling.fill("partition", 0);
            }
        }
        if let Some(policy) = spec.ensure("persistentVolumeClaimRetentionPolicy") {
            policy.fill_zero("whenDeleted", "Retain");
            policy.fill_zero("whenScaled", "Retain");
        }
        defaults::default_template(spec);
        for claim in spec.objects_mut("volumeClaimTemplates") {
            claim.fill("apiVersion", "v1");
            claim.fill("kind", "PersistentVolumeClaim");
            claim.ensure("metadata");
            if let Some(spec) = claim.ensure("spec") {
                defaults::default_claim(spec);
            }
            if let Some(status) = claim.ensure("status") {
                status.fill_zero("phase", "Pending");
            }
        }
    }
    if let Some(status) = set.ensure("status") {
        status.fill("replicas", 0);
        status.fill("availableReplicas", 0);
    }
}

fn validate_spec(set: &Value) -> Vec<Error> {
    let spec = set.at("spec");
    let path = Path::new("spec");
    let mut errors = Vec::new();
    let policy = spec.text("podManagementPolicy");
    let policy_path = path.child("podManagementPolicy");
    match policy {
        "OrderedReady" | "Parallel" => {}
        "" => errors.push(Error::required(policy_path, "")),
        _ => {
            let detail = "must be 'OrderedReady' or 'Parallel'";
            errors.push(Error::invalid(policy_path, &policy.into(), detail));
        }
    }
    let strategy = spec.at("updateStrategy");
    let strategy_path = path.child("updateStrategy");
    match strategy.text("type") {
        "" => errors.push(Error::required(strategy_path, "")),
        "OnDelete" if strategy.has("rollingUpdate") => {
            let detail = "only allowed for updateStrategy 'RollingUpdate'";
            let path = strategy_path.child("rollingUpdate");
            errors.push(Error::invalid(path, strategy.at("rollingUpdate"), detail));
        }
        "OnDelete" => {}
        "RollingUpdate" => {
            let path = strategy_path.child("rollingUpdate");
            errors.extend(workload::nonnegative(strategy.at("rollingUpdate"), &["partition"], &path));
        }
        other => {
            let detail = "must be 'RollingUpdate' or 'OnDelete'";
            errors.push(Error::invalid(strategy_path, &other.into(), detail));
        }
    }
    for field in ["whenDeleted", "whenScaled"] {
        let value = spec.at("persistentVolumeClaimRetentionPolicy").text(field);
        let path = path.child("persistentVolumeClaimRetentionPolicy").child(field);
        errors.extend(crate::formats::one_of(&path, value, &["Retain", "Delete"]));
    }
    errors.extend(workload::nonnegative(spec, &["replicas", "minReadySeconds"], &path));
    errors.extend(workload::nonnegative(spec.at("ordinals"), &["start"], &path.child("ordinals")));
    errors.extend(workload::validate_selector(spec, "statefulset", &path));
    errors.extend(validate_template(spec, &path.child("template")));
    errors
}

/// Kubernetes leaves the pod spec to the pods: the claims whose volumes it mounts are not in it.
fn validate_template(spec: &Value, path: &Path) -> Vec<Error> {
    let template = spec.at("template");
    let labels = metadata(template).at("labels");
    let mut errors = Vec::new();
    if !spec.has("selector") || !label_selector::matches(spec.at("selector"), labels) {
        errors.push(workload::unmatched_labels(labels, path));
    }
    errors.extend(meta::labels(metadata(template), &path.child("labels")));
    let annotations_path = path.child("annotations");
    errors.extend(meta::annotations(metadata(template), &annotations_path));
    errors.extend(annotations::validate(metadata(template), template.at("spec"), &annotations_path));
    errors.extend(workload::validate_runs_for_ever(template, "StatefulSet", path));
    errors
}

fn validate_update(set: &Value, old: &Value) -> Vec<Error> {
    let mut errors = meta::validate_update(set, old);
    errors.extend(validate_spec(set));
    let fixed = |object: &Value| {
        let mut spec = object.at("spec").as_object().cloned().unwrap_or_default();
        for field in UPDATABLE {
            spec.remove(*field);
        }
        Value::Object(spec)
    };
    if !same(&fixed(set), &fixed(old)) {
        errors.push(Error::forbidden(Path::new("spec"), NOT_UPDATABLE));
    }
    errors
}

const UPDATABLE: &[&str] = &[
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
];
const NOT_UPDATABLE: &str = "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";

fn cells(set: &Value, now: Timestamp) -> Vec<Value> {
    let (spec, status) = (set.at("spec"), set.at("status"));
    let [containers, images] = printing::containers_and_images(spec.at("template"));
    vec![
        printing::name(set),
        printing::of(status.number("readyReplicas"), spec.number("replicas")),
        printing::age(set, now),
        containers,
        images,
    ]
}
