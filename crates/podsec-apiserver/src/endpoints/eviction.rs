//! `pods/eviction`: deletes a pod, unless a disruption budget says that it must stay.

use std::time::Duration;

use hyper::StatusCode;
use podsec_apimachinery::Status;
use podsec_apimachinery::meta::{Meta, MetaMut, time_text};
use podsec_apimachinery::selector::label;
use podsec_apimachinery::status::{Details, GroupResource, StatusCause};
use podsec_storage::Precondition;
use serde_json::{Value, json};

use super::binding::{attributes, success};
use crate::answer::Answer;
use crate::body::UnreadBody;
use crate::client::Client;
use crate::decode::{self, Kind};
use crate::registry::{Resources, Stored, WriteError};
use crate::request::options::{DeleteOptions, WriteOptions};
use crate::request_object;
use crate::verbs::{self, Write};
use podsec_kinds::object::as_map;

/// Deletes the pod that the URL names.
pub(super) async fn evict(
    write: &Write<'_>,
    resources: &Resources,
    loopback: &Client,
    body: UnreadBody<'_>,
) -> Result<Answer, Status> {
    let request = write.request;
    let options = WriteOptions::create(&request.query, &request.headers)?;
    let bytes = body.read().await?;
    let mut eviction = decode::kind(
        request,
        write.sinks,
        &of_version_1(bytes.as_ref()),
        EVICTION,
        options.field_validation,
    )?;
    request_object::record(&write.sinks.recording, &eviction);
    let name = write.name();
    if Meta::of(&eviction).name() != name {
        return Err(Status::bad_request("name in URL does not match name in Eviction object"));
    }
    let mut delete = match eviction.get("deleteOptions") {
        Some(options) => DeleteOptions::from_object(options)?,
        None => DeleteOptions::default(),
    };
    delete.dry_run |= options.dry_run;
    write.admission.admit(&attributes(write, name, &options), &mut eviction).await?;
    for _ in 0..ATTEMPTS {
        match attempt(write, resources, loopback, &delete).await {
            Ok(()) => return Ok(success()),
            // Somebody has changed the pod or the budget; whoever asked for one version of the pod hears of it.
            Err(status) if status.reason == "Conflict" && delete.resource_version.is_none() => {
                tokio::time::sleep(PAUSE).await;
            }
            Err(status) => return Err(status),
        }
    }
    let why = format!("couldn't update the pod {name:?} or its disruption budget due to conflicts");
    let details = Details { retry_after_seconds: 10, ..Details::default() };
    Err(Status { details: Some(details), ..Status::failure(504, "Timeout", format!("Timeout: {why}")) })
}

async fn attempt(
    write: &Write<'_>,
    resources: &Resources,
    loopback: &Client,
    asked: &DeleteOptions,
) -> Result<(), Status> {
    let (namespace, name) = (write.namespace(), write.name());
    let stored = write.registry.get(namespace, name).await?;
    let mut delete = asked.clone();
    let meant = |delete: &mut DeleteOptions| {
        // What was decided holds for the pod as it was seen.
        let version = Meta::of(&stored.object).resource_version().to_owned();
        delete.resource_version.get_or_insert(version);
    };
    let phase = stored.object.pointer("/status/phase").and_then(Value::as_str).unwrap_or_default();
    let going = Meta::of(&stored.object).is_being_deleted() || matches!(phase, "Succeeded" | "Failed");
    if going || phase == "Pending" {
        // It disrupts nothing.
        if !going {
            meant(&mut delete);
        }
        return condemn(write, &stored, delete).await;
    }
    let budgets = budgets_of(resources, write.namespace(), &stored.object).await?;
    match budgets.as_slice() {
        [] => {}
        [budget] if may_go_unhealthy(&stored.object, budget) => {
            meant(&mut delete);
            let condemned = condemn(write, &stored, delete).await;
            return condemned.map_err(|status| match (&*status.reason, &asked.resource_version) {
                ("Conflict", None) => too_many(10, &unsettled(budget)),
                _ => status,
            });
        }
        [budget] => {
            let spent = spend(budget, name, &time_text(write.request.received))?;
            if !delete.dry_run {
                update_status(loopback, &spent).await?;
            }
        }
        _ => {
            let why = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
            return Err(Status::failure(500, "", why));
        }
    }
    condemn(write, &stored, delete).await
}

