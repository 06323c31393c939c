//! A request as policies, and the match conditions of webhooks, see it.

use std::collections::BTreeMap;
use std::sync::Arc;

use podsec_apimachinery::Status;
use podsec_apimachinery::meta::Meta;
use podsec_apimachinery::schema::catalog::Resource;
use podsec_cel::authorizer::{Authorizer as Questions, AuthorizerCheck, CheckedResource};
use podsec_cel::{Opaque, Value};
use serde_json::{Map, Value as Json, json};

use super::authorizer::Rights;
use crate::admission::attributes::Attributes;
use crate::admission::matching::rules::{NamespaceLabels, Subject};
use crate::admission::matching::version::{self, GroupVersionKind, equivalents};
use crate::admission::review::Review;
use crate::authorization::Authorizer;
use crate::registry::Resources;

/// One request.
pub(in crate::admission) struct Asked<'a> {
    pub(super) attributes: &'a Attributes<'a>,
    pub(super) resources: &'a Resources,
    kind: GroupVersionKind,
    /// The namespace; of a Namespace, its own name.
    pub(super) namespace: &'a str,
    equivalents: Vec<Arc<Resource>>,
    /// The namespace of the object; absent for one outside of namespaces, and for a Namespace.
    stored_namespace: Result<Option<Json>, Status>,
    /// The labels of the namespace as stored.
    labels: NamespaceLabels,
    authorizer: Arc<dyn Questions>,
}

impl<'a> Asked<'a> {
    /// Reads what policies may want to know.
    pub(in crate::admission) async fn begin(
        attributes: &'a Attributes<'a>,
        resources: &'a Resources,
        authorizer: &Arc<Authorizer>,
    ) -> Self {
        let resource = attributes.resource();
        let is_namespace = resource.group.is_empty() && resource.resource == "namespaces";
        let namespace = if is_namespace { attributes.name } else { attributes.namespace() };
        let stored = match resources.builtin("", "v1", "namespaces") {
            Some(namespaces) if !namespace.is_empty() => {
                namespaces.get("", namespace).await.map(|stored| Some(stored.object))
            }
            _ => Ok(None),
        };
        let labels = stored.as_ref().map_err(Clone::clone).map(|stored| {
            let labels = stored.as_ref().and_then(|namespace| Meta::of(namespace).labels());
            labels.cloned().unwrap_or_default()
        });
        Self {
            attributes,
            resources,
            kind: GroupVersionKind::of(resource, attributes.subresource()),
            namespace,
            equivalents: equivalents(&resources.served().catalog, resource),
            stored_namespace: if is_namespace { Ok(None) } else { stored },
            labels,
            authorizer: Arc::new(Rights::of(authorizer, attributes.user())),
        }
    }

    /// As rules and selectors see it.
    pub(super) fn subject(&self) -> Subject<'_> {
        Subject {
            action: self.attributes.action,
            resource: self.attributes.resource(),
            subresource: self.attributes.subresource(),
            namespace: self.namespace,
            equivalents: &self.equivalents,
        }
    }

    /// The labels that selectors of namespaces look at.
    pub(super) fn labels(&self, object: Option<&Json>) -> NamespaceLabels {
        if self.subject().carries_namespace_labels() {
            return Ok(object.and_then(|object| Meta::of(object).labels()).cloned().unwrap_or_default());
        }
        self.labels.clone()
    }

    /// The object as selectors see it.
    pub(super) fn seen<'o>(&self, object: &'o Json) -> std::borrow::Cow<'o, Json> {
        version::seen(object, &self.kind, self.attributes.resource())
    }

    /// The kind of what policies see that ask for `version`.
    pub(super) fn kind_in(&self, version: &Resource) -> GroupVersionKind {
        GroupVersionKind::of(version, self.attributes.subresource())
    }

    /// The object as policies see it that ask for `version`.
    pub(super) fn shown(&self, object: &Json, version: &Resource) -> Json {
        version::shown(object, &self.kind_in(version), version)
    }

    /// Takes over what a policy has made of what it was shown.
    pub(super) fn take(&self, changed: Json, version: &Resource, object: &mut Json) {
        version::take(changed, &self.kind_in(version), self.attributes.resource(), object);
        if self.kind.kind == self.attributes.resource().kind {
            self.attributes.registry.behaviour().default(object);
        }
    }

    /// The namespace as expressions see it.
    ///
    /// # Errors
    /// 404 when there is none.
    pub(super) fn namespace_object(&self) -> Result<Value, Status> {
        let Some(namespace) = self.stored_namespace.as_ref().map_err(Clone::clone)? else {
            return Ok(Value::Null);
        };
        let mut metadata = Map::new();
        for field in NAMESPACE_METADATA {
            if let Some(value) = namespace.pointer(&format!("/metadata/{field}")) {
                metadata.insert((*field).to_owned(), value.clone());
            }
        }
        let part = |field: &str| namespace.get(field).cloned().unwrap_or_else(|| json!({}));
        Ok(Value::from_json(&json!({"metadata": metadata, "spec": part("spec"), "status": part("status")})))
    }

    /// What every expression that asks for `version` may use, but for parameters and the namespace.
    pub(in crate::admission) fn variables(
        &self,
        object: Option<&Json>,
        version: &Arc<Resource>,
    ) -> BTreeMap<String, Value> {
        let shown = |object: Option<&Json>| {
            object.map_or(Value::Null, |object| Value::from_json(&self.shown(object, version)))
        };
        let check = |check: AuthorizerCheck| Value::Opaque(Arc::new(Opaque::Check(check)));
        let resource = self.attributes.resource();
        let asked = CheckedResource {
            group: resource.group.clone(),
            resource: resource.resource.clone(),
            subresource: self.attributes.subresource().to_owned(),
            namespace: self.namespace.to_owned(),
            name: self.attributes.name.to_owned(),
            ..CheckedResource::default()
        };
        let authorizer = || Arc::clone(&self.authorizer);
        BTreeMap::from([
            ("object".to_owned(), shown(object)),
            ("oldObject".to_owned(), shown(self.attributes.old)),
            ("request".to_owned(), self.request(version)),
            ("namespaceObject".to_owned(), Value::Null),
            ("params".to_owned(), Value::Null),
            ("authorizer".to_owned(), check(AuthorizerCheck::of_user(authorizer()))),
            (
                "authorizer.requestResource".to_owned(),
                check(AuthorizerCheck::of_resource(authorizer(), asked)),
            ),
        ])
    }

    fn request(&self, version: &Resource) -> Value {
        let review = Review {
            uid: "",
            version,
            kind: &self.kind_in(version),
            request_version: self.attributes.resource(),
            request_kind: &self.kind,
            subresource: self.attributes.subresource(),
            name: self.attributes.name,
            namespace: self.namespace,
            action: self.attributes.action,
            user: self.attributes.user(),
            object: None,
            old: None,
            dry_run: self.attributes.dry_run,
            options: &self.attributes.options,
        };
        Value::from_json(&review.variable().unwrap_or_default())
    }
}

/// The metadata of a namespace that expressions see.
const NAMESPACE_METADATA: &[&str] = &[
    "name",
    "generateName",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "labels",
    "annotations",
    "finalizers",
];
