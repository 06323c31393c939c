//! The controller of ClusterRoles with an aggregation rule: their rules are those of the roles that it selects.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use podsec_apimachinery::Status;
use podsec_apimachinery::meta::{Meta, time_text};
use podsec_rbac::aggregation;
use podsec_storage::{Error, Precondition, Range};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::apiserver::ApiServer;
use crate::registry::{Registry, Stored, WriteError, status};

/// Fills the aggregated roles whenever a ClusterRole changes.
pub(super) async fn run(api: Arc<ApiServer>) {
    loop {
        if let Error::Closed = follow(&api).await {
            return;
        }
        sleep(Duration::from_secs(1)).await;
    }
}

/// Works until the store does not tell what changes any more, and why.
async fn follow(api: &ApiServer) -> Error {
    let Some(registry) = registry(api) else { return Error::Closed };
    let prefix = registry.prefix("");
    let revision = match api.store.revision().await {
        Ok(revision) => revision,
        Err(error) => return error,
    };
    let mut watch = match api.store.watch(&prefix, revision).await {
        Ok(watch) => watch,
        Err(error) => return error,
    };
    loop {
        if let Err(status) = settle(api).await {
            tracing::warn!(
                message = status.message,
                "aggregated ClusterRoles could not be filled; trying again"
            );
            sleep(Duration::from_secs(1)).await;
            continue;
        }
        if let Err(error) = watch.next().await {
            return error;
        }
    }
}

/// Fills all aggregated roles. A role may aggregate others that do; each round fills at least one of a chain, and what
/// then still changes waits for the next change.
///
/// # Errors
/// When the store fails.
pub(crate) async fn settle(api: &ApiServer) -> Result<(), Status> {
    let Some(registry) = registry(api) else { return Ok(()) };
    for _ in 0..ROUNDS {
        let page =
            api.store.range(Range::prefix(&registry.prefix(""))).await.map_err(|error| status(&error))?;
        let stored: Vec<Stored> =
            page.entries.iter().map(|entry| registry.read(entry)).collect::<Result<_, _>>()?;
        let mut changed = false;
        let all: Vec<&Value> = stored.iter().map(|role| &role.object).collect();
        for role in &stored {
            let Some(rules) = aggregation::rules(&role.object, &all) else { continue };
            if aggregation::differs(&role.object, &rules) && !Meta::of(&role.object).is_being_deleted() {
                fill(&registry, role, rules).await?;
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
    Ok(())
}

/// Writes the rules as an apply of Kubernetes' controller would.
async fn fill(registry: &Registry, role: &Stored, rules: Vec<Value>) -> Result<(), Status> {
    let mut object = role.object.clone();
    let name = Meta::of(&object).name().to_owned();
    let entry = json!({
        "manager": MANAGER, "operation": "Apply", "apiVersion": registry.resource().api_version(),
        "time": time_text(Timestamp::now()), "fieldsType": "FieldsV1", "fieldsV1": {"f:rules": {}},
    });
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        let mut managers = vec![entry];
        if let Some(Value::Array(others)) = metadata.remove("managedFields") {
            managers.extend(others.into_iter().filter_map(without_rules));
        }
        metadata.insert("managedFields".to_owned(), managers.into());
    }
    if let Some(fields) = object.as_object_mut() {
        fields.insert("rules".to_owned(), rules.into());
    }
    match registry.put("", &name, Precondition::Revision(role.revision), &mut object).await {
        // Whoever was faster is seen by the next round.
        Ok(_) | Err(WriteError::Conflict) => Ok(()),
        Err(WriteError::Fail(status)) => Err(status),
    }
}

/// The entry of another manager, which does not own the rules any more; `None` when nothing is left of it.
fn without_rules(mut entry: Value) -> Option<Value> {
    if entry.get("manager").is_some_and(|manager| manager == MANAGER) {
        return None;
    }
    if let Some(fields) = entry.get_mut("fieldsV1").and_then(Value::as_object_mut) {
        fields.remove("f:rules");
        if fields.is_empty() {
            return None;
        }
    }
    Some(entry)
}

fn registry(api: &ApiServer) -> Option<Registry> {
    api.builtin(podsec_rbac::GROUP, "v1", "clusterroles")
}

/// Kubernetes' name of the controller.
const MANAGER: &str = "clusterrole-aggregation-controller";
/// How long a chain of aggregated roles may be to be filled at once.
const ROUNDS: usize = 10;
