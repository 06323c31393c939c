//! DELETE of a collection: every object that the selectors let through.

use podsec_apimachinery::Status;
use podsec_apimachinery::meta::{ListMeta, Meta};
use podsec_storage::Range;

use super::delete::{Deletion, delete_object, options};
use super::selection::Selection;
use super::write::Write;
use crate::answer::Answer;
use crate::body::UnreadBody;
use crate::registry::status;
use crate::request::list_options::ListOptions;
use crate::table::View;

/// Deletes the objects one after the other and answers with the list of them.
pub(super) async fn delete_collection(write: &Write<'_>, body: UnreadBody<'_>) -> Result<Answer, Status> {
    let query = &write.request.query;
    let options = options(write, body).await?;
    ListOptions::parse(query)?;
    let selection = Selection::parse(query, write.behaviour().clone(), write.name())?;
    let prefix = write.registry.prefix(write.namespace());
    let page = write.registry.store().range(Range::prefix(&prefix)).await;
    let page = page.map_err(|error| status(&error))?;
    let mut items = Vec::new();
    for entry in &write.registry.converted(page.entries).await? {
        let object = write.registry.read(entry)?.object;
        if !selection.matches(&object) {
            continue;
        }
        let (namespace, name) = (Meta::of(&object).namespace(), Meta::of(&object).name());
        match delete_object(write, namespace, name, &options, Some("")).await {
            Ok(Deletion::Gone(object) | Deletion::Pending(object)) => items.push(object),
            // Someone else has deleted it in between.
            Err(status) if status.code == 404 => {}
            Err(status) => return Err(status),
        }
    }
    let resource = write.registry.resource();
    let metadata = ListMeta { resource_version: page.revision.to_string(), ..ListMeta::default() };
    let version = resource.api_version();
    let list = View::of(write.request, write.registry)?.list(
        &resource.list_kind,
        &version,
        &metadata,
        items,
        write.request.received,
    )?;
    Ok(Answer::ok(list))
}
