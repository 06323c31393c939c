//! The spec of a Job, which a CronJob has a template of.

use std::collections::BTreeSet;

use podsec_apimachinery::field::{Error, Path};
use serde_json::Value;

use super::indexes;
use crate::object::{Fields, FieldsMut, same};
use crate::pod_spec::{validation, warnings as pod_warnings};
use crate::{formats, immutable, internal, label_selector, workload};

/// The rules of a spec with its selector (`ValidateJobSpec`).
pub(super) fn validate_selected(spec: &Value, path: &Path) -> Vec<Error> {
    let mut errors = validate(spec, path);
    let selector = spec.at("selector");
    if selector.is_null() {
        errors.push(Error::required(path.child("selector"), ""));
    } else {
        errors.extend(label_selector::validate(selector, &path.child("selector")));
    }
    let labels = spec.at("template").at("metadata").at("labels");
    if label_selector::selects(selector, labels) == Some(false) {
        errors.push(workload::unmatched_labels(labels, &path.child("template")));
    }
    errors
}

/// The rules of a spec whatever selects its pods (`validateJobSpec`).
pub(super) fn validate(spec: &Value, path: &Path) -> Vec<Error> {
    let mut errors = workload::nonnegative(spec, COUNTS, path);
    if spec.has("maxFailedIndexes") && !spec.has("backoffLimitPerIndex") {
        let detail = "when maxFailedIndexes is specified";
        errors.push(Error::required(path.child("backoffLimitPerIndex"), detail));
    }
    if let Some(manager) = spec.at("managedBy").as_str() {
        let path = path.child("managedBy");
        errors.extend(formats::domain_prefixed_path(manager, &path));
        if manager.len() > LONGEST_MANAGER {
            errors.push(Error::too_long(path, LONGEST_MANAGER));
        }
    }
    errors.extend(validate_completion(spec, path));
    if spec.has("podFailurePolicy") {
        errors.extend(validate_failure_policy(spec, &path.child("podFailurePolicy").child("rules")));
    }
    if spec.has("successPolicy") {
        let path = path.child("successPolicy");
        if spec.text("completionMode") == "Indexed" {
            errors.extend(validate_success_policy(spec, &path.child("rules")));
        } else {
            let policy = spec.at("successPolicy");
            errors.push(internal::invalid(path, "batch.SuccessPolicy", policy, INDEXED_ONLY));
        }
    }
    if spec.has("podReplacementPolicy") {
        let supported: &[&str] =
            if spec.has("podFailurePolicy") { &["Failed"] } else { &["Failed", "TerminatingOrFailed"] };
        let policy = spec.text("podReplacementPolicy");
        if !supported.contains(&policy) {
            errors.push(formats::unsupported(&path.child("podReplacementPolicy"), policy, supported));
        }
    }
    let template_path = path.child("template");
    errors.extend(validation::validate_template(spec.at("template"), &template_path));
    errors.extend(validate_restarts(spec, template_path.child("spec").child("restartPolicy")));
    errors
}

fn validate_restarts(spec: &Value, path: Path) -> Option<Error> {
    let policy = spec.at("template").at("spec").text("restartPolicy");
    match policy {
        // Nobody asks for Always: it is what the defaults put there.
        "" | "Always" => Some(Error::required(path, "valid values: \"OnFailure\", \"Never\"")),
        "Never" => None,
        "OnFailure" => spec.has("podFailurePolicy").then(|| {
            let detail = "only \"Never\" is supported when podFailurePolicy is specified";
            Error::invalid(path, &policy.into(), detail)
        }),
        _ => Some(formats::unsupported(&path, policy, &["OnFailure", "Never"])),
    }
}

