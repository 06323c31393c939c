//! The metadata of an object: read, and changed.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

/// Reads an object's `metadata`. What is missing or has the wrong type reads as absent.
#[derive(Clone, Copy, Debug)]
pub struct Meta<'a> {
    pub(super) fields: Option<&'a Map<String, Value>>,
}

/// Writes an object's `metadata`, and creates it first where it is missing or of the wrong type.
#[derive(Debug)]
pub struct MetaMut<'a> {
    pub(super) fields: &'a mut Map<String, Value>,
}

/// One of an object's `ownerReferences`; absent texts are empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnerReference<'a> {
    /// Group and version of the owner.
    pub api_version: &'a str,
    /// The owner's kind.
    pub kind: &'a str,
    /// The owner's name.
    pub name: &'a str,
    /// The owner's uid.
    pub uid: &'a str,
    /// Whether it manages the object.
    pub controller: bool,
    /// Whether a foreground deletion of the owner waits for the object.
    pub block_owner_deletion: bool,
}

/// `metav1.ListMeta`: the metadata of a list or a Table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ListMeta {
    /// The revision the list shows.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub resource_version: String,
    /// The token for the rest of the list; empty on the last page.
    #[serde(rename = "continue", skip_serializing_if = "String::is_empty")]
    pub continue_token: String,
    /// How many objects the rest holds, when that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remaining_item_count: Option<u64>,
}

impl<'a> Meta<'a> {
    /// The metadata of `object`.
    pub fn of(object: &'a Value) -> Self {
        Self { fields: object.get("metadata").and_then(Value::as_object) }
    }

    /// `name`; empty when absent.
    pub fn name(self) -> &'a str {
        self.text("name")
    }

    /// `namespace`; empty when absent, as for cluster-scoped objects.
    pub fn namespace(self) -> &'a str {
        self.text("namespace")
    }

    /// `generateName`; empty when absent.
    pub fn generate_name(self) -> &'a str {
        self.text("generateName")
    }

    /// `uid`; empty when absent.
    pub fn uid(self) -> &'a str {
        self.text("uid")
    }

    /// `resourceVersion`; empty when absent.
    pub fn resource_version(self) -> &'a str {
        self.text("resourceVersion")
    }

    /// `generation`; 0 when absent.
    pub fn generation(self) -> i64 {
        self.field("generation").and_then(Value::as_i64).unwrap_or_default()
    }

    /// `creationTimestamp`.
    pub fn creation_timestamp(self) -> Option<Timestamp> {
        self.time("creationTimestamp")
    }

    /// `deletionTimestamp`: when the object is to be gone at the latest.
    pub fn deletion_timestamp(self) -> Option<Timestamp> {
        self.time("deletionTimestamp")
    }

    /// Whether somebody asked for the object's deletion.
    pub fn is_being_deleted(self) -> bool {
        self.field("deletionTimestamp").is_some()
    }

    /// `deletionGracePeriodSeconds`.
    pub fn deletion_grace_period_seconds(self) -> Option<i64> {
        self.field("deletionGracePeriodSeconds").and_then(Value::as_i64)
    }

    /// `labels`.
    pub fn labels(self) -> Option<&'a Map<String, Value>> {
        self.field("labels").and_then(Value::as_object)
    }

    /// The value of one label.
    pub fn label(self, key: &str) -> Option<&'a str> {
        self.labels()?.get(key)?.as_str()
    }

    /// `annotations`.
    pub fn annotations(self) -> Option<&'a Map<String, Value>> {
        self.field("annotations").and_then(Value::as_object)
    }

    /// The value of one annotation.
    pub fn annotation(self, key: &str) -> Option<&'a str> {
        self.annotations()?.get(key)?.as_str()
    }

    /// `finalizers`.
    pub fn finalizers(self) -> impl Iterator<Item = &'a str> {
        self.list("finalizers").filter_map(Value::as_str)
    }

    /// `ownerReferences`.
    pub fn owner_references(self) -> impl Iterator<Item = OwnerReference<'a>> {
        self.list("ownerReferences").map(OwnerReference::of)
    }

    /// The owner that manages the object.
    pub fn controller(self) -> Option<OwnerReference<'a>> {
        self.owner_references().find(|owner| owner.controller)
    }

    /// `managedFields`.
    pub fn managed_fields(self) -> impl Iterator<Item = &'a Value> {
        self.list("managedFields")
    }

    /// Any field, unless it is null.
    pub fn field(self, name: &str) -> Option<&'a Value> {
        self.fields?.get(name).filter(|value| !value.is_null())
    }

    pub(super) fn text(self, name: &str) -> &'a str {
        self.field(name).and_then(Value::as_str).unwrap_or_default()
    }

    pub(super) fn time(self, name: &str) -> Option<Timestamp> {
        self.field(name)?.as_str()?.parse().ok()
    }

    pub(super) fn list(self, name: &str) -> impl Iterator<Item = &'a Value> {
        self.field(name).and_then(Value::as_array).into_iter().flatten()
    }
}