/// Notes in the pod why it goes, and deletes it.
async fn condemn(write: &Write<'_>, stored: &Stored, mut delete: DeleteOptions) -> Result<(), Status> {
    let (namespace, name) = (write.namespace(), write.name());
    if !delete.dry_run {
        verbs::check_preconditions(write, &stored.object, &delete)?;
        let mut pod = stored.object.clone();
        let now = time_text(write.request.received);
        let reason = ("EvictionByEvictionAPI", "Eviction API: evicting");
        set_condition(&mut pod, "DisruptionTarget", reason, &now);
        let precondition = Precondition::Revision(stored.revision);
        match write.registry.put(namespace, name, precondition, &mut pod).await {
            Ok(_) => {}
            Err(WriteError::Conflict) => return Err(write.registry.modified(name)),
            Err(WriteError::Fail(status)) => return Err(status),
        }
        if delete.resource_version.is_some() {
            delete.resource_version = Some(Meta::of(&pod).resource_version().to_owned());
        }
    }
    verbs::delete_object(write, namespace, name, &delete, None).await.map(|_| ())
}

fn set_condition(pod: &mut Value, kind: &str, (reason, message): (&str, &str), now: &str) {
    let status = as_map(as_map(pod).entry("status").or_insert(Value::Null));
    let conditions = status.entry("conditions").or_insert_with(|| json!([]));
    let Value::Array(conditions) = conditions else { return };
    let there = conditions.iter().any(|condition| {
        condition.get("type").is_some_and(|found| found == kind)
            && condition.get("status").is_some_and(|status| status == "True")
    });
    if !there {
        conditions.retain(|condition| condition.get("type").is_none_or(|found| found != kind));
        conditions.push(json!({
            "type": kind, "status": "True", "lastProbeTime": null, "lastTransitionTime": now,
            "reason": reason, "message": message,
        }));
    }
}

/// The budgets whose selector lets the pod through.
async fn budgets_of(resources: &Resources, namespace: &str, pod: &Value) -> Result<Vec<Value>, Status> {
    let mut budgets = resources.list(("policy", "poddisruptionbudgets"), namespace).await?;
    budgets.retain(|budget| {
        let selector = label::from_object(budget.pointer("/spec/selector"));
        selector.is_ok_and(|selector| selector.matches(pod))
    });
    Ok(budgets)
}

/// A pod that is not ready may go when the others are enough, or when its budget does not protect it.
fn may_go_unhealthy(pod: &Value, budget: &Value) -> bool {
    let conditions = pod.pointer("/status/conditions").and_then(Value::as_array);
    let ready = conditions.into_iter().flatten().any(|condition| {
        condition.get("type").is_some_and(|kind| kind == "Ready")
            && condition.get("status").is_some_and(|status| status == "True")
    });
    let policy = budget.pointer("/spec/unhealthyPodEvictionPolicy").and_then(Value::as_str);
    let (current, desired) = (number(budget, "currentHealthy"), number(budget, "desiredHealthy"));
    !ready && (policy == Some("AlwaysAllow") || current >= desired && desired > 0)
}

/// The budget after one more disruption, if it allows one.
fn spend(budget: &Value, pod: &str, now: &str) -> Result<Value, Status> {
    let name = Meta::of(budget).name();
    let forbidden = |why: &str| {
        let resource = GroupResource { group: "policy", resource: "poddisruptionbudget" };
        Status::forbidden(resource, name, why)
    };
    if number(budget, "observedGeneration") < Meta::of(budget).generation() {
        return Err(too_many(10, &unsettled(budget)));
    }
    let allowed = number(budget, "disruptionsAllowed");
    if allowed < 0 {
        return Err(forbidden("pdb disruptions allowed is negative"));
    }
    let disrupted = budget.pointer("/status/disruptedPods").and_then(Value::as_object);
    if disrupted.is_some_and(|pods| pods.len() > MAX_DISRUPTED) {
        return Err(forbidden(
            "DisruptedPods map too big - too many evictions not confirmed by PDB controller",
        ));
    }
    if allowed == 0 {
        return Err(too_many(0, &exhausted(budget)));
    }
    let mut spent = budget.clone();
    let generation = Meta::of(budget).generation();
    let status = as_map(as_map(&mut spent).entry("status").or_insert(Value::Null));
    status.insert("disruptionsAllowed".to_owned(), (allowed - 1).into());
    let pods = status.entry("disruptedPods").or_insert_with(|| json!({}));
    as_map(pods).insert(pod.to_owned(), now.into());
    if allowed == 1 {
        let conditions = status.entry("conditions").or_insert_with(|| json!([]));
        if let Value::Array(conditions) = conditions {
            conditions
                .retain(|condition| condition.get("type").is_none_or(|kind| kind != "DisruptionAllowed"));
            conditions.push(json!({
                "type": "DisruptionAllowed", "status": "False", "observedGeneration": generation,
                "lastTransitionTime": now, "reason": "InsufficientPods", "message": "",
            }));
        }
    }
    Ok(spent)
}

