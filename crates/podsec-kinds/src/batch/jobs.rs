//! Jobs: the labels and the selector made from their uid, and how far they are.

use jiff::Timestamp;
use podsec_apimachinery::field::{Error, Path};
use podsec_apimachinery::table;
use serde_json::{Map, Value, json};

use crate::batch::{job_spec, job_status};
use crate::generic::BASE;
use crate::object::{Fields, FieldsMut, metadata};
use crate::pod_spec::defaults;
use crate::printing::{self, column};
use crate::strategy::{Column, GarbageCollection, SelectableField, Strategy, Subresource};
use crate::{formats, label_selector, metadata as meta, workload};

/// Jobs.
pub(crate) static STRATEGY: Strategy = Strategy {
    group: "batch",
    resource: "jobs",
    default,
    prepare_for_create,
    prepare_for_update: workload::prepare_for_update,
    validate,
    validate_update,
    warnings_on_create: warnings,
    warnings_on_update: |job, old| {
        let generation = |job: &Value| metadata(job).number("generation");
        let changed = generation(job) != generation(old);
        if changed { job_spec::warnings(job.at("spec"), &Path::new("spec")) } else { Vec::new() }
    },
    subresources: &[STATUS],
    columns: COLUMNS,
    cells,
    selectable_fields: &[SelectableField {
        label: "status.successful",
        value: |job, _| job.at("status").number("succeeded").to_string(),
    }],
    // Deleting a job keeps its pods unless the client says otherwise, as batch/v1 always did.
    default_garbage_collection: GarbageCollection::Orphan,
    ..BASE
};

const STATUS: Subresource = Subresource {
    name: "status",
    prepare_for_update: |job, old| {
        workload::keep_all_but_status(job, old);
        take_labels(job);
    },
    validate_update: job_status::validate_update,
};

const CONTROLLER_UID: &str = "batch.kubernetes.io/controller-uid";
const JOB_NAME: &str = "batch.kubernetes.io/job-name";
/// The names of the same two labels before 1.27, still written.
const OLD_CONTROLLER_UID: &str = "controller-uid";
const OLD_JOB_NAME: &str = "job-name";

fn default(job: &mut Value) {
    take_labels(job);
    let Some(job) = job.as_object_mut() else { return };
    if let Some(spec) = job.ensure("spec") {
        if !spec.has("completions") && !spec.has("parallelism") {
            spec.fill("completions", 1);
        }
        spec.fill("parallelism", 1);
        spec.fill("backoffLimit", if spec.has("backoffLimitPerIndex") { i32::MAX } else { 6 });
        spec.fill("completionMode", "NonIndexed");
        spec.fill("suspend", false);
        spec.fill(
            "podReplacementPolicy",
            if spec.has("podFailurePolicy") { "Failed" } else { "TerminatingOrFailed" },
        );
        if let Some(policy) = spec.object_mut("podFailurePolicy") {
            for rule in policy.objects_mut("rules") {
                for condition in rule.objects_mut("onPodConditions") {
                    condition.fill_zero("status", "True");
                }
            }
        }
        spec.fill("manualSelector", false);
        defaults::default_template(spec);
    }
    job.ensure("status");
}

/// A job without labels takes those of its pods.
fn take_labels(job: &mut Value) {
    let labels = job.at("spec").at("template").at("metadata").at("labels").clone();
    if let Some(metadata) = job.as_object_mut().and_then(|job| job.ensure("metadata"))
        && metadata.entries("labels").next().is_none()
        && labels.is_object()
    {
        metadata.insert("labels".to_owned(), labels);
    }
}

