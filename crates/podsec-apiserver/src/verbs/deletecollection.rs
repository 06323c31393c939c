//! DELETE of a collection: every object that the selectors let through.

use podsec_apimachinery::Status;
use podsec_apimachinery::meta::{ListMeta, Meta};
use podsec_storage::Range;

use super::Operation;
use super::delete::{Deletion, delete_object, options};
use super::selection::Selection;
use crate::answer::Answer;
use crate::body::RequestBody;
use crate::registry::status;
use crate::request::list_options::ListOptions;

/// Deletes the objects one after the other and answers with the list of them.
pub(super) async fn delete_collection(
    operation: &Operation<'_>,
    body: RequestBody,
) -> Result<Answer, Status> {
    let query = &operation.request.query;
    let options = options(operation, body).await?;
    ListOptions::parse(query)?;
    let selection = Selection::parse(query, operation.behaviour.clone(), operation.name())?;
    let prefix = operation.registry.prefix(operation.namespace());
    let page = operation.registry.store().range(Range::prefix(&prefix)).await;
    let page = page.map_err(|error| status(&error))?;
    let mut items = Vec::new();
    for entry in &page.entries {
        let object = operation.registry.read(entry)?.object;
        if !selection.matches(&object) {
            continue;
        }
        let (namespace, name) = (Meta::of(&object).namespace(), Meta::of(&object).name());
        match delete_object(operation, namespace, name, &options, Some("")).await {
            Ok(Deletion::Gone(object) | Deletion::Pending(object)) => items.push(object),
            // Someone else has deleted it in between.
            Err(status) if status.code == 404 => {}
            Err(status) => return Err(status),
        }
    }
    let resource = &operation.resource;
    let metadata = ListMeta { resource_version: page.revision.to_string(), ..ListMeta::default() };
    let version = resource.api_version();
    let list = operation.view()?.list(
        &resource.list_kind,
        &version,
        &metadata,
        items,
        operation.request.received,
    )?;
    Ok(Answer::ok(list))
}