/// How the pods are counted: one as good as another, or each with an index of its own.
fn validate_completion(spec: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let mode = spec.text("completionMode");
    if spec.has("completionMode") && !matches!(mode, "NonIndexed" | "Indexed") {
        errors.push(formats::unsupported(&path.child("completionMode"), mode, &["NonIndexed", "Indexed"]));
    }
    if mode == "NonIndexed" || !spec.has("completionMode") {
        for field in ["backoffLimitPerIndex", "maxFailedIndexes"] {
            if spec.has(field) {
                errors.push(Error::invalid(path.child(field), spec.at(field), INDEXED_ONLY));
            }
        }
    }
    if mode != "Indexed" {
        return errors;
    }
    let above = |field: &str, limit: i64, detail: String| {
        let over = spec.integer(field).filter(|value| *value > limit);
        over.map(|value| Error::invalid(path.child(field), &value.into(), &detail))
    };
    let completions = spec.integer("completions");
    if completions.is_none() {
        errors.push(Error::required(path.child("completions"), "when completion mode is Indexed"));
    }
    let at_most = format!("must be less than or equal to {MANY}");
    errors.extend(above("parallelism", MANY, format!("{at_most} when completion mode is Indexed")));
    if let Some(completions) = completions {
        let detail = "must be less than or equal to completions".to_owned();
        errors.extend(above("maxFailedIndexes", completions, detail));
    }
    errors.extend(above("maxFailedIndexes", MANY, at_most));
    if completions.is_some_and(|completions| completions > MANY) && spec.has("backoffLimitPerIndex") {
        if !spec.has("maxFailedIndexes") {
            let detail = format!("must be specified when completions is above {MANY}");
            errors.push(Error::required(path.child("maxFailedIndexes"), &detail));
        }
        for field in ["parallelism", "maxFailedIndexes"] {
            let detail = format!(
                "must be less than or equal to {FEW} when completions are above {MANY} and used with backoff limit per index"
            );
            errors.extend(above(field, FEW, detail));
        }
    }
    errors
}

fn validate_failure_policy(spec: &Value, path: &Path) -> Vec<Error> {
    let rules = spec.at("podFailurePolicy").list("rules");
    let mut errors = Vec::new();
    if rules.len() > MOST_RULES {
        errors.push(Error::too_many(path.clone(), rules.len(), MOST_RULES));
    }
    let pod = spec.at("template").at("spec");
    let containers: Vec<&str> = ["containers", "initContainers"]
        .iter()
        .flat_map(|list| pod.list(list).iter().map(|container| container.text("name")))
        .collect();
    for (index, rule) in rules.iter().enumerate() {
        let path = path.index(index);
        let action = rule.text("action");
        let action_path = path.child("action");
        if action == "FailIndex" {
            if !spec.has("backoffLimitPerIndex") {
                let detail = "requires the backoffLimitPerIndex to be set";
                errors.push(Error::invalid(action_path, &action.into(), detail));
            }
        } else {
            errors.extend(one_of(&action_path, action, &["Count", "FailIndex", "FailJob", "Ignore"]));
        }
        let conditions = rule.list("onPodConditions");
        if rule.has("onExitCodes") {
            let path = path.child("onExitCodes");
            errors.extend(validate_exit_codes(rule.at("onExitCodes"), &containers, &path));
        }
        errors.extend(validate_pod_conditions(conditions, &path.child("onPodConditions")));
        match (rule.has("onExitCodes"), !conditions.is_empty()) {
            (true, true) => {
                let detail = "specifying both OnExitCodes and OnPodConditions is not supported";
                errors.push(Error::invalid_unshown(path, detail));
            }
            (false, false) => {
                let detail = "specifying one of OnExitCodes and OnPodConditions is required";
                errors.push(Error::invalid_unshown(path, detail));
            }
            _ => {}
        }
    }
    errors
}

fn validate_exit_codes(requirement: &Value, containers: &[&str], path: &Path) -> Vec<Error> {
    let operator = requirement.text("operator");
    let mut errors: Vec<Error> =
        one_of(&path.child("operator"), operator, &["In", "NotIn"]).into_iter().collect();
    if let Some(container) = requirement.at("containerName").as_str()
        && !containers.contains(&container)
    {
        let detail = "must be one of the container or initContainer names in the pod template";
        errors.push(Error::invalid(path.child("containerName"), &container.into(), detail));
    }
    let (codes, path) = (requirement.list("values"), path.child("values"));
    let shown = requirement.at("values");
    if codes.is_empty() {
        errors.push(Error::invalid(path.clone(), shown, "at least one value is required"));
    } else if codes.len() > MOST_EXIT_CODES {
        errors.push(Error::too_many(path.clone(), codes.len(), MOST_EXIT_CODES));
    }
    let mut seen = BTreeSet::new();
    for (index, code) in codes.iter().enumerate() {
        let path = path.index(index);
        if operator == "In" && code == 0 {
            errors.push(Error::invalid(path.clone(), code, "must not be 0 for the In operator"));
        }
        if !seen.insert(code.as_i64()) {
            errors.push(Error::duplicate(path, code));
        }
    }
    if !codes.is_sorted_by_key(Value::as_i64) {
        errors.push(Error::invalid(path, shown, "must be ordered"));
    }
    errors
}

