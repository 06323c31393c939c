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
mod list_options;
pub(crate) mod managed_fields;
pub(crate) mod options;
mod patch;
mod selection;
mod update;
mod watch;

use std::sync::Arc;

use podsec_apimachinery::Status;
use podsec_apimachinery::schema::catalog::{Resource, Verb};
use podsec_apimachinery::status::GroupResource;
use serde_json::Value;

pub(crate) use delete::{check_preconditions, delete_object};
pub(crate) use list::ListMemory;
pub(crate) use update::{Origin, check_name, update_object};

use crate::apiserver::ApiServer;
use crate::body::RequestBody;
use crate::pipeline::{Answer, Context};
use crate::registry::Registry;
use crate::table::View;
use podsec_kinds::Behaviour;
use podsec_kinds::custom::CustomResource;

/// One request for one resource.
pub(crate) struct Operation<'a> {
    pub(crate) api: &'a Arc<ApiServer>,
    pub(crate) context: &'a Context,
    pub(crate) resource: Arc<Resource>,
    pub(crate) behaviour: Behaviour,
    pub(crate) registry: Registry,
}

impl<'a> Operation<'a> {
    /// `custom` is what is particular to a custom resource.
    pub(crate) fn new(
        api: &'a Arc<ApiServer>,
        context: &'a Context,
        resource: Arc<Resource>,
        custom: Option<Arc<CustomResource>>,
    ) -> Self {
        let registry = Registry::new(&api.store, &resource, custom.clone());
        let behaviour = Behaviour::of(&resource, custom);
        Self { api, context, resource, behaviour, registry }
    }

    /// Does what the verb says.
    pub(crate) async fn run(&self, verb: Verb, body: RequestBody) -> Result<Answer, Status> {
        if let Some(deprecation) = self.behaviour.deprecation() {
            self.context.warnings.add(deprecation);
            self.context.recording.annotate("k8s.io/deprecated", "true");
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

    /// The namespace in the URL. A Namespace object, whose URL names itself, has none.
    pub(crate) fn namespace(&self) -> &'a str {
        if self.resource.namespaced { &self.context.info.namespace } else { "" }
    }

    /// The name in the URL.
    pub(crate) fn name(&self) -> &'a str {
        &self.context.info.name
    }

    /// The resource as messages name it.
    pub(crate) fn group_resource(&self) -> GroupResource<'_> {
        self.resource.group_resource()
    }

    /// How objects are shown to this client.
    ///
    /// # Errors
    /// 422 for an unknown `includeObject`.
    pub(crate) fn view(&self) -> Result<View, Status> {
        View::new(self.context.representation.transform, &self.context.query, self.behaviour.clone())
    }

    /// One object as an answer.
    ///
    /// # Errors
    /// 422 for an unknown `includeObject`.
    pub(crate) fn answer(&self, code: u16, object: Value) -> Result<Answer, Status> {
        let object = self.view()?.object(object, self.context.received);
        Ok(Answer::Object { code, content_type: None, object })
    }

    /// 422 for an object of this resource.
    pub(crate) fn invalid(&self, name: &str, errors: &[podsec_apimachinery::field::Error]) -> Status {
        Status::invalid(&self.resource.group, &self.resource.kind, name, errors)
    }

    /// 409: someone else was faster.
    pub(crate) fn modified(&self, name: &str) -> Status {
        let why =
            "the object has been modified; please apply your changes to the latest version and try again";
        Status::conflict(self.group_resource(), name, why)
    }
}
