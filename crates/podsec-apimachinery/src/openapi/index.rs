//! The index of the documents, and what tells one from another.

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::kubernetes;
use crate::schema::catalog::{Catalog, Resource, Version, api_version};
use crate::schema::document;

/// Where the schemas of custom resources come from: the `openAPIV3Schema` of a resource's version.
pub type CustomSchema<'a> = &'a dyn Fn(&Resource) -> Option<Value>;

/// The [`digest`] of such a schema: an index needs those of all.
pub type CustomDigest<'a> = &'a dyn Fn(&Resource) -> Option<u64>;

/// Tells one schema from another.
pub fn digest(schema: &Value) -> u64 {
    let mut hash = Fnv::default();
    hash.write(schema.to_string().as_bytes());
    hash.0
}

/// `/openapi/v3`: where to find the document of each group version.
pub fn index(catalog: &Catalog, custom: CustomDigest<'_>) -> Value {
    let mut paths = Map::new();
    for group in catalog.groups() {
        for version in &group.versions {
            let url =
                format!("/openapi/v3/{}?hash={}", root(&group.name, &version.name), hash_of(version, custom));
            paths.insert(root(&group.name, &version.name), json!({"serverRelativeURL": url}));
        }
    }
    json!({"paths": paths})
}

/// The hash of a group version's document, which is also its `ETag`. None for an unknown version.
pub fn hash(catalog: &Catalog, group: &str, version: &str, custom: CustomDigest<'_>) -> Option<String> {
    Some(hash_of(catalog.version(group, version)?, custom))
}

/// How long an answer to a request for a document may be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// The URL names no hash: `Cache-Control: no-cache, private`.
    Revalidate,
    /// The URL names this document's hash: `Cache-Control: public, immutable`, and `Expires` in a year.
    Keep,
    /// The URL names another hash: 301 to the URL with the right one.
    Redirect,
}

impl Freshness {
    /// Compares the `hash` of a URL's query with the document's.
    pub fn of(requested: Option<&str>, hash: &str) -> Self {
        match requested {
            None | Some("") => Self::Revalidate,
            Some(requested) if requested == hash => Self::Keep,
            Some(_) => Self::Redirect,
        }
    }
}

/// The path of a group version without its first slash: `api/v1`, `apis/apps/v1`.
pub(super) fn root(group: &str, version: &str) -> String {
    format!("{}/{}", if group.is_empty() { "api" } else { "apis" }, api_version(group, version))
}

/// What a document is made from tells it apart as well as the document itself, which takes longer to make.
pub(super) fn hash_of(version: &Version, custom: CustomDigest<'_>) -> String {
    let mut hash = Fnv::default();
    hash.write(document::checksum());
    for resource in &version.resources {
        hash.write(format!("{resource:?}").as_bytes());
        hash.write(&custom(resource).unwrap_or_default().to_be_bytes());
    }
    format!("{:016X}", hash.0)
}

/// FNV-1a: stable over builds, which std's hashers are not.
pub(super) struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

/// `info` of every document.
#[derive(Serialize)]
pub(super) struct Info {
    title: &'static str,
    version: &'static str,
}

pub(super) const INFO: Info = Info { title: "Kubernetes", version: kubernetes::VERSION };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_leads_to_every_group_version() {
        let catalog = Catalog::builtin();
        let index = index(catalog, &|_| None);
        let hash = hash(catalog, "apps", "v1", &|_| None).unwrap();
        let url = format!("/openapi/v3/apis/apps/v1?hash={hash}");
        assert_eq!(index["paths"]["apis/apps/v1"], json!({"serverRelativeURL": url}));
        assert!(index["paths"]["api/v1"].is_object());
        assert_eq!(index["paths"].as_object().unwrap().len(), 23);
        assert_eq!(super::hash(catalog, "apps", "v9", &|_| None), None);
    }

    #[test]
    fn the_hash_follows_the_schema_of_a_custom_resource() {
        let catalog = Catalog::builtin();
        let hash = |custom: CustomDigest<'_>| hash(catalog, "apps", "v1", custom);
        assert_eq!(hash(&|_| None), hash(&|_| None));
        assert_ne!(hash(&|_| None), hash(&|_| Some(digest(&json!({"type": "object"})))));
    }

    #[test]
    fn only_the_right_hash_may_be_kept() {
        assert_eq!(Freshness::of(None, "A"), Freshness::Revalidate);
        assert_eq!(Freshness::of(Some("A"), "A"), Freshness::Keep);
        assert_eq!(Freshness::of(Some("B"), "A"), Freshness::Redirect);
    }
}
