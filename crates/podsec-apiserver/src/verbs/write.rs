//! What every write is made with.

use podsec_apimachinery::Status;
use podsec_kinds::Behaviour;
use serde_json::Value;

use crate::admission::{Action, Attributes, Chain};
use crate::answer::Answer;
use crate::registry::{Given, Registry};
use crate::request::Request;
use crate::sinks::Sinks;
use crate::table;

/// A request that writes: the objects that it is about, the admission that it must pass, and the sinks for what it has to
/// say.
#[derive(Clone, Copy)]
pub(crate) struct Write<'a> {
    pub(crate) request: &'a Request,
    pub(crate) registry: &'a Registry,
    pub(crate) admission: &'a Chain,
    pub(crate) sinks: &'a Sinks,
}

impl<'a> Write<'a> {
    /// The namespace in the URL. A Namespace object, whose URL names itself, has none.
    pub(crate) fn namespace(&self) -> &'a str {
        self.request.namespace(self.registry.resource())
    }

    /// The name in the URL.
    pub(crate) fn name(&self) -> &'a str {
        self.request.name()
    }

    /// How the objects behave.
    pub(crate) fn behaviour(&self) -> &'a Behaviour {
        self.registry.behaviour()
    }

    /// The write as admission sees it. `name` is empty when the server makes one up, and for each object of a collection.
    pub(crate) fn attributes<'w>(
        &self,
        action: Action,
        name: &'w str,
        old: Option<&'w Value>,
        options: Value,
        dry_run: bool,
    ) -> Attributes<'w>
    where
        'a: 'w,
    {
        let Self { request, registry, sinks, .. } = *self;
        Attributes { action, name, old, options, dry_run, request, registry, sinks }
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

    /// One object as an answer.
    ///
    /// # Errors
    /// 422 for an unknown `includeObject`.
    pub(super) fn answer(&self, code: u16, object: Value) -> Result<Answer, Status> {
        table::answer(self.request, self.registry, code, object)
    }
}