impl<'a> MetaMut<'a> {
    /// The metadata of `object`.
    pub fn of(object: &'a mut Value) -> Self {
        let object = as_object(object);
        Self { fields: as_object(object.entry("metadata").or_insert(Value::Null)) }
    }

    /// Sets `name`; as all texts here, the empty one removes the field.
    pub fn set_name(&mut self, name: &str) {
        self.set_text("name", name);
    }

    /// Sets `namespace`.
    pub fn set_namespace(&mut self, namespace: &str) {
        self.set_text("namespace", namespace);
    }

    /// Sets `uid`.
    pub fn set_uid(&mut self, uid: &str) {
        self.set_text("uid", uid);
    }

    /// Sets `resourceVersion`.
    pub fn set_resource_version(&mut self, version: &str) {
        self.set_text("resourceVersion", version);
    }

    /// Sets `generation`; 0 removes it.
    pub fn set_generation(&mut self, generation: i64) {
        self.set("generation", (generation != 0).then(|| Value::from(generation)));
    }

    /// Sets `creationTimestamp`.
    pub fn set_creation_timestamp(&mut self, time: Option<Timestamp>) {
        self.set("creationTimestamp", time.map(|time| Value::from(time_text(time))));
    }

    /// Sets `deletionTimestamp`.
    pub fn set_deletion_timestamp(&mut self, time: Option<Timestamp>) {
        self.set("deletionTimestamp", time.map(|time| Value::from(time_text(time))));
    }

    /// Sets `deletionGracePeriodSeconds`.
    pub fn set_deletion_grace_period_seconds(&mut self, seconds: Option<i64>) {
        self.set("deletionGracePeriodSeconds", seconds.map(Value::from));
    }

    /// Sets one label.
    pub fn set_label(&mut self, key: &str, value: &str) {
        as_object(self.fields.entry("labels").or_insert(Value::Null))
            .insert(key.to_owned(), Value::from(value));
    }

    /// Sets one annotation.
    pub fn set_annotation(&mut self, key: &str, value: &str) {
        as_object(self.fields.entry("annotations").or_insert(Value::Null))
            .insert(key.to_owned(), Value::from(value));
    }

    /// Sets `finalizers`; an empty list removes them.
    pub fn set_finalizers(&mut self, finalizers: Vec<String>) {
        self.set("finalizers", (!finalizers.is_empty()).then(|| Value::from(finalizers)));
    }

    /// Sets `managedFields`; an empty list removes them.
    pub fn set_managed_fields(&mut self, entries: Vec<Value>) {
        self.set("managedFields", (!entries.is_empty()).then_some(Value::Array(entries)));
    }

    /// Sets any field, or removes it.
    pub fn set(&mut self, name: &str, value: Option<Value>) {
        match value {
            Some(value) => self.fields.insert(name.to_owned(), value),
            None => self.fields.remove(name),
        };
    }

    pub(super) fn set_text(&mut self, name: &str, value: &str) {
        self.set(name, (!value.is_empty()).then(|| Value::from(value)));
    }
}

