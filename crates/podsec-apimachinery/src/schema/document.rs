//! The compressed OpenAPI document that the definitions and /openapi are made from.

use std::collections::{BTreeMap, HashMap};
use std::io::Read;

use flate2::read::GzDecoder;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

/// The definitions without their descriptions, by name.
pub(super) fn parsed() -> BTreeMap<String, RawSchema> {
    read()
}

/// The definitions of these names, and all that they refer to.
pub(super) fn parsed_below(names: &[&str]) -> BTreeMap<String, RawSchema> {
    let text = text();
    let all: HashMap<&str, &RawValue> = serde_json::from_slice(&text).expect("the tests parse this constant");
    let mut found = BTreeMap::new();
    let mut waiting: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    while let Some(name) = waiting.pop() {
        let Some(published) = all.get(&*name).filter(|_| !found.contains_key(&name)) else { continue };
        let schema: RawSchema = serde_json::from_str(published.get()).expect("the tests parse this constant");
        schema.push_references(&mut waiting);
        found.insert(name, schema);
    }
    found
}

/// The definitions as published, by name, each as JSON text.
pub(crate) fn published() -> BTreeMap<String, Box<RawValue>> {
    read()
}

/// Tells one set of definitions from another: the checksum and the length of their text.
pub(crate) fn checksum() -> &'static [u8] {
    COMPRESSED.last_chunk::<8>().map_or(COMPRESSED, <[u8; 8]>::as_slice)
}

/// Go types by definition and field.
pub(super) type GoTypes = BTreeMap<String, BTreeMap<String, String>>;

/// The Go types that the definitions do not tell.
pub(super) fn go_types() -> GoTypes {
    serde_json::from_str(include_str!("../../data/go-types.json")).expect("the tests parse this constant")
}

/// A kind in a version of a group; the core group is empty.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Deserialize)]
pub(crate) struct GroupVersionKind {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) kind: String,
}

/// A schema of OpenAPI v2, as far as decoding and merging need it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RawSchema {
    #[serde(rename = "$ref")]
    target: Option<String>,
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    pub(super) format: Option<String>,
    pub(super) items: Option<Box<RawSchema>>,
    pub(super) additional_properties: Option<Box<RawSchema>>,
    #[serde(default)]
    pub(super) properties: BTreeMap<String, RawSchema>,
    #[serde(default, rename = "x-kubernetes-group-version-kind")]
    pub(super) kinds: Vec<GroupVersionKind>,
    #[serde(rename = "x-kubernetes-list-type")]
    pub(super) list_type: Option<String>,
    #[serde(default, rename = "x-kubernetes-list-map-keys")]
    pub(super) list_map_keys: Vec<String>,
    #[serde(rename = "x-kubernetes-map-type")]
    pub(super) map_type: Option<String>,
    #[serde(rename = "x-kubernetes-patch-strategy")]
    pub(super) patch_strategy: Option<String>,
    #[serde(rename = "x-kubernetes-patch-merge-key")]
    pub(super) patch_merge_key: Option<String>,
}

impl RawSchema {
    /// The name of the definition that a `$ref` points to.
    pub(super) fn reference(&self) -> Option<&str> {
        self.target.as_deref()?.strip_prefix("#/definitions/")
    }

    /// Appends the names of the definitions that it refers to.
    fn push_references(&self, names: &mut Vec<String>) {
        names.extend(self.reference().map(str::to_owned));
        let inner = [&self.items, &self.additional_properties].into_iter().flatten().map(|inner| &**inner);
        inner.chain(self.properties.values()).for_each(|schema| schema.push_references(names));
    }
}

fn read<T: DeserializeOwned>() -> T {
    serde_json::from_slice(&text()).expect("the tests parse this constant")
}

fn text() -> Vec<u8> {
    // Gzip ends with the length of what it holds.
    let length = COMPRESSED.last_chunk().map_or(0, |length| u32::from_le_bytes(*length));
    let mut text = Vec::with_capacity(length as usize + 1);
    GzDecoder::new(COMPRESSED).read_to_end(&mut text).expect("the tests decompress this constant");
    text
}

/// Written by tools/refresh-openapi.py.
const COMPRESSED: &[u8] = include_bytes!("../../data/openapi.json.gz");
