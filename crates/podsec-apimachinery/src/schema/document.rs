//! The compressed OpenAPI document that the definitions and /openapi are made from.

use std::collections::BTreeMap;
use std::io::Read;

use flate2::read::GzDecoder;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::definitions::GroupVersionKind;

/// The definitions without their descriptions, by name.
pub(super) fn parsed() -> BTreeMap<String, RawSchema> {
    read()
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
}

fn read<T: DeserializeOwned>() -> T {
    let mut text = Vec::new();
    GzDecoder::new(COMPRESSED).read_to_end(&mut text).expect("the tests decompress this constant");
    serde_json::from_slice(&text).expect("the tests parse this constant")
}

/// Written by tools/refresh-openapi.py.
const COMPRESSED: &[u8] = include_bytes!("../../data/openapi.json.gz");