fn prepare_for_create(job: &mut Value) {
    workload::reset_status(job, json!({}));
    workload::start_generation(job);
    if job.at("spec").flag("manualSelector") {
        return;
    }
    let uid = metadata(job).text("uid").to_owned();
    let generated = generated_labels(job);
    // Labels that came from the template are one map with it in Kubernetes, and grow with it. A job that has none
    // takes the template's when it is read back, for reading sets defaults too.
    let shared = !metadata(job).has("labels")
        || metadata(job).at("labels") == job.at("spec").at("template").at("metadata").at("labels");
    let Some(job) = job.as_object_mut() else { return };
    let add = |owner: &mut Map<String, Value>| {
        if let Some(labels) = owner.ensure("metadata").and_then(|metadata| metadata.ensure("labels")) {
            for (label, value) in &generated {
                labels.fill(label, value.clone());
            }
        }
    };
    if shared {
        add(job);
    }
    let Some(spec) = job.object_mut("spec") else { return };
    if let Some(template) = spec.ensure("template") {
        add(template);
    }
    let selector = spec.ensure("selector");
    if let Some(labels) = selector.and_then(|selector| selector.ensure("matchLabels")) {
        labels.fill(CONTROLLER_UID, uid);
    }
}

fn generated_labels(job: &Value) -> Map<String, Value> {
    let (uid, name) = (metadata(job).text("uid"), metadata(job).text("name"));
    [(CONTROLLER_UID, uid), (OLD_CONTROLLER_UID, uid), (JOB_NAME, name), (OLD_JOB_NAME, name)]
        .into_iter()
        .map(|(label, value)| (label.to_owned(), value.into()))
        .collect()
}

fn validate(job: &Value) -> Vec<Error> {
    validate_with(job, true)
}

fn validate_with(job: &Value, prefixed: bool) -> Vec<Error> {
    let mut errors = workload::validate_metadata(job);
    // Labels that are all the server's came with the template's, whose errors are told there.
    if metadata(job).at("labels").as_object() == Some(&generated_labels(job)) {
        let labels = Path::new("metadata").child("labels");
        errors.retain(|error| error.path != labels);
    }
    errors.extend(generated_selector(job, prefixed));
    let spec = job.at("spec");
    errors.extend(job_spec::validate_selected(spec, &Path::new("spec")));
    // The last pod's name ends with the highest index, and becomes its host name.
    let completions = spec.number("completions");
    if spec.text("completionMode") == "Indexed" && completions > 0 {
        let name = metadata(job).text("name");
        let longest = format!("{name}-{}", completions - 1);
        if !formats::label(&longest).is_empty() {
            let path = Path::new("metadata").child("name");
            let detail = format!("will not able to create pod with invalid DNS label: {longest}");
            errors.push(Error::invalid(path, &name.into(), &detail));
        }
    }
    errors
}

/// A selector that the server makes must be exactly the one it makes.
fn generated_selector(job: &Value, prefixed: bool) -> Vec<Error> {
    let spec = job.at("spec");
    if spec.flag("manualSelector") || !spec.has("selector") {
        return Vec::new();
    }
    let mut errors = Vec::new();
    let labels = spec.at("template").at("metadata").at("labels");
    let labels_path = Path::new("spec").child("template").child("metadata").child("labels");
    let generated = generated_labels(job);
    let mut expected = Map::new();
    for label in [OLD_CONTROLLER_UID, OLD_JOB_NAME, CONTROLLER_UID, JOB_NAME] {
        if matches!(label, CONTROLLER_UID | JOB_NAME) && !prefixed {
            continue;
        }
        let value = generated.at(label);
        expected.insert(label.to_owned(), value.clone());
        if labels.at(label) != value {
            let detail = format!("must be '{}'", value.as_str().unwrap_or_default());
            errors.push(if labels.has(label) {
                Error::invalid(labels_path.key(label), labels, &detail)
            } else {
                Error::required(labels_path.key(label), &detail)
            });
        }
    }
    if label_selector::selects(spec.at("selector"), &Value::Object(expected)) == Some(false) {
        let path = Path::new("spec").child("selector");
        errors.push(label_selector::invalid(spec.at("selector"), path, "`selector` not auto-generated"));
    }
    errors
}