fn validate_pod_conditions(patterns: &[Value], path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    if patterns.len() > MOST_CONDITIONS {
        errors.push(Error::too_many(path.clone(), patterns.len(), MOST_CONDITIONS));
    }
    for (index, pattern) in patterns.iter().enumerate() {
        let path = path.index(index);
        let kind = pattern.text("type");
        errors.extend(formats::invalid(&path.child("type"), kind, formats::qualified_name(kind)));
        errors.extend(one_of(&path.child("status"), pattern.text("status"), &["False", "True", "Unknown"]));
    }
    errors
}

/// One of the supported values; an absent one is told all of them.
fn one_of(path: &Path, value: &str, supported: &[&str]) -> Option<Error> {
    if !value.is_empty() {
        return formats::one_of(path, value, supported);
    }
    let quoted: Vec<String> = supported.iter().map(|value| format!("\"{value}\"")).collect();
    Some(Error::required(path.clone(), &format!("valid values: [{}]", quoted.join(" "))))
}

fn validate_success_policy(spec: &Value, path: &Path) -> Vec<Error> {
    let rules = spec.at("successPolicy").list("rules");
    let completions = spec.number("completions");
    let mut errors = Vec::new();
    if rules.is_empty() {
        let detail = "at least one rules must be specified when the successPolicy is specified";
        errors.push(Error::required(path.clone(), detail));
    }
    if rules.len() > MOST_RULES {
        errors.push(Error::too_many(path.clone(), rules.len(), MOST_RULES));
    }
    for (index, rule) in rules.iter().enumerate() {
        let path = path.index(index);
        let indexes = rule.at("succeededIndexes").as_str();
        if indexes.is_none() && !rule.has("succeededCount") {
            let detail = "at least one of succeededCount or succeededIndexes must be specified";
            errors.push(Error::required(path.clone(), detail));
        }
        let mut total = 0;
        if let Some(indexes) = indexes {
            let path = path.child("succeededIndexes");
            if indexes.len() > LONGEST_INDEXES {
                errors.push(Error::too_long(path.clone(), LONGEST_INDEXES));
            }
            match indexes::count(indexes, completions) {
                Ok(count) => total = count,
                Err(why) => {
                    let detail = format!("error parsing succeededIndexes: {why}");
                    errors.push(Error::invalid(path, &indexes.into(), &detail));
                }
            }
        }
        if let Some(count) = rule.integer("succeededCount") {
            let path = path.child("succeededCount");
            errors.extend(formats::nonnegative(&path, count));
            let mut above = |limit: i64, what: &str| {
                if count > limit {
                    let detail = format!("must be less than or equal to {limit} ({what})");
                    errors.push(Error::invalid(path.clone(), &count.into(), &detail));
                }
            };
            above(completions, "the number of specified completions");
            if indexes.is_some() {
                above(total, "the number of indexes in the specified succeededIndexes field");
            }
        }
    }
    errors
}

/// What may not change (`ValidateJobSpecUpdate`, behind the rules of the spec itself).
pub(super) fn validate_update(job: &Value, old: &Value) -> Vec<Error> {
    let path = Path::new("spec");
    let (spec, old_spec) = (job.at("spec"), old.at("spec"));
    let mut errors = Vec::new();
    let kept = |field: &str| immutable::value(spec.at(field), old_spec.at(field), &path.child(field));
    // An indexed job may grow and shrink as one with its parallelism.
    if spec.text("completionMode") != "Indexed" {
        errors.extend(kept("completions"));
    } else if spec.at("completions") != old_spec.at("completions")
        && spec.has("completions")
        && spec.at("completions") != spec.at("parallelism")
    {
        let detail = "can only be modified in tandem with spec.parallelism";
        errors.push(Error::invalid(path.child("completions"), spec.at("completions"), detail));
    }
    errors.extend(workload::immutable_selector(job, old));
    errors.extend(validate_template_update(spec, old, &path.child("template")));
    errors.extend(kept("completionMode"));
    let structs =
        [("podFailurePolicy", "*batch.PodFailurePolicy"), ("successPolicy", "*batch.SuccessPolicy")];
    for field in ["podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy"] {
        let own = structs.iter().find(|(name, _)| *name == field);
        let changed = !same(spec.at(field), old_spec.at(field));
        errors.extend(match own {
            Some((_, kind)) if changed => {
                Some(internal::invalid(path.child(field), kind, spec.at(field), formats::IMMUTABLE))
            }
            Some(_) => None,
            None => kept(field),
        });
    }
    errors
}

