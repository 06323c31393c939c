//! The `scale` subresource: the replicas of a workload as an `autoscaling/v1` Scale.

use hyper::header::CONTENT_TYPE;
use podsec_apimachinery::Status;
use podsec_apimachinery::meta::MetaMut;
use podsec_apimachinery::patch::{json, merge};
use podsec_apimachinery::schema::catalog::Verb;
use serde_json::Value;

use crate::answer::Answer;
use crate::body::UnreadBody;
use crate::decode::{self, Kind};
use crate::request::options::WriteOptions;
use crate::request_object;
use crate::verbs::{Origin, Write, check_name, update_object};
use podsec_kinds::scale;

/// Reads or writes the replicas.
pub(super) async fn scale(write: &Write<'_>, verb: Verb, body: UnreadBody<'_>) -> Result<Answer, Status> {
    let request = write.request;
    if verb == Verb::Get {
        let stored = write.registry.get(write.namespace(), write.name()).await?;
        return Ok(Answer::ok(write.behaviour().scale(&stored.object)?));
    }
    let options = match verb {
        Verb::Patch => WriteOptions::patch(&request.query, &request.headers, false)?,
        _ => WriteOptions::update(&request.query, &request.headers)?,
    };
    let bytes = body.read().await?;
    let change: Change<'_> = if verb == Verb::Patch {
        write.sinks.recording.patch(bytes.as_ref());
        let patch: Value = serde_json::from_slice(bytes.as_ref())
            .map_err(|error| Status::bad_request(format!("error decoding patch: {error}")))?;
        let is_json_patch = request
            .headers
            .get(CONTENT_TYPE)
            .is_some_and(|value| value.as_bytes().starts_with(b"application/json-patch+json"));
        Box::new(move |stored| {
            let (scale, patch) = (write.behaviour().scale(stored)?, patch.clone());
            let patched = if is_json_patch { json::apply(scale, patch) } else { merge::apply(scale, patch) };
            patched.map_err(|error| error.status())
        })
    } else {
        let kind = Kind { group: "autoscaling", version: "v1", kind: "Scale" };
        let scale = decode::kind(request, write.sinks, bytes.as_ref(), kind, options.field_validation)?;
        request_object::record(&write.sinks.recording, &scale);
        check_name(write, &scale)?;
        Box::new(move |_| Ok(scale.clone()))
    };
    let object = update_object(write, &options, Origin::Update, |stored| {
        let scale = change(stored)?;
        let errors = scale::validate(&scale);
        if !errors.is_empty() {
            return Err(Status::invalid("autoscaling", "Scale", write.name(), &errors));
        }
        let mut object = stored.clone();
        MetaMut::of(&mut object).set_resource_version("");
        write.behaviour().set_scale(&scale, &mut object);
        Ok(object)
    })
    .await?;
    Ok(Answer::ok(write.behaviour().scale(&object)?))
}

/// Makes the new Scale from the stored object.
type Change<'a> = Box<dyn Fn(&Value) -> Result<Value, Status> + Send + Sync + 'a>;
