//! What the objects of a namespace use, counted from the store.

use std::collections::BTreeSet;

use jiff::Timestamp;
use podsec_apimachinery::Status;
use podsec_apimachinery::codec::json::parse_tree;
use podsec_go::quantity::Quantity;
use podsec_kinds::object::Fields;
use podsec_storage::{Entry, Range};
use serde_json::{Value, json};

use super::super::resources::{self as amounts, ResourceList, add};
use super::evaluator::Evaluator;
use super::locks::Quotas;
use super::status::{put_status, quotas, registry};
use crate::registry::{Resources, WriteError, status};

/// Counts again what a namespace uses and writes it into its quotas. Nothing is created there meanwhile that a quota
/// counts.
///
/// # Errors
/// 409 when somebody has changed a quota meanwhile, and 500 when the store fails.
pub(crate) async fn recount(resources: &Resources, locks: &Quotas, namespace: &str) -> Result<(), Status> {
    let _lock = locks.lock(namespace).await;
    let quotas = quotas(resources, namespace).await?;
    if quotas.is_empty() {
        return Ok(());
    }
    let used = count(resources, namespace, &quotas).await?;
    let registry = registry(resources)?;
    for (quota, used) in quotas.iter().zip(used) {
        let hard = quota.at("spec").at("hard").clone();
        // Amounts of what nobody knows how to count stay as they were.
        let mut all = amounts::read(quota.at("status").at("used"));
        all.extend(used);
        all.retain(|name, _| hard.has(name));
        let now = json!({"hard": hard, "used": amounts::write(&all)});
        if now == *quota.at("status") {
            continue;
        }
        match put_status(&registry, quota, now, "kube-controller-manager").await {
            Ok(_) => {}
            Err(WriteError::Conflict) => {
                let name = quota.at("metadata").text("name");
                let why = "the quota has been changed while it was counted";
                return Err(Status::conflict(registry.resource().group_resource(), name, why));
            }
            Err(WriteError::Fail(status)) => return Err(status),
        }
    }
    Ok(())
}

/// What is used of each quota's resources that somebody knows how to count.
async fn count(
    resources: &Resources,
    namespace: &str,
    quotas: &[Value],
) -> Result<Vec<ResourceList>, Status> {
    let now = Timestamp::now();
    let hard: Vec<ResourceList> =
        quotas.iter().map(|quota| amounts::read(quota.at("spec").at("hard"))).collect();
    let mut used = vec![ResourceList::new(); quotas.len()];
    // A resource is stored once, whatever the number of its versions.
    let mut counted = BTreeSet::new();
    let served = resources.served();
    for resource in served.catalog.resources().filter(|resource| resource.namespaced) {
        let Some(evaluator) = Evaluator::of(&resource.group, &resource.resource) else { continue };
        let is_asked = hard.iter().any(|hard| hard.keys().any(|name| evaluator.counts(name)));
        let key = (resource.group.clone(), resource.resource.clone());
        if !is_asked || !counted.insert(key) {
            continue;
        }
        for (hard, used) in hard.iter().zip(&mut used) {
            let names = hard.keys().filter(|name| evaluator.counts(name));
            used.extend(names.map(|name| (name.clone(), Quantity::default())));
        }
        let registry = resources.registry(resource);
        let prefix = registry.prefix(namespace);
        let page = resources.store().range(Range::prefix(&prefix)).await.map_err(|error| status(&error))?;
        for entry in &page.entries {
            let object = if evaluator.reads_objects() { read(entry)? } else { Value::Null };
            let usage = evaluator.usage(&object, now);
            for ((quota, hard), used) in quotas.iter().zip(&hard).zip(&mut used) {
                if evaluator.is_in_scope(quota, &object) {
                    let mut usage = usage.clone();
                    usage.retain(|name, _| hard.contains_key(name));
                    add(used, &usage);
                }
            }
        }
    }
    Ok(used)
}

fn read(entry: &Entry) -> Result<Value, Status> {
    parse_tree(&entry.value)
        .map_err(|error| Status::internal(&format!("stored object {}: {error}", entry.key)))
}
