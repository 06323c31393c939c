//! One request for one resource, as verbs and endpoints are given it.

use std::sync::Arc;

use podsec_apimachinery::Status;
use podsec_apimachinery::schema::catalog::Resource;
use podsec_apimachinery::status::GroupResource;
use serde_json::Value;

use crate::answer::Answer;
use crate::apiserver::ApiServer;
use crate::registry::Given;
use crate::registry::Registry;
use crate::request::Request;
use crate::sinks::Sinks;
use crate::table::View;
use podsec_kinds::Behaviour;

/// One request for one resource.
pub(crate) struct Operation<'a> {
    pub(crate) api: &'a Arc<ApiServer>,
    pub(crate) request: &'a Request,
    pub(crate) sinks: &'a Sinks,
    pub(crate) resource: Arc<Resource>,
    pub(crate) behaviour: Behaviour,
    pub(crate) registry: Registry,
}

impl<'a> Operation<'a> {
    pub(crate) fn new(
        api: &'a Arc<ApiServer>,
        request: &'a Request,
        sinks: &'a Sinks,
        resource: Arc<Resource>,
    ) -> Self {
        let registry = api.resources.registry(&resource);
        let behaviour = registry.behaviour().clone();
        Self { api, request, sinks, resource, behaviour, registry }
    }

    /// The namespace in the URL. A Namespace object, whose URL names itself, has none.
    pub(crate) fn namespace(&self) -> &'a str {
        self.request.namespace(&self.resource)
    }

    /// The name in the URL.
    pub(crate) fn name(&self) -> &'a str {
        self.request.name()
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
        View::new(self.request.representation.transform, &self.request.query, self.behaviour.clone())
    }

    /// One object as an answer.
    ///
    /// # Errors
    /// 422 for an unknown `includeObject`.
    pub(crate) fn answer(&self, code: u16, object: Value) -> Result<Answer, Status> {
        let object = self.view()?.object(object, self.request.received);
        Ok(Answer::Object { code, content_type: None, object })
    }

    /// 422 for an object of this resource.
    pub(crate) fn invalid(&self, name: &str, errors: &[podsec_apimachinery::field::Error]) -> Status {
        self.registry.invalid(name, errors)
    }

    /// Gives a service that is about to be written through its own path the addresses and ports it needs; what is no
    /// service needs none.
    ///
    /// # Errors
    /// As [`Registry::allocate`].
    pub(super) async fn allocate(
        &self,
        object: &mut Value,
        stored: Option<&Value>,
        dry_run: bool,
    ) -> Result<Option<Given>, Status> {
        if !self.request.info.subresource.is_empty() {
            return Ok(None);
        }
        self.registry.allocate(object, stored, dry_run).await
    }

    /// 409: someone else was faster.
    pub(crate) fn modified(&self, name: &str) -> Status {
        self.registry.modified(name)
    }
}
