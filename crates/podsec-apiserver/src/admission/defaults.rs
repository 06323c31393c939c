//! `Priority` and `DefaultTolerationSeconds`: what the mutating plugins of every cluster fill in.

use podsec_apimachinery::Status;
use podsec_apimachinery::meta::Meta;
use serde_json::Value;

use super::plugins::{DEFAULT_TOLERATION_SECONDS, PRIORITY};
use super::{Action, Write};
use crate::registry::status;
use crate::verbs::Operation;

/// Lets the kind fill in what the plugins would.
pub(super) async fn admit(
    operation: &Operation<'_>,
    write: &Write<'_>,
    object: &mut Value,
) -> Result<(), Status> {
    // What a subresource takes is often of another kind.
    if object.get("kind").is_some_and(|kind| *kind != operation.resource.kind.as_str()) {
        return Ok(());
    }
    if operation.api.plugins.runs(DEFAULT_TOLERATION_SECONDS) {
        (operation.behaviour.strategy.tolerate)(object);
    }
    if !operation.api.plugins.runs(PRIORITY) {
        return Ok(());
    }
    let class = object.pointer("/spec/priorityClassName").and_then(Value::as_str).unwrap_or_default();
    let classes = if write.action == Action::Create && !class.is_empty() {
        priority_class(operation, class).await?
    } else {
        Vec::new()
    };
    let name = Meta::of(object).name().to_owned();
    (operation.behaviour.strategy.prioritize)(object, write.old, &classes)
        .map_err(|why| Status::forbidden(operation.group_resource(), &name, &why))
}

/// The one class that matters, as the list that the kind expects.
async fn priority_class(operation: &Operation<'_>, name: &str) -> Result<Vec<Value>, Status> {
    let Some(classes) = operation.api.builtin("scheduling.k8s.io", "v1", "priorityclasses") else {
        return Ok(Vec::new());
    };
    let Ok(key) = classes.key("", name) else { return Ok(Vec::new()) };
    let entry = classes.store().get(&key).await.map_err(|error| status(&error))?;
    let found = entry.as_ref().map(|entry| classes.read(entry)).transpose()?;
    Ok(found.map(|stored| stored.object).into_iter().collect())
}