/// The template of a job that waits may still say where its pods go, and what their containers take.
fn validate_template_update(spec: &Value, old: &Value, path: &Path) -> Option<Error> {
    let template = spec.at("template");
    let suspended = old.at("spec").flag("suspend");
    let status = old.at("status");
    let paused = status
        .list("conditions")
        .iter()
        .any(|condition| condition.text("type") == "Suspended" && condition.text("status") == "True");
    let waits = suspended && (!status.has("startTime") || paused) && status.number("active") == 0;
    let mut allowed = old.at("spec").at("template").clone();
    if waits {
        adopt_placement(&mut allowed, template);
        adopt_resources(&mut allowed, template);
        let (now, then) = (template.at("spec"), allowed.at("spec"));
        if same(now, then) {
            return None;
        }
        let (path, shown) = (path.child("spec"), internal::pod_spec(now));
        return Some(internal::invalid(path, "PodSpec", &shown, formats::IMMUTABLE));
    }
    (!same(template, &allowed)).then(|| workload::immutable_template(template, path))
}

/// Takes what decides on the node from the new template.
fn adopt_placement(allowed: &mut Value, template: &Value) {
    let Some(allowed) = allowed.as_object_mut() else { return };
    if let Some(spec) = allowed.ensure("spec") {
        let new = template.at("spec");
        for field in ["nodeSelector", "tolerations", "schedulingGates"] {
            spec.copy(field, new);
        }
        let affinity = new.at("affinity");
        match (affinity.is_null(), spec.has("affinity")) {
            (true, false) => {}
            (false, _) => {
                if let Some(kept) = spec.ensure("affinity") {
                    kept.copy("nodeAffinity", affinity);
                }
            }
            (true, true) => {
                if let Some(kept) = spec.object_mut("affinity") {
                    kept.remove("nodeAffinity");
                    if kept.is_empty() {
                        spec.remove("affinity");
                    }
                }
            }
        }
    }
    if let Some(metadata) = allowed.ensure("metadata") {
        for field in ["annotations", "labels"] {
            metadata.copy(field, template.at("metadata"));
        }
    }
}

/// Takes what containers of the same names take from the new template.
fn adopt_resources(allowed: &mut Value, template: &Value) {
    let Some(spec) = allowed.as_object_mut().and_then(|allowed| allowed.object_mut("spec")) else { return };
    for list in ["containers", "initContainers"] {
        let new = template.at("spec").list(list);
        if new.len() != spec.list(list).len() {
            continue;
        }
        for (kept, container) in spec.objects_mut(list).zip(new) {
            if kept.text("name") == container.text("name") {
                kept.copy("resources", container);
            }
        }
    }
}

/// What the author of a spec should know.
pub(super) fn warnings(spec: &Value, path: &Path) -> Vec<String> {
    let mut warnings = Vec::new();
    if spec.text("completionMode") == "Indexed"
        && spec.number("completions") > MANY
        && spec.number("parallelism") > FEW
    {
        let why = "In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail";
        warnings.push(format!("{path}: {why}"));
    }
    warnings.extend(pod_warnings::for_template(spec.at("template"), &path.child("template")));
    warnings
}

const COUNTS: &[&str] = &[
    "parallelism",
    "completions",
    "activeDeadlineSeconds",
    "backoffLimit",
    "ttlSecondsAfterFinished",
    "backoffLimitPerIndex",
    "maxFailedIndexes",
];
const INDEXED_ONLY: &str = "requires indexed completion mode";
const MANY: i64 = 100_000;
const FEW: i64 = 10_000;
const MOST_RULES: usize = 20;
const MOST_CONDITIONS: usize = 20;
const MOST_EXIT_CODES: usize = 255;
const LONGEST_MANAGER: usize = 63;
const LONGEST_INDEXES: usize = 64 * 1024;
