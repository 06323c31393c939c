//! The `scale` subresource: the replicas of a workload as an `autoscaling/v1` Scale.

use hyper::header::CONTENT_TYPE;
use podsec_apimachinery::Status;
use podsec_apimachinery::field::{Error, Path};
use podsec_apimachinery::meta::Meta;
use podsec_apimachinery::patch::{json, merge};
use podsec_apimachinery::schema::catalog::Verb;
use podsec_apimachinery::selector::label;
use serde_json::{Value, json};

use crate::body::{self, RequestBody};
use crate::decode::{self, Kind};
use crate::object::as_map;
use crate::pipeline::Answer;
use crate::verbs::options::WriteOptions;
use crate::verbs::{Operation, Origin, update_object};

/// Reads or writes the replicas.
pub(super) async fn scale(
    operation: &Operation<'_>,
    verb: Verb,
    body: RequestBody,
) -> Result<Answer, Status> {
    let context = operation.context;
    if verb == Verb::Get {
        let stored = operation.registry.get(operation.namespace(), operation.name()).await?;
        return Ok(Answer::ok(scale_of(&stored.object)));
    }
    let options = match verb {
        Verb::Patch => WriteOptions::patch(&context.query, &context.headers, false)?,
        _ => WriteOptions::update(&context.query, &context.headers)?,
    };
    let bytes = body::read(body, &operation.api.budget).await?;
    let change: Change = if verb == Verb::Patch {
        context.recording.patch(bytes.as_ref());
        let patch: Value = serde_json::from_slice(bytes.as_ref())
            .map_err(|error| Status::bad_request(format!("error decoding patch: {error}")))?;
        let is_json_patch = context
            .headers
            .get(CONTENT_TYPE)
            .is_some_and(|value| value.as_bytes().starts_with(b"application/json-patch+json"));
        Box::new(move |stored| {
            let (scale, patch) = (scale_of(stored), patch.clone());
            let patched = if is_json_patch { json::apply(scale, patch) } else { merge::apply(scale, patch) };
            patched.map_err(|error| error.status())
        })
    } else {
        let kind = Kind { group: "autoscaling", version: "v1", name: "Scale" };
        let scale = decode::kind(context, bytes.as_ref(), kind, options.field_validation)?;
        context.recording.request_object(&scale);
        Box::new(move |_| Ok(scale.clone()))
    };
    let object = update_object(operation, &options, Origin::Update, |stored| {
        let scale = change(stored)?;
        let replicas = scale.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(0);
        if replicas < 0 {
            let path = Path::new("spec").child("replicas");
            let error = Error::invalid(path, &Value::from(replicas), "must be greater than or equal to 0");
            return Err(Status::invalid("autoscaling", "Scale", operation.name(), &[error]));
        }
        let mut object = stored.clone();
        let asked = Meta::of(&scale).resource_version();
        crate::object::set_metadata(&mut object, "resourceVersion", asked);
        let spec = as_map(&mut object).entry("spec").or_insert(Value::Null);
        as_map(spec).insert("replicas".to_owned(), replicas.into());
        Ok(object)
    })
    .await?;
    Ok(Answer::ok(scale_of(&object)))
}

/// Makes the new Scale from the stored object.
type Change = Box<dyn Fn(&Value) -> Result<Value, Status> + Send + Sync>;

fn scale_of(object: &Value) -> Value {
    let meta = Meta::of(object);
    let number = |pointer: &str| object.pointer(pointer).and_then(Value::as_i64).unwrap_or(0);
    let selector = match object.pointer("/spec/selector") {
        // A ReplicationController selects by labels alone.
        Some(Value::Object(labels)) if !labels.keys().any(|key| key.starts_with("match")) => {
            label::Selector::from_set(labels).to_string()
        }
        selector => label::from_object(selector).map(|selector| selector.to_string()).unwrap_or_default(),
    };
    json!({
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {
            "name": meta.name(),
            "namespace": meta.namespace(),
            "uid": meta.uid(),
            "resourceVersion": meta.resource_version(),
            "creationTimestamp": meta.field("creationTimestamp"),
        },
        "spec": {"replicas": number("/spec/replicas")},
        "status": {"replicas": number("/status/replicas"), "selector": selector},
    })
}
