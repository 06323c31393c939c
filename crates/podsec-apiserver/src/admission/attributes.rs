//! What admission is told of a request, beside the object.

use std::sync::Arc;

use podsec_apimachinery::Status;
use podsec_apimachinery::meta::Meta;
use podsec_apimachinery::schema::catalog::Resource;
use serde_json::Value;

use crate::registry::Registry;
use crate::request::{Request, User};
use crate::sinks::Sinks;

/// What a request does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Makes a new object.
    Create,
    /// Changes an object.
    Update,
    /// Removes an object.
    Delete,
    /// Opens a connection into an object.
    Connect,
}

impl Action {
    /// Kubernetes' name of it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
            Self::Connect => "CONNECT",
        }
    }
}

/// What admission is told, beside the object.
pub(crate) struct Attributes<'a> {
    /// What the request does.
    pub(crate) action: Action,
    /// The name as the request gives it: empty when the server makes one up, and for each object of a collection.
    pub(crate) name: &'a str,
    /// The stored object.
    pub(crate) old: Option<&'a Value>,
    /// The options of the request (`CreateOptions` and its siblings); null for a connection.
    pub(crate) options: Value,
    /// Whether nothing will be stored.
    pub(crate) dry_run: bool,
    /// The request itself.
    pub(crate) request: &'a Request,
    /// The objects that it is about.
    pub(crate) registry: &'a Registry,
    /// Where warnings and audit annotations go.
    pub(crate) sinks: &'a Sinks,
}

impl<'a> Attributes<'a> {
    /// The resource that the request is about.
    pub(crate) fn resource(&self) -> &'a Arc<Resource> {
        self.registry.resource()
    }

    /// The subresource; empty for the object itself.
    pub(crate) fn subresource(&self) -> &'a str {
        &self.request.info.subresource
    }

    /// The namespace in the URL; empty outside of namespaces, and for a Namespace.
    pub(crate) fn namespace(&self) -> &'a str {
        self.request.namespace(self.registry.resource())
    }

    /// On whose behalf the request runs.
    pub(crate) fn user(&self) -> &'a User {
        &self.request.user
    }

    /// Whether the request is about this resource and subresource.
    pub(crate) fn is_about(&self, group: &str, resource: &str, subresource: &str) -> bool {
        let own = self.resource();
        own.group == group && own.resource == resource && self.subresource() == subresource
    }

    /// 403 for an object, by its name or by what its name will begin with.
    pub(crate) fn forbid(&self, object: &Value, why: &str) -> Status {
        let meta = Meta::of(object);
        let name = [self.request.name(), meta.name(), meta.generate_name(), "Unknown"];
        let name = name.into_iter().find(|name| !name.is_empty()).unwrap_or_default();
        Status::forbidden(self.registry.group_resource(), name, why)
    }
}
