//! `metadata.managedFields`: who last set which field, kept at every create, update, patch and apply.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::field_set::FieldSet;
use super::schema::TypeSchema;
use super::typed::{Comparison, compare};
use crate::meta::{Meta, MetaMut, time_text};
use podsec_go::quote::quoted;

/// Who changes an object, and when.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The `fieldManager` of the request, or else the first word of its user agent.
    pub manager: &'a str,
    /// Group and version of the request, as in `apps/v1`.
    pub api_version: &'a str,
    /// The subresource written; empty for the object itself.
    pub subresource: &'a str,
    /// The fields that this request cannot set, as `status` of the object itself; nobody owns them through it.
    pub reset: &'a FieldSet,
    /// The time of the request.
    pub now: Timestamp,
}

/// Brings the managed fields of `new` up to date before it is stored in place of `live`; `None` is a create.
///
/// What changed belongs to the request's manager afterwards, and to nobody else. Without a change nothing happens,
/// the times included. A client may reset all managed fields with `managedFields: [{}]`; when it leaves them out,
/// those of `live` stay.
///
/// Call it on the decoded and defaulted object, before admission and before the kind's own preparation: what those
/// add belongs to nobody.
pub fn track<S: TypeSchema>(live: Option<&Value>, new: &mut Value, schema: &S, request: &Request<'_>) {
    let mut managers = Managers::of_update(live, new, request.subresource);
    MetaMut::of(new).set_managed_fields(Vec::new());
    if live.is_some() && managers.entries.is_empty() {
        // Who has reset the account of an object wants none, until somebody applies.
        return;
    }
    let live = match live {
        Some(live) => without_managed_fields(live),
        None => schema.zero().unwrap_or_else(|| json!({})),
    };
    let changed = compare(&live, new, schema);
    managers.take_over(&changed.without(request.reset), None);
    let set = changed.modified.union(&changed.added).without_below(request.reset).difference(&unowned());
    if !set.is_empty() {
        let entry = managers.entries.entry(Manager::update(request)).or_default();
        request.api_version.clone_into(&mut entry.api_version);
        entry.set = entry.set.union(&set);
        entry.time = Some(request.now);
    }
    managers.cap();
    MetaMut::of(new).set_managed_fields(managers.encode());
}

/// Takes back the new times of managers when neither they nor anything else has changed, so that a write without effect
/// is none.
pub fn keep_times(stored: &Value, new: &mut Value) {
    let timeless = |object: &Value| -> Vec<Value> {
        let mut entries: Vec<Value> = Meta::of(object).managed_fields().cloned().collect();
        for entry in entries.iter_mut().filter_map(Value::as_object_mut) {
            entry.remove("time");
        }
        entries.sort_by_cached_key(ToString::to_string);
        entries
    };
    if timeless(stored) == timeless(new) && without_managed_fields(stored) == without_managed_fields(new) {
        MetaMut::of(new).set_managed_fields(Meta::of(stored).managed_fields().cloned().collect());
    }
}

/// Who owns fields.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Manager {
    name: String,
    operation: Operation,
    /// Empty for appliers, who are the same in all versions.
    api_version: String,
    subresource: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Operation {
    Apply,
    Update,
}

/// The fields a manager owns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) api_version: String,
    pub(super) set: FieldSet,
    pub(super) time: Option<Timestamp>,
}

/// All managers of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Managers {
    pub(super) entries: BTreeMap<Manager, Entry>,
}

impl Manager {
    pub(super) fn apply(request: &Request<'_>) -> Self {
        Self { operation: Operation::Apply, api_version: String::new(), ..Self::update(request) }
    }

    fn update(request: &Request<'_>) -> Self {
        Self {
            name: request.manager.to_owned(),
            operation: Operation::Update,
            api_version: request.api_version.to_owned(),
            subresource: request.subresource.to_owned(),
        }
    }

    /// As conflicts name it: `"m"`, `"m" with subresource "status" using v1`.
    pub(super) fn shown(&self) -> String {
        let mut shown = quoted(&self.name);
        if !self.subresource.is_empty() {
            shown = format!("{shown} with subresource {}", quoted(&self.subresource));
        }
        match self.operation {
            Operation::Apply => shown,
            Operation::Update => format!("{shown} using {}", self.api_version),
        }
    }
}

impl Managers {
    /// Those of an object. `None` when an entry is malformed.
    pub(super) fn decode(object: &Value) -> Option<Self> {
        let mut entries = BTreeMap::new();
        for raw in Meta::of(object).managed_fields() {
            let text = |name: &str| raw.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            let operation = match text("operation").as_str() {
                "Apply" => Operation::Apply,
                "Update" => Operation::Update,
                _ => return None,
            };
            let api_version = text("apiVersion");
            if api_version.is_empty() || text("fieldsType") != "FieldsV1" {
                return None;
            }
            let manager = Manager {
                name: text("manager"),
                operation,
                api_version: if operation == Operation::Apply { String::new() } else { api_version.clone() },
                subresource: text("subresource"),
            };
            let set = raw.get("fieldsV1").map_or_else(|| Some(FieldSet::default()), FieldSet::parse)?;
            entries.insert(manager, Entry { api_version, set, time: text("time").parse().ok() });
        }
        Some(Self { entries })
    }

