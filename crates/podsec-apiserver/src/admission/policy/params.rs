//! Parameters: the objects that a binding holds a policy against.

use std::sync::Arc;

use podsec_apimachinery::Status;
use podsec_apimachinery::schema::catalog::{Catalog, Resource, group_version};
use podsec_apimachinery::selector::label::{Selector, from_object};
use podsec_storage::Range;
use serde_json::Value;

use crate::registry::{Registry, status};

/// The kind of a policy's parameters.
#[derive(Debug)]
pub(super) struct ParamKind {
    group: String,
    version: String,
    kind: String,
}

/// Which objects of that kind.
#[derive(Debug)]
pub(super) struct ParamRef {
    name: String,
    namespace: String,
    selector: Option<Result<Selector, String>>,
    denies_when_absent: bool,
}

/// Why there are no parameters.
pub(super) enum Failure {
    /// The policy or binding is wrong.
    Configuration(String),
    /// The store fails.
    Store(Status),
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        Self::Store(status)
    }
}

impl ParamKind {
    pub(super) fn read(kind: &Value) -> Self {
        let text = |field: &str| kind.get(field).and_then(Value::as_str).unwrap_or_default();
        let (group, version) = group_version(text("apiVersion")).unwrap_or_default();
        Self { group: group.to_owned(), version: version.to_owned(), kind: text("kind").to_owned() }
    }

    /// The resource of the kind.
    ///
    /// # Errors
    /// When it is not served.
    pub(super) fn resource<'c>(&self, catalog: &'c Catalog) -> Result<&'c Arc<Resource>, String> {
        let Self { group, version, kind } = self;
        catalog.by_kind(group, version, kind).ok_or_else(|| {
            format!("failed to find resource referenced by paramKind: '{group}/{version}, Kind={kind}'")
        })
    }
}

impl ParamRef {
    pub(super) fn read(reference: &Value) -> Self {
        let text = |field: &str| reference.get(field).and_then(Value::as_str).unwrap_or_default();
        let selector = reference.get("selector").filter(|selector| selector.is_object());
        Self {
            name: text("name").to_owned(),
            namespace: text("namespace").to_owned(),
            selector: selector.map(|selector| from_object(Some(selector)).map_err(|error| error.to_string())),
            denies_when_absent: text("parameterNotFoundAction") == "Deny",
        }
    }

    /// The parameters for a request in `namespace`.
    ///
    /// # Errors
    /// When the reference does not fit its kind, or nothing is there and must be.
    pub(super) async fn find(&self, registry: &Registry, namespace: &str) -> Result<Vec<Value>, Failure> {
        let namespace = self.namespace(registry.resource(), namespace)?;
        let found = match (&self.selector, self.name.as_str()) {
            (None, "") => {
                return Err(Failure::Configuration("one of name or selector must be provided".to_owned()));
            }
            (Some(_), name) if !name.is_empty() => {
                let why = "paramRef.name and paramRef.selector are mutually exclusive";
                return Err(Failure::Configuration(why.to_owned()));
            }
            (None, name) => match registry.key(namespace, name) {
                Ok(_) => {
                    registry.find(namespace, name).await?.map(|stored| stored.object).into_iter().collect()
                }
                // No object has such a name.
                Err(_) => Vec::new(),
            },
            (Some(selector), _) => {
                let selector = selector.as_ref().map_err(|why| Failure::Configuration(why.clone()))?;
                selected(registry, namespace, selector).await?
            }
        };
        if found.is_empty() && self.denies_when_absent {
            let why = "no params found for policy binding with `Deny` parameterNotFoundAction";
            return Err(Failure::Configuration(why.to_owned()));
        }
        Ok(found)
    }

    /// Where the parameters are: as the reference says, or else beside the request's object.
    fn namespace<'a>(&'a self, resource: &Resource, request: &'a str) -> Result<&'a str, Failure> {
        let why = match (resource.namespaced, self.namespace.as_str(), request) {
            (false, "", _) => return Ok(""),
            (false, _, _) => "paramRef.namespace must not be provided for a cluster-scoped `paramKind`",
            (true, "", "") => {
                "cannot use namespaced paramRef in policy binding that matches cluster-scoped resources"
            }
            (true, "", request) => return Ok(request),
            (true, own, _) => return Ok(own),
        };
        Err(Failure::Configuration(why.to_owned()))
    }
}

async fn selected(registry: &Registry, namespace: &str, selector: &Selector) -> Result<Vec<Value>, Failure> {
    let page = registry.store().range(Range::prefix(&registry.prefix(namespace))).await;
    let mut found = Vec::new();
    let page = page.map_err(|error| status(&error))?;
    for entry in registry.converted(page.entries).await? {
        let object = registry.read(&entry)?.object;
        if selector.matches(&object) {
            found.push(object);
        }
    }
    Ok(found)
}
