//! GET of one object.

use podsec_apimachinery::Status;

use super::Operation;
use crate::answer::Answer;
use crate::registry::{status, too_large_resource_version};
use crate::request::list_options::resource_version;

/// Answers with the newest state of the object.
pub(super) async fn get(operation: &Operation<'_>) -> Result<Answer, Status> {
    if let Some(asked) = resource_version(&operation.request.query)? {
        let current = operation.registry.store().revision().await.map_err(|error| status(&error))?;
        if asked > current.0 {
            return Err(too_large_resource_version(asked, current));
        }
    }
    let stored = operation.registry.get(operation.namespace(), operation.name()).await?;
    operation.answer(200, stored.object)
}
