//! Server-side apply: an object is brought to what its appliers want, field by field, each field with its owners.

use serde_json::Value;

use super::field_set::{FieldPath, FieldSet};
use super::managed_fields::{Entry, Manager, Managers, Request, unowned, without_managed_fields};
use super::schema::TypeSchema;
use super::typed::{self, Emptied};
use crate::Status;
use crate::meta::{Meta, MetaMut};
use crate::schema::ConvertError;
use crate::status::{Details, StatusCause};

/// Why a configuration cannot be applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The configuration says what only the server may say, or is in another version than the request.
    #[error("{0}")]
    Refuse(String),
    /// The configuration does not fit the kind's type.
    #[error("failed to create typed patch object ({object}): {why}")]
    Misfit {
        /// Namespace, name and kind of the configuration.
        object: String,
        /// What does not fit.
        why: String,
    },
    /// What the configuration makes of the object does not fit the kind's type.
    #[error(
        "failed to convert new object ({object}) to proper version: unable to convert unstructured object to {kind}: {why}"
    )]
    Unconvertible {
        /// Namespace, name and kind of the configuration.
        object: String,
        /// Group, version and kind of the request.
        kind: String,
        /// What does not fit.
        why: ConvertError,
    },
    /// The stored managed fields are malformed.
    #[error("failed to decode managed fields")]
    UndecodableManagedFields,
    /// Others own fields that would change.
    #[error("{}", conflict_words(.0))]
    Conflict(Vec<Conflict>),
}

/// A field that somebody else owns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The owner, in the words of the message: `"kubectl"`.
    pub manager: String,
    /// The field.
    pub path: FieldPath,
}

impl Error {
    /// The answer kube-apiserver gives: 400, 500 or 409 with one cause for each field.
    pub fn status(&self) -> Status {
        match self {
            Self::Refuse(why) => Status::bad_request(why.clone()),
            Self::Misfit { .. } | Self::Unconvertible { .. } | Self::UndecodableManagedFields => {
                Status::failure(500, "", self.to_string())
            }
            Self::Conflict(conflicts) => {
                let causes = conflicts.iter().map(|conflict| StatusCause {
                    reason: "FieldManagerConflict".to_owned(),
                    message: format!("conflict with {}", conflict.manager),
                    field: conflict.path.to_string(),
                });
                let details = Details { causes: causes.collect(), ..Details::default() };
                Status { details: Some(details), ..Status::failure(409, "Conflict", self.to_string()) }
            }
        }
    }
}

/// Applies `config`, a whole or partial object of kind `kind`, to `live`; `None` creates.
///
/// Fields of `config` are set and owned by the request's manager; fields that manager applied before and no longer
/// does are removed, unless somebody else owns them. `force` takes fields from their owners. The result's managed
/// fields are up to date; when the object does not change otherwise, their times stay.
///
/// # Errors
/// See [`Error`].
pub fn apply<S: TypeSchema>(
    live: Option<&Value>,
    config: &Value,
    kind: &str,
    schema: &S,
    request: &Request<'_>,
    force: bool,
) -> Result<Value, Error> {
    check(config, kind, schema, request)?;
    let empty = Value::Object(serde_json::Map::new());
    let stored = live.unwrap_or(&empty);
    let mut managers = Managers::decode(stored).ok_or(Error::UndecodableManagedFields)?;
    let bare = without_managed_fields(stored);
    if live.is_some() && managers.entries.is_empty() {
        // Nobody has kept account so far: what is there belongs to somebody of the time before.
        managers = Managers::before_first_apply(&bare, schema, request);
    }

    let attempt = Attempt { live: &bare, config, schema, request };
    let (mut object, mut managers) = match attempt.run(managers.clone(), force) {
        // Fields that the same kubectl applied on the client's side before are its own.
        Err(conflicts) if request.manager == KUBECTL => {
            let own = last_applied_fields(&bare, schema);
            let others = without_fields(conflicts, &own);
            if !others.is_empty() {
                return Err(Error::Conflict(shown(&others)));
            }
            attempt.run(managers, true).map_err(|conflicts| Error::Conflict(shown(&conflicts)))?
        }
        other => other.map_err(|conflicts| Error::Conflict(shown(&conflicts)))?,
    };
    let kind_text = kind_text(request.api_version, kind);
    object = schema.converted(object).map_err(|why| {
        let meta = Meta::of(config);
        let object = format!("{}/{}; {kind_text}", meta.namespace(), meta.name());
        Error::Unconvertible { object, kind: kind_text.clone(), why }
    })?;
    if request.manager == KUBECTL && Meta::of(&object).annotation(LAST_APPLIED).is_some() {
        MetaMut::of(&mut object).set_annotation(LAST_APPLIED, &last_applied(config));
    }
    if (live.is_none() || object != bare)
        && let Some(entry) = managers.entries.get_mut(&Manager::apply(request))
    {
        entry.time = Some(request.now);
    }
    managers.cap();
    MetaMut::of(&mut object).set_managed_fields(managers.encode());
    Ok(object)
}

/// What kubectl notes of a configuration: all of it but the note itself.
fn last_applied(config: &Value) -> String {
    let mut config = config.clone();
    if let Some(annotations) = config.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
        annotations.remove(LAST_APPLIED);
    }
    format!("{config}\n")
}

