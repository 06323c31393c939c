//! The environments in which Kubernetes compiles expressions.

use std::sync::Arc;

use crate::declaration::{MessageTable, Messages};
use crate::environment::Environment;
pub use crate::mutation::JSON_PATCH;
use crate::mutation::is_object;
use crate::types::Type;

/// What a ValidatingAdmissionPolicy may use. `params` and `authorizer` are left out of match conditions of webhooks and of
/// policies without parameters.
pub fn validating_policy(params: bool, authorizer: bool) -> Environment {
    policy(params, authorizer, Arc::new(requests()))
}

/// What a MutatingAdmissionPolicy may use: also the types `Object` and `JSONPatch`.
pub fn mutating_policy(params: bool, authorizer: bool) -> Environment {
    policy(params, authorizer, Arc::new(MutationMessages { requests: requests() })).with_mutation()
}

fn policy(params: bool, authorizer: bool, messages: Arc<dyn Messages>) -> Environment {
    let mut environment = Environment::default()
        .with_messages(messages)
        .with_variable("object", Type::Dyn)
        .with_variable("oldObject", Type::Dyn)
        .with_variable("request", Type::message("kubernetes.AdmissionRequest"))
        .with_variable("namespaceObject", Type::message("kubernetes.Namespace"));
    if params {
        environment = environment.with_variable("params", Type::Dyn);
    }
    if authorizer {
        environment = environment
            .with_variable("authorizer", Type::message("kubernetes.authorization.Authorizer"))
            .with_variable(
                "authorizer.requestResource",
                Type::message("kubernetes.authorization.ResourceCheck"),
            );
    }
    environment
}

/// What a rule of a definition may use when nothing is known of its schema.
pub fn untyped_rule() -> Environment {
    Environment::default().with_variable("self", Type::Dyn).with_variable("oldSelf", Type::Dyn)
}

/// The messages of an admission request and of its namespace, as far as expressions see them.
fn requests() -> MessageTable {
    let mut table = MessageTable::default();
    let texts = || Type::list(Type::String);
    let labels = || Type::map(Type::String, Type::String);
    let kind = table.add(
        "kubernetes.GroupVersionKind",
        [("group", Type::String), ("version", Type::String), ("kind", Type::String)],
    );
    let resource = table.add(
        "kubernetes.GroupVersionResource",
        [("group", Type::String), ("version", Type::String), ("resource", Type::String)],
    );
    let user = table.add(
        "kubernetes.UserInfo",
        [
            ("username", Type::String),
            ("uid", Type::String),
            ("groups", texts()),
            ("extra", Type::map(Type::String, texts())),
        ],
    );
    table.add(
        "kubernetes.AdmissionRequest",
        [
            ("kind", kind.clone()),
            ("resource", resource.clone()),
            ("subResource", Type::String),
            ("requestKind", kind),
            ("requestResource", resource),
            ("requestSubResource", Type::String),
            ("name", Type::String),
            ("namespace", Type::String),
            ("operation", Type::String),
            ("userInfo", user),
            ("dryRun", Type::Bool),
            ("options", Type::Dyn),
        ],
    );
    let spec = table.add("kubernetes.NamespaceSpec", [("finalizers", texts())]);
    let condition = table.add(
        "kubernetes.NamespaceCondition",
        [
            ("status", Type::String),
            ("type", Type::String),
            ("lastTransitionTime", Type::Timestamp),
            ("message", Type::String),
            ("reason", Type::String),
        ],
    );
    let status = table
        .add("kubernetes.NamespaceStatus", [("conditions", Type::list(condition)), ("phase", Type::String)]);
    let metadata = table.add(
        "kubernetes.NamespaceMetadata",
        [
            ("name", Type::String),
            ("generateName", Type::String),
            ("namespace", Type::String),
            ("labels", labels()),
            ("annotations", labels()),
            ("UID", Type::String),
            ("creationTimestamp", Type::Timestamp),
            ("deletionGracePeriodSeconds", Type::Int),
            ("deletionTimestamp", Type::Timestamp),
            ("generation", Type::Int),
            ("resourceVersion", Type::String),
            ("finalizers", texts()),
        ],
    );
    table.add("kubernetes.Namespace", [("metadata", metadata), ("spec", spec), ("status", status)]);
    table
}

/// The messages that mutations make: `Object` and whatever is named after its fields, with any fields, and `JSONPatch`.
#[derive(Debug)]
struct MutationMessages {
    requests: MessageTable,
}

impl Messages for MutationMessages {
    fn contains(&self, name: &str) -> bool {
        is_object(name) || name == JSON_PATCH || self.requests.contains(name)
    }

    fn field(&self, message: &str, field: &str) -> Option<Type> {
        match (message, field) {
            (JSON_PATCH, "op" | "path" | "from") => Some(Type::String),
            (JSON_PATCH, "value") => Some(Type::Dyn),
            // Kubernetes knows every field of it, of no type.
            (JSON_PATCH, _) => Some(Type::opaque("")),
            _ if is_object(message) => Some(Type::Dyn),
            _ => self.requests.field(message, field),
        }
    }
}
