//! An object as a webhook sees it: in the version its rule names, and of the kind that the subresource takes.

use std::borrow::Cow;
use std::sync::Arc;

use podsec_apimachinery::codec;
use podsec_apimachinery::schema::catalog::{Catalog, Resource};
use podsec_apimachinery::schema::{self, Definitions};
use serde_json::Value;

use crate::registry::conversion;
use podsec_kinds::object::as_map;
use podsec_kinds::scale;

/// A kind in one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::admission) struct GroupVersionKind {
    /// The API group; empty for core.
    pub(in crate::admission) group: String,
    /// The version.
    pub(in crate::admission) version: String,
    /// The kind.
    pub(in crate::admission) kind: String,
}

/// The other versions of the same objects.
pub(in crate::admission) fn equivalents(catalog: &Catalog, resource: &Resource) -> Vec<Arc<Resource>> {
    let same = |other: &Resource| {
        other.resource == resource.resource
            && other.kind == resource.kind
            && (other.group == resource.group || resource.kind == "Event")
            && (&other.group, &other.version) != (&resource.group, &resource.version)
    };
    catalog.resources().filter(|other| same(other)).map(Arc::clone).collect()
}

impl GroupVersionKind {
    /// The kind that requests for `resource/subresource` are about.
    pub(in crate::admission) fn of(resource: &Resource, subresource: &str) -> Self {
        match resource.subresource(subresource) {
            Some(door) => {
                Self { group: door.group.clone(), version: door.version.clone(), kind: door.kind.clone() }
            }
            None => Self {
                group: resource.group.clone(),
                version: resource.version.clone(),
                kind: resource.kind.clone(),
            },
        }
    }

    fn is_scale(&self) -> bool {
        self.kind == "Scale" && self.group == "autoscaling"
    }

    pub(in crate::admission) fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }
}

/// What selectors look at: the object, or the Scale that stands for it.
pub(in crate::admission) fn seen<'a>(
    object: &'a Value,
    kind: &GroupVersionKind,
    requested: &Resource,
) -> Cow<'a, Value> {
    if kind.is_scale() { Cow::Owned(shown(object, kind, requested)) } else { Cow::Borrowed(object) }
}

/// The object as a webhook that asks for `version` sees it.
pub(in crate::admission) fn shown(object: &Value, kind: &GroupVersionKind, version: &Resource) -> Value {
    if kind.is_scale() {
        return scale::of(object);
    }
    let mut shown = object.clone();
    if kind.kind == version.kind {
        conversion::to_version_of(version, &mut shown);
    }
    let fields = as_map(&mut shown);
    fields.insert("kind".to_owned(), kind.kind.as_str().into());
    fields.insert("apiVersion".to_owned(), kind.api_version().into());
    shown
}

/// Takes over what a webhook has made of what it was shown.
pub(in crate::admission) fn take(
    changed: Value,
    kind: &GroupVersionKind,
    requested: &Resource,
    object: &mut Value,
) {
    if kind.is_scale() {
        scale::apply(&changed, object);
        return;
    }
    *object = changed;
    if kind.kind == requested.kind {
        conversion::to_version_of(requested, object);
    }
}

/// Decodes a patched object as if a client had sent it, unknown fields dropped.
///
/// # Errors
/// What does not fit the kind.
pub(in crate::admission) fn decoded(patched: Value, kind: &GroupVersionKind) -> Result<Value, String> {
    let Some(schema) = Definitions::builtin().kind(&kind.group, &kind.version, &kind.kind) else {
        return Ok(patched);
    };
    let text = serde_json::to_vec(&patched).map_err(|error| error.to_string())?;
    let parsed = codec::json::parse(&text).map_err(|error| error.to_string())?;
    let decoded = schema::decode(schema, &parsed).map_err(|error| error.to_string())?;
    Ok(decoded.object)
}