fn check<S: TypeSchema>(config: &Value, kind: &str, schema: &S, request: &Request<'_>) -> Result<(), Error> {
    let text = |name: &str| config.get(name).and_then(Value::as_str).unwrap_or_default();
    let type_name = kind_text(text("apiVersion"), text("kind"));
    if text("apiVersion") != request.api_version || text("kind") != kind {
        return Err(Error::Refuse(format!("invalid object type: {type_name}")));
    }
    let meta = Meta::of(config);
    if meta.field("managedFields").is_some() {
        return Err(Error::Refuse("metadata.managedFields must be nil".to_owned()));
    }
    typed::validate(config, schema).map_err(|why| Error::Misfit {
        object: format!("{}/{}; {type_name}", meta.namespace(), meta.name()),
        why,
    })
}

/// Group, version and kind as Go prints them: `apps/v1, Kind=Deployment`, `/v1, Kind=Pod`.
fn kind_text(api_version: &str, kind: &str) -> String {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    format!("{group}/{version}, Kind={kind}")
}

type Conflicts = Vec<(Manager, FieldSet)>;

/// One configuration on its way into one object.
struct Attempt<'a, S> {
    live: &'a Value,
    config: &'a Value,
    schema: &'a S,
    request: &'a Request<'a>,
}

impl<S: TypeSchema> Attempt<'_, S> {
    fn run(&self, mut managers: Managers, force: bool) -> Result<(Value, Managers), Conflicts> {
        let Self { live, config, schema, request } = *self;
        let applier = Manager::apply(request);
        let merged = typed::merge(live, config, schema);
        let set = typed::field_set(config, schema).without_below(request.reset);
        let last = managers.entries.remove(&applier);
        let entry = Entry {
            api_version: request.api_version.to_owned(),
            set,
            time: last.as_ref().and_then(|last| last.time),
        };
        managers.entries.insert(applier.clone(), entry);
        let mut object = match &last {
            Some(last) if !last.set.is_empty() => prune(&merged, &last.set, &managers, schema),
            _ => merged,
        };
        // A configuration may spell out that it does not know the time of creation.
        let created = live.pointer("/metadata/creationTimestamp");
        if let Some(time) = object.pointer_mut("/metadata/creationTimestamp")
            && time.is_null()
            && let Some(created) = created
        {
            *time = created.clone();
        }
        let change = typed::compare(live, &object, schema).without(request.reset);
        if !force {
            let conflicts = managers.conflicts(&change, Some(&applier));
            if !conflicts.is_empty() {
                return Err(conflicts.into_iter().map(|(manager, set)| (manager.clone(), set)).collect());
            }
        }
        managers.take_over(&change, Some(&applier));
        if let Some(entry) = managers.entries.get_mut(&applier) {
            entry.set = entry.set.difference(&unowned());
        }
        managers.entries.retain(|_, entry| !entry.set.is_empty());
        Ok((object, managers))
    }
}

/// Removes from `merged` what the applier applied last time, except for what somebody, the applier included, owns
/// now, and except for what was never the applier's.
fn prune<S: TypeSchema>(merged: &Value, last: &FieldSet, managers: &Managers, schema: &S) -> Value {
    let structs = |set: &FieldSet| typed::with_structs(set, schema);
    let fields = |value: &Value| structs(&typed::field_set(value, schema));
    let last = structs(last);
    let all = fields(merged);

    let pruned = typed::remove(merged, &last, schema, Emptied::Null);
    let owned = managers.entries.values().fold(FieldSet::default(), |owned, entry| owned.union(&entry.set));
    let kept = fields(&pruned).union(&structs(&owned));
    let pruned = typed::remove(merged, &all.difference(&kept), schema, Emptied::Null);
    typed::remove(merged, &all.difference(&fields(&pruned)).intersection(&last), schema, Emptied::Drop)
}

/// The fields of the last client-side apply that still are what it set.
fn last_applied_fields<S: TypeSchema>(live: &Value, schema: &S) -> FieldSet {
    let Some(text) = Meta::of(live).annotation(LAST_APPLIED) else { return FieldSet::default() };
    let Ok(last) = serde_json::from_str::<Value>(text) else { return FieldSet::default() };
    if typed::validate(&last, schema).is_err() {
        return FieldSet::default();
    }
    let change = typed::compare(&last, live, schema);
    typed::field_set(&last, schema)
        .difference(&change.modified)
        .difference(&change.added)
        .difference(&change.removed)
}

fn without_fields(conflicts: Conflicts, own: &FieldSet) -> Conflicts {
    conflicts
        .into_iter()
        .map(|(manager, set)| (manager, set.difference(own)))
        .filter(|(_, set)| !set.is_empty())
        .collect()
}

fn shown(conflicts: &Conflicts) -> Vec<Conflict> {
    conflicts
        .iter()
        .flat_map(|(manager, set)| {
            set.paths().into_iter().map(|path| Conflict { manager: manager.shown(), path })
        })
        .collect()
}

fn conflict_words(conflicts: &[Conflict]) -> String {
    if let [Conflict { manager, path }] = conflicts {
        return format!("Apply failed with 1 conflict: conflict with {manager}: {path}");
    }
    let mut managers: Vec<&str> = conflicts.iter().map(|conflict| conflict.manager.as_str()).collect();
    managers.sort_unstable();
    managers.dedup();
    let mut lines = Vec::new();
    for manager in managers {
        lines.push(format!("conflicts with {manager}:"));
        lines.extend(
            conflicts
                .iter()
                .filter(|conflict| conflict.manager == manager)
                .map(|conflict| format!("- {}", conflict.path)),
        );
    }
    format!("Apply failed with {} conflicts: {}", conflicts.len(), lines.join("\n"))
}

/// The manager that kubectl uses for both kinds of apply.
const KUBECTL: &str = "kubectl";

/// Where `kubectl apply` on the client's side keeps its configuration.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

#[cfg(test)]
mod tests;