impl<'a> OwnerReference<'a> {
    pub(super) fn of(reference: &'a Value) -> Self {
        let text = |name: &str| reference.get(name).and_then(Value::as_str).unwrap_or_default();
        let flag = |name: &str| reference.get(name).and_then(Value::as_bool).unwrap_or_default();
        Self {
            api_version: text("apiVersion"),
            kind: text("kind"),
            name: text("name"),
            uid: text("uid"),
            controller: flag("controller"),
            block_owner_deletion: flag("blockOwnerDeletion"),
        }
    }
}

/// `metav1.Time` on the wire: RFC 3339 in UTC, whole seconds.
pub fn time_text(time: Timestamp) -> String {
    // Seconds alone are always in range, as the time was.
    Timestamp::from_second(time.as_second()).unwrap_or(time).to_string()
}

/// The generated name of an object that comes with `generateName`: the prefix, cut to 58 bytes, and five characters
/// of an alphabet without vowels or digits that look like letters. `random` gives the characters.
pub fn generated_name(prefix: &str, mut random: impl FnMut() -> usize) -> String {
    const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    let mut end = prefix.len().min(58);
    while !prefix.is_char_boundary(end) {
        end -= 1;
    }
    let mut name = prefix.get(..end).unwrap_or_default().to_owned();
    name.extend((0..5).filter_map(|_| ALPHABET.get(random() % ALPHABET.len()).copied().map(char::from)));
    name
}

pub(super) fn as_object(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    match value {
        Value::Object(fields) => fields,
        _ => unreachable!("it was just made an object"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn metadata_is_read_with_its_types() {
        let object = json!({"metadata": {
            "name": "p", "namespace": "n", "generateName": "p-", "uid": "u", "resourceVersion": "7", "generation": 2,
            "creationTimestamp": "2026-11-21T20:08:03Z", "deletionTimestamp": null, "labels": {"a": "b"},
            "finalizers": ["x/y"],
            "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "o", "uid": "ou", "controller": true}],
        }});
        let meta = Meta::of(&object);
        assert_eq!((meta.name(), meta.namespace(), meta.generate_name(), meta.uid()), ("p", "n", "p-", "u"));
        assert_eq!((meta.resource_version(), meta.generation()), ("7", 2));
        assert_eq!(meta.creation_timestamp().map(time_text).as_deref(), Some("2026-11-21T20:08:03Z"));
        assert!(!meta.is_being_deleted());
        assert_eq!((meta.label("a"), meta.label("b"), meta.annotation("a")), (Some("b"), None, None));
        assert_eq!(meta.finalizers().collect::<Vec<_>>(), ["x/y"]);
        assert_eq!(meta.controller().map(|owner| owner.uid), Some("ou"));
    }

    #[test]
    fn metadata_of_the_wrong_type_reads_as_absent_and_is_replaced_when_written() {
        for mut object in
            [json!(null), json!([]), json!({}), json!({"metadata": 3}), json!({"metadata": {"name": 1}})]
        {
            let meta = Meta::of(&object);
            assert_eq!((meta.name(), meta.generation(), meta.finalizers().count()), ("", 0, 0));
            let mut meta = MetaMut::of(&mut object);
            meta.set_name("x");
            meta.set_label("a", "b");
            meta.set_uid("");
            assert_eq!(object, json!({"metadata": {"name": "x", "labels": {"a": "b"}}}));
        }
    }

    #[test]
    fn times_are_written_in_whole_seconds() {
        let mut object = json!({});
        let time = "2026-11-21T20:08:03.987Z".parse().unwrap();
        MetaMut::of(&mut object).set_creation_timestamp(Some(time));
        assert_eq!(object, json!({"metadata": {"creationTimestamp": "2026-11-21T20:08:03Z"}}));
    }

    #[test]
    fn generated_names_cut_the_prefix_and_never_a_character() {
        assert_eq!(generated_name("web-", || 0), "web-bbbbb");
        assert_eq!(generated_name(&"é".repeat(40), || 26), format!("{}99999", "é".repeat(29)));
    }
}
