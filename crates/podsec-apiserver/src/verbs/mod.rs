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
mod operation;
mod origin;
mod patch;
mod selection;
mod update;
mod watch;

use podsec_apimachinery::Status;
use podsec_apimachinery::schema::catalog::Verb;

pub(crate) use delete::{check_preconditions, delete_object};
pub(crate) use list::ListMemory;
pub(crate) use operation::Operation;
pub(crate) use origin::Origin;
pub(crate) use update::{check_name, update_object};

use crate::answer::Answer;
use crate::body::RequestBody;

impl Operation<'_> {
    /// Does what the verb says.
    pub(crate) async fn run(&self, verb: Verb, body: RequestBody) -> Result<Answer, Status> {
        if let Some(deprecation) = self.behaviour.deprecation() {
            self.sinks.warnings.add(deprecation);
            self.sinks.recording.annotate("k8s.io/deprecated", "true");
        }
        match verb {
            Verb::Create => create::create(self, body).await,
            Verb::Delete => delete::delete(self, body).await,
            Verb::DeleteCollection => deletecollection::delete_collection(self, body).await,
            Verb::Get => get::get(self).await,
            Verb::List => list::list(self).await,
            Verb::Patch => patch::patch(self, body).await,
            Verb::Update => update::update(self, body).await,
            Verb::Watch => watch::watch(self).await,
        }
    }
}