/// Why a budget allows no disruption now.
fn exhausted(budget: &Value) -> String {
    let name = Meta::of(budget).name();
    let conditions = budget.pointer("/status/conditions").and_then(Value::as_array);
    let refusal = conditions.into_iter().flatten().find_map(|condition| {
        let text = |field: &str| condition.get(field).and_then(Value::as_str).unwrap_or_default();
        let refuses = text("type") == "DisruptionAllowed" && text("status") == "False";
        (refuses && !text("message").is_empty()).then(|| (text("reason"), text("message")))
    });
    let (current, desired) = (number(budget, "currentHealthy"), number(budget, "desiredHealthy"));
    let so_far = format!("The disruption budget {name}");
    match refusal {
        Some(("SyncFailed", message)) => {
            format!("{so_far} does not allow evicting pods currently because it failed sync: {message}")
        }
        _ if current <= desired => {
            format!("{so_far} needs {desired} healthy pods and has {current} currently")
        }
        Some((reason, message)) => {
            format!("{so_far} does not allow evicting pods currently ({reason}): {message}")
        }
        None => format!("{so_far} does not allow evicting pods currently"),
    }
}

fn unsettled(budget: &Value) -> String {
    format!("The disruption budget {} is still being processed by the server.", Meta::of(budget).name())
}

fn too_many(retry_after_seconds: i32, why: &str) -> Status {
    let cause = StatusCause {
        reason: "DisruptionBudget".to_owned(),
        message: why.to_owned(),
        ..StatusCause::default()
    };
    let details = Details { causes: vec![cause], retry_after_seconds, ..Details::default() };
    let message = "Cannot evict pod as it would violate the pod's disruption budget.";
    Status { details: Some(details), ..Status::failure(429, "TooManyRequests", message) }
}

/// Writes the status of a budget as the API server itself.
async fn update_status(loopback: &Client, budget: &Value) -> Result<(), Status> {
    let mut budget = budget.clone();
    MetaMut::of(&mut budget).set_managed_fields(Vec::new());
    let meta = Meta::of(&budget);
    let path = format!(
        "/apis/policy/v1/namespaces/{}/poddisruptionbudgets/{}/status",
        meta.namespace(),
        meta.name()
    );
    match loopback.update(&path, &budget).await {
        (StatusCode::OK, _) => Ok(()),
        (code, answer) => {
            let message = answer.get("message").and_then(Value::as_str).unwrap_or_default();
            let reason = if code == StatusCode::CONFLICT { "Conflict" } else { "" };
            Err(Status::failure(code.as_u16(), reason, message))
        }
    }
}

fn number(budget: &Value, field: &str) -> i64 {
    budget.get("status").and_then(|status| status.get(field)).and_then(Value::as_i64).unwrap_or_default()
}

/// The body with the version that is read: an Eviction of v1beta1 has the same fields.
fn of_version_1(body: &[u8]) -> Vec<u8> {
    let parsed: Option<Value> = serde_json::from_slice(body).ok();
    match parsed {
        Some(mut eviction)
            if eviction.get("apiVersion").is_some_and(|version| version == "policy/v1beta1") =>
        {
            as_map(&mut eviction).insert("apiVersion".to_owned(), "policy/v1".into());
            eviction.to_string().into_bytes()
        }
        _ => body.to_vec(),
    }
}

const EVICTION: Kind<'static> = Kind { group: "policy", version: "v1", kind: "Eviction" };
/// As often and as slowly as Kubernetes tries again.
const ATTEMPTS: usize = 20;
const PAUSE: Duration = Duration::from_millis(500);
/// Evictions that no controller has confirmed.
const MAX_DISRUPTED: usize = 2000;