    /// The one manager of an object of which nobody kept account: whoever made it before the first apply.
    pub(super) fn before_first_apply<S: TypeSchema>(live: &Value, schema: &S, request: &Request<'_>) -> Self {
        let name = "before-first-apply".to_owned();
        let manager = Manager { name, ..Manager::update(request) };
        let empty = schema.zero().unwrap_or_else(|| json!({}));
        let found = compare(&empty, live, schema);
        let set = found.modified.union(&found.added).without_below(request.reset).difference(&unowned());
        let entry = Entry { api_version: request.api_version.to_owned(), set, time: Some(request.now) };
        Self { entries: BTreeMap::from([(manager, entry)]) }
    }

    /// Those that hold before an update: the request's, unless it brings none or writes a subresource.
    fn of_update(live: Option<&Value>, new: &Value, subresource: &str) -> Self {
        let of_live = || live.and_then(Self::decode).unwrap_or_default();
        if !subresource.is_empty() {
            return of_live();
        }
        let given: Vec<&Value> = Meta::of(new).managed_fields().collect();
        if matches!(given.as_slice(), [Value::Object(entry)] if entry.is_empty()) {
            return Self::default();
        }
        Self::decode(new).filter(|managers| !managers.entries.is_empty()).unwrap_or_else(of_live)
    }

    /// What others than `workflow` own of the fields that a change sets.
    pub(super) fn conflicts(
        &self,
        change: &Comparison,
        workflow: Option<&Manager>,
    ) -> Vec<(&Manager, FieldSet)> {
        let set = change.modified.union(&change.added);
        self.entries
            .iter()
            .filter(|(manager, _)| Some(*manager) != workflow)
            .map(|(manager, entry)| (manager, entry.set.intersection(&set)))
            .filter(|(_, conflict)| !conflict.is_empty())
            .collect()
    }

    /// Takes the fields that a change touches from all managers but `workflow`, and drops those left with none.
    pub(super) fn take_over(&mut self, change: &Comparison, workflow: Option<&Manager>) {
        let touched = change.modified.union(&change.added).union(&change.removed);
        for (manager, entry) in &mut self.entries {
            if Some(manager) != workflow {
                entry.set = entry.set.difference(&touched);
            }
        }
        self.entries.retain(|_, entry| !entry.set.is_empty());
    }

    /// Keeps at most ten updaters: the oldest of each version become one, `ancient-changes`.
    pub(super) fn cap(&mut self) {
        let mut updaters: Vec<(Option<i64>, Manager)> = self
            .entries
            .iter()
            .filter(|(manager, _)| manager.operation == Operation::Update)
            .map(|(manager, entry)| (entry.time.map(Timestamp::as_second), manager.clone()))
            .collect();
        updaters.sort();
        let mut excess = updaters.len().saturating_sub(MAX_UPDATERS);
        let mut firsts: BTreeMap<String, Manager> = BTreeMap::new();
        for (_, manager) in updaters {
            if excess == 0 {
                return;
            }
            let version = manager.api_version.clone();
            let Some(first) = firsts.get(&version) else {
                firsts.insert(version, manager);
                continue;
            };
            let bucket = Manager {
                name: "ancient-changes".to_owned(),
                operation: Operation::Update,
                api_version: version,
                subresource: String::new(),
            };
            if !self.entries.contains_key(&bucket)
                && let Some(entry) = self.entries.remove(first)
            {
                self.entries.insert(bucket.clone(), entry);
            }
            if let Some(entry) = self.entries.remove(&manager) {
                let into = self.entries.entry(bucket).or_default();
                into.set = into.set.union(&entry.set);
                into.time = entry.time;
                into.api_version = entry.api_version;
                excess -= 1;
            }
        }
    }

    pub(super) fn encode(&self) -> Vec<Value> {
        let mut entries: Vec<(&Manager, &Entry)> = self.entries.iter().collect();
        entries.sort_by_key(|(manager, entry)| {
            let time = entry.time.map_or(0, Timestamp::as_second);
            (manager.operation, time, &manager.name, &entry.api_version, &manager.subresource)
        });
        entries.into_iter().map(|(manager, entry)| encode(manager, entry)).collect()
    }
}

/// The fields nobody owns: they tell objects apart, or the server sets them.
pub(super) fn unowned() -> FieldSet {
    FieldSet::of(&[
        &["apiVersion"],
        &["kind"],
        &["metadata"],
        &["metadata", "name"],
        &["metadata", "namespace"],
        &["metadata", "creationTimestamp"],
        &["metadata", "selfLink"],
        &["metadata", "uid"],
        &["metadata", "clusterName"],
        &["metadata", "generation"],
        &["metadata", "managedFields"],
        &["metadata", "resourceVersion"],
    ])
}

pub(super) fn without_managed_fields(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
    object
}

fn encode(manager: &Manager, entry: &Entry) -> Value {
    let mut fields = Map::new();
    let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    put("manager", Value::from(manager.name.as_str()));
    put(
        "operation",
        Value::from(match manager.operation {
            Operation::Apply => "Apply",
            Operation::Update => "Update",
        }),
    );
    put("apiVersion", Value::from(entry.api_version.as_str()));
    if let Some(time) = entry.time {
        put("time", Value::from(time_text(time)));
    }
    put("fieldsType", Value::from("FieldsV1"));
    put("fieldsV1", entry.set.to_fields());
    if !manager.subresource.is_empty() {
        put("subresource", Value::from(manager.subresource.as_str()));
    }
    Value::Object(fields)
}

const MAX_UPDATERS: usize = 10;

#[cfg(test)]
mod tests;
