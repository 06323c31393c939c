//! Jobs: the labels and the selector made from their uid, and how far they are.

use jiff::Timestamp;
use podsec_apimachinery::field::{Error, Path};
use podsec_apimachinery::table;
use serde_json::{Map, Value, json};

use crate::generic::BASE;
use crate::object::{Fields, FieldsMut, metadata, same};
use crate::pod_spec::{defaults, validation};
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
    warnings_on_create: workload::template_warnings,
    warnings_on_update: workload::template_warnings_on_update,
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
    prepare_for_update: workload::keep_all_but_status,
    validate_update: meta::validate_update,
};

const CONTROLLER_UID: &str = "batch.kubernetes.io/controller-uid";
const JOB_NAME: &str = "batch.kubernetes.io/job-name";
/// The names of the same two labels before 1.27, still written.
const OLD_CONTROLLER_UID: &str = "controller-uid";
const OLD_JOB_NAME: &str = "job-name";

fn default(job: &mut Value) {
    let labels = job.at("spec").at("template").at("metadata").at("labels").clone();
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
        defaults::default_template(spec);
    }
    if let Some(metadata) = job.ensure("metadata")
        && metadata.entries("labels").next().is_none()
        && labels.is_object()
    {
        metadata.insert("labels".to_owned(), labels);
    }
    job.ensure("status");
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
            labels.extend(generated.clone());
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
    let mut errors = workload::validate_metadata(job);
    errors.extend(generated_selector(job));
    let path = Path::new("spec");
    let spec = job.at("spec");
    errors.extend(validate_spec(spec, &path));
    match spec.field("selector") {
        None => errors.push(Error::required(path.child("selector"), "")),
        Some(selector) => {
            errors.extend(label_selector::validate(selector, &path.child("selector")));
            let labels = spec.at("template").at("metadata").at("labels");
            if !label_selector::matches(selector, labels) {
                errors.push(workload::unmatched_labels(labels, &path.child("template")));
            }
        }
    }
    errors
}

/// A selector that the server makes must be exactly the one it makes.
fn generated_selector(job: &Value) -> Vec<Error> {
    let spec = job.at("spec");
    if spec.flag("manualSelector") {
        return Vec::new();
    }
    let mut errors = Vec::new();
    let labels = spec.at("template").at("metadata").at("labels");
    let labels_path = Path::new("spec").child("template").child("metadata").child("labels");
    for (label, expected) in generated_labels(job) {
        if labels.at(&label) != &expected {
            let detail = format!("must be '{}'", expected.as_str().unwrap_or_default());
            errors.push(if labels.has(&label) {
                Error::invalid(labels_path.key(&label), labels, &detail)
            } else {
                Error::required(labels_path.key(&label), &detail)
            });
        }
    }
    let expected = json!({ "matchLabels": { CONTROLLER_UID: metadata(job).text("uid") } });
    if !same(spec.at("selector"), &expected) {
        let path = Path::new("spec").child("selector");
        errors.push(Error::invalid(path, spec.at("selector"), "`selector` not auto-generated"));
    }
    errors
}

/// The rules that a Job shares with the template of a CronJob.
pub(crate) fn validate_spec(spec: &Value, path: &Path) -> Vec<Error> {
    let mut errors = workload::nonnegative(
        spec,
        &["parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished"],
        path,
    );
    let mode = spec.text("completionMode");
    match mode {
        "" | "NonIndexed" => {
            if spec.has("backoffLimitPerIndex") {
                let detail = "requires indexed completion mode";
                let limit = spec.at("backoffLimitPerIndex");
                errors.push(Error::invalid(path.child("backoffLimitPerIndex"), limit, detail));
            }
        }
        "Indexed" => {
            if !spec.has("completions") {
                let detail = "when completion mode is Indexed";
                errors.push(Error::required(path.child("completions"), detail));
            }
            errors.extend(workload::nonnegative(spec, &["backoffLimitPerIndex", "maxFailedIndexes"], path));
        }
        _ => {
            let path = path.child("completionMode");
            errors.push(formats::unsupported(&path, mode, &["NonIndexed", "Indexed"]));
        }
    }
    let replacement = spec.text("podReplacementPolicy");
    if !matches!(replacement, "" | "Failed" | "TerminatingOrFailed") {
        let supported = ["Failed", "TerminatingOrFailed"];
        errors.push(formats::unsupported(&path.child("podReplacementPolicy"), replacement, &supported));
    }
    let template = spec.at("template");
    let template_path = path.child("template");
    errors.extend(validation::validate_template(template, &template_path));
    let policy = template.at("spec").text("restartPolicy");
    let policy_path = template_path.child("spec").child("restartPolicy");
    match policy {
        "OnFailure" if spec.has("podFailurePolicy") => {
            let detail = "only \"Never\" is supported when podFailurePolicy is specified";
            errors.push(Error::invalid(policy_path, &policy.into(), detail));
        }
        "OnFailure" | "Never" => {}
        // Nobody asks for Always: it is what the defaults put there.
        "" | "Always" => {
            errors.push(Error::required(policy_path, "valid values: \"OnFailure\", \"Never\""));
        }
        _ => errors.push(formats::unsupported(&policy_path, policy, &["OnFailure", "Never"])),
    }
    errors
}

fn validate_update(job: &Value, old: &Value) -> Vec<Error> {
    let mut errors = meta::validate_update(job, old);
    errors.extend(validate_spec(job.at("spec"), &Path::new("spec")));
    let (spec, old_spec) = (job.at("spec"), old.at("spec"));
    // An indexed job may grow and shrink as one with its parallelism.
    let elastic = spec.text("completionMode") == "Indexed"
        && spec.at("completions") == spec.at("parallelism")
        && spec.has("completions");
    if !elastic {
        errors.extend(workload::immutable(job, old, "completions"));
    }
    errors.extend(workload::immutable(job, old, "selector"));
    let waits = old_spec.flag("suspend") && !old.at("status").has("startTime");
    let template = |spec: &Value| {
        let mut template = spec.at("template").clone();
        if waits {
            for (owner, field) in SCHEDULING_DIRECTIVES {
                let object = match *owner {
                    "" => template.as_object_mut().and_then(|template| template.object_mut("spec")),
                    owner => template.as_object_mut().and_then(|template| template.object_mut(owner)),
                };
                if let Some(object) = object {
                    object.remove(*field);
                }
            }
        }
        template
    };
    if !same(&template(spec), &template(old_spec)) {
        let path = Path::new("spec").child("template");
        errors.push(Error::invalid(path, spec.at("template"), formats::IMMUTABLE));
    }
    for field in ["completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy"]
    {
        errors.extend(workload::immutable(job, old, field));
    }
    errors
}

/// What may still change in the template of a job that waits and has never started.
const SCHEDULING_DIRECTIVES: &[(&str, &str)] = &[
    ("metadata", "labels"),
    ("metadata", "annotations"),
    ("", "affinity"),
    ("", "nodeSelector"),
    ("", "tolerations"),
    ("", "schedulingGates"),
];

const COLUMNS: &[Column] = &[
    printing::NAME,
    column("Status", "Status of the job."),
    column("Completions", "How many pods have succeeded, of how many."),
    column("Duration", "Time required to complete the job."),
    printing::AGE,
    printing::CONTAINERS,
    printing::IMAGES,
    printing::SELECTOR,
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