fn validate_update(job: &Value, old: &Value) -> Vec<Error> {
    let mut errors = meta::common_update(job, old);
    // Jobs of before 1.27 have the two old labels alone.
    let labels = old.at("spec").at("template").at("metadata").at("labels");
    let prefixed = labels.has(JOB_NAME) && labels.has(CONTROLLER_UID);
    errors.extend(validate_with(job, prefixed));
    errors.extend(meta::own_update(job, old));
    errors.extend(job_spec::validate_selected(job.at("spec"), &Path::new("spec")));
    errors.extend(job_spec::validate_update(job, old));
    errors
}

fn warnings(job: &Value) -> Vec<String> {
    let spec = job.at("spec");
    let mut warnings: Vec<String> = workload::name_warning(job).into_iter().collect();
    warnings.extend(job_spec::warnings(spec, &Path::new("spec")));
    warnings
}

/// The column of the selector, which the jobs of a CronJob have, too.
pub(super) const SELECTOR: Column = printing::wide(
    "Selector",
    "A label query over pods that should match the pod count. Normally, the system sets this field for \
         you. More info: \
         https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors",
);

const COLUMNS: &[Column] = &[
    printing::NAME,
    column("Status", "Status of the job."),
    column(
        "Completions",
        "The number of pods which reached phase Succeeded. The value increases monotonically for a given \
         spec. However, it may decrease in reaction to scale down of elastic indexed jobs.",
    ),
    column("Duration", "Time required to complete the job."),
    printing::AGE,
    printing::CONTAINERS,
    printing::IMAGES,
    SELECTOR,
];

fn cells(job: &Value, now: Timestamp) -> Vec<Value> {
    let (spec, status) = (job.at("spec"), job.at("status"));
    let [containers, images] = printing::containers_and_images(spec.at("template"));
    let succeeded = status.number("succeeded");
    let completions = match (spec.integer("completions"), spec.number("parallelism")) {
        (Some(completions), _) => format!("{succeeded}/{completions}"),
        (None, parallelism @ 2..) => format!("{succeeded}/1 of {parallelism}"),
        (None, _) => format!("{succeeded}/1"),
    };
    vec![
        printing::name(job),
        state(job).into(),
        completions.into(),
        duration(status, now).into(),
        printing::age(job, now),
        containers,
        images,
        label_selector::format(spec.at("selector")).into(),
    ]
}

fn state(job: &Value) -> &'static str {
    let condition = |kind: &str| {
        let conditions = job.at("status").list("conditions");
        conditions
            .iter()
            .any(|condition| condition.text("type") == kind && condition.text("status") == "True")
    };
    if condition("Complete") {
        "Complete"
    } else if condition("Failed") {
        "Failed"
    } else if metadata(job).has("deletionTimestamp") {
        "Terminating"
    } else if condition("Suspended") {
        "Suspended"
    } else if condition("FailureTarget") {
        "FailureTarget"
    } else if condition("SuccessCriteriaMet") {
        "SuccessCriteriaMet"
    } else {
        "Running"
    }
}

fn duration(status: &Value, now: Timestamp) -> String {
    let Ok(start) = status.text("startTime").parse::<Timestamp>() else { return String::new() };
    let end = status.text("completionTime").parse::<Timestamp>().unwrap_or(now);
    table::human_duration(end.duration_since(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_finds_its_pods_by_its_uid() {
        let mut job = json!({
            "metadata": { "name": "x", "namespace": "n", "uid": "u" },
            "spec": { "template": { "spec": { "restartPolicy": "Never", "containers": [{ "name": "c", "image": "x" }] } } }
        });
        default(&mut job);
        prepare_for_create(&mut job);
        assert_eq!(
            job.at("spec").at("selector"),
            &json!({ "matchLabels": { "batch.kubernetes.io/controller-uid": "u" } })
        );
        assert_eq!(
            job.at("spec").at("template").at("metadata").at("labels"),
            &json!({
                "batch.kubernetes.io/controller-uid": "u", "batch.kubernetes.io/job-name": "x",
                "controller-uid": "u", "job-name": "x"
            })
        );
        assert_eq!(validate(&job), []);
        job["spec"]["selector"] = json!({ "matchLabels": { "a": "b" } });
        assert!(!validate(&job).is_empty());
    }
}
