//! GET of one object.

use podsec_apimachinery::Status;

use crate::answer::Answer;
use crate::registry::{Registry, status, too_large_resource_version};
use crate::request::Request;
use crate::request::list_options::resource_version;
use crate::table;

/// Answers with the newest state of the object.
pub(super) async fn get(request: &Request, registry: &Registry) -> Result<Answer, Status> {
    if let Some(asked) = resource_version(&request.query)? {
        let current = registry.store().revision().await.map_err(|error| status(&error))?;
        if asked > current.0 {
            return Err(too_large_resource_version(asked, current));
        }
    }
    let stored = registry.get(request.namespace(registry.resource()), request.name()).await?;
    table::answer(request, registry, 200, stored.object)
}
