//! What can be done with resources, one file a verb.
//!
//! ```text
//! read:   stored object ─► selectors ─► view (object, Table, PartialObjectMetadata)
//! write:  decode ─► mutating admission ─► validate ─► validating admission ─► store
//! ```

mod create;
mod delete;
mod deletecollection;
mod get;
mod list;
pub(crate) mod managed_fields;
mod origin;
mod patch;
mod selection;
mod shared;
mod update;
mod watch;
mod write;

use podsec_apimachinery::Status;
use podsec_apimachinery::schema::catalog::Verb;

pub(crate) use create::place;
pub(crate) use delete::{check_preconditions, delete_object};
pub(crate) use list::ListMemory;
pub(crate) use origin::Origin;
pub(crate) use shared::Shared;
pub(crate) use update::{check_name, update_object};
pub(crate) use write::Write;

use crate::answer::Answer;
use crate::body::UnreadBody;

/// Does what the verb says.
pub(crate) async fn run(
    write: &Write<'_>,
    verb: Verb,
    shared: &Shared,
    body: UnreadBody<'_>,
) -> Result<Answer, Status> {
    let Write { request, registry, sinks, .. } = *write;
    if let Some(deprecation) = registry.behaviour().deprecation() {
        sinks.warnings.add(deprecation);
        sinks.recording.annotate("k8s.io/deprecated", "true");
    }
    match verb {
        Verb::Create => create::create(write, body).await,
        Verb::Delete => delete::delete(write, body).await,
        Verb::DeleteCollection => deletecollection::delete_collection(write, body).await,
        Verb::Get => get::get(request, registry).await,
        Verb::List => list::list(request, registry, &sinks.recording, &shared.list_memory).await,
        Verb::Patch => patch::patch(write, &shared.processors, body).await,
        Verb::Update => update::update(write, body).await,
        Verb::Watch => watch::watch(request, registry, &sinks.recording, shared).await,
    }
}
