//! `pods/binding` puts a pod on a node.

use podsec_apimachinery::Status;
use podsec_apimachinery::field::{self, Error, Path};
use podsec_apimachinery::meta::{Meta, time_text};
use podsec_storage::Precondition;
use serde_json::{Value, json};

use crate::admission::{Action, Attributes};
use crate::answer::Answer;
use crate::body::UnreadBody;
use crate::decode::{self, Kind};
use crate::registry::{Resources, WriteError};
use crate::request::options::WriteOptions;
use crate::request_object;
use crate::verbs::Write;
use podsec_kinds::object::{self, as_map};

/// Sets `spec.nodeName`, once.
pub(super) async fn bind(
    write: &Write<'_>,
    resources: &Resources,
    body: UnreadBody<'_>,
) -> Result<Answer, Status> {
    let request = write.request;
    let options = WriteOptions::create(&request.query, &request.headers)?;
    let bytes = body.read().await?;
    let kind = Kind { group: "", version: "v1", kind: "Binding" };
    let mut binding = decode::kind(request, write.sinks, bytes.as_ref(), kind, options.field_validation)?;
    request_object::record(&write.sinks.recording, &binding);
    let name = if write.name().is_empty() { Meta::of(&binding).name() } else { write.name() };
    let name = name.to_owned();
    let name = name.as_str();
    if !write.name().is_empty() && Meta::of(&binding).name() != name {
        return Err(Status::bad_request("name in URL does not match name in Binding object"));
    }
    validate(&binding)?;
    write.admission.admit(&attributes(write, name, &options), &mut binding).await?;
    let node = binding.pointer("/target/name").and_then(Value::as_str).unwrap_or_default();
    let pods = resources.v1("", "pods")?;
    for _ in 0..ATTEMPTS {
        let stored = pods.get(write.namespace(), name).await?;
        let conflict = |why: &str| {
            Err(Status::conflict(
                podsec_apimachinery::status::GroupResource { group: "", resource: "pods/binding" },
                name,
                why,
            ))
        };
        // What a Binding of no pod's path says of itself is not looked at.
        let uid = if request.info.subresource.is_empty() { "" } else { Meta::of(&binding).uid() };
        if !uid.is_empty() && uid != Meta::of(&stored.object).uid() {
            return conflict("the pod has been deleted and made again");
        }
        if Meta::of(&stored.object).is_being_deleted() {
            return conflict(&format!("pod {name} is being deleted, cannot be assigned to a host"));
        }
        let assigned = stored.object.pointer("/spec/nodeName").and_then(Value::as_str).unwrap_or_default();
        if !assigned.is_empty() {
            return conflict(&format!("pod {name} is already assigned to node {assigned:?}"));
        }
        let gates = stored.object.pointer("/spec/schedulingGates").and_then(Value::as_array);
        if gates.is_some_and(|gates| !gates.is_empty()) {
            return conflict(&format!("pod {name} has non-empty .spec.schedulingGates"));
        }
        let mut pod = stored.object.clone();
        for field in ["annotations", "labels"] {
            copy(field, &binding, &mut pod);
        }
        assign(&mut pod, node, &time_text(request.received));
        if options.dry_run {
            break;
        }
        let precondition = Precondition::Revision(stored.revision);
        match pods.put(write.namespace(), name, precondition, &mut pod).await {
            Ok(_) => break,
            Err(WriteError::Conflict) => {}
            Err(WriteError::Fail(status)) => return Err(status),
        }
    }
    Ok(success())
}

/// A binding or an eviction as admission sees it.
pub(super) fn attributes<'a>(write: &'a Write<'_>, name: &'a str, options: &WriteOptions) -> Attributes<'a> {
    write.attributes(Action::Create, name, None, options.object("CreateOptions"), options.dry_run)
}

/// What is wrong with a binding is answered as a failure of the server, as Kubernetes does.
fn validate(binding: &Value) -> Result<(), Status> {
    let target = |field: &str| {
        binding.pointer(&format!("/target/{field}")).and_then(Value::as_str).unwrap_or_default()
    };
    let path = Path::new("target");
    let mut errors = Vec::new();
    if !matches!(target("kind"), "" | "Node") {
        let kinds = &["Node", "<empty>"];
        errors.push(Error::not_supported(path.child("kind"), &target("kind").into(), kinds));
    }
    if target("name").is_empty() {
        errors.push(Error::required(path.child("name"), ""));
    }
    if errors.is_empty() { Ok(()) } else { Err(Status::failure(500, "", field::aggregate(&errors))) }
}

/// Brings labels or annotations of the binding into the pod.
fn copy(field: &str, binding: &Value, pod: &mut Value) {
    let given = binding.pointer(&format!("/metadata/{field}")).and_then(Value::as_object);
    if let Some(given) = given.filter(|given| !given.is_empty()) {
        let texts = as_map(object::metadata_mut(pod).entry(field).or_insert(Value::Null));
        texts.extend(given.clone());
    }
}

fn assign(pod: &mut Value, node: &str, now: &str) {
    let fields = as_map(pod);
    as_map(fields.entry("spec").or_insert(Value::Null)).insert("nodeName".to_owned(), node.into());
    let status = as_map(fields.entry("status").or_insert(Value::Null));
    status.remove("nominatedNodeName");
    let conditions = status.entry("conditions").or_insert_with(|| json!([]));
    if let Value::Array(conditions) = conditions {
        conditions.retain(|condition| condition.get("type").is_none_or(|kind| kind != "PodScheduled"));
        conditions.push(json!({
            "type": "PodScheduled", "status": "True", "lastProbeTime": null, "lastTransitionTime": now,
        }));
    }
}

/// 201 with a Status, as creating something that is not kept.
pub(super) fn success() -> Answer {
    let object = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201,
    });
    Answer::Object { code: 201, content_type: None, object }
}

const ATTEMPTS: usize = 20;
