//! Where the documents are, and what tells one from another.

use serde_json::{Map, Value, json};

use crate::schema::catalog::{Catalog, Resource};
use crate::schema::document as definitions;

use super::place::Place;
use super::v3::{self, CustomSchema};

/// The [`digest`] of such a schema: an index needs those of all.
pub type CustomDigest<'a> = &'a dyn Fn(&Resource) -> Option<u64>;

/// Tells one schema from another.
pub fn digest(schema: &Value) -> u64 {
    let mut hash = Fnv::default();
    hash.write(schema.to_string().as_bytes());
    hash.0
}

/// `/openapi/v3`: where to find each document.
pub fn index(catalog: &Catalog, custom: CustomDigest<'_>) -> Value {
    let mut paths = Map::new();
    for place in Place::all(catalog) {
        let path = place.path();
        let url = format!("/openapi/v3/{path}?hash={}", hash_of(catalog, place, custom));
        paths.insert(path, json!({"serverRelativeURL": url}));
    }
    json!({"paths": paths})
}

/// The hash of the document at a path, as `apis/apps/v1`, which is also its `ETag`. None for an unknown path.
pub fn hash(catalog: &Catalog, path: &str, custom: CustomDigest<'_>) -> Option<String> {
    Some(hash_of(catalog, Place::at(catalog, path)?, custom))
}

/// The document at a path, as `apis/apps/v1`: what can be asked there, and all schemas that this and each other refer to.
/// None for an unknown path.
pub fn document(catalog: &Catalog, path: &str, custom: CustomSchema<'_>) -> Option<Value> {
    v3::document(catalog, Place::at(catalog, path)?, custom)
}

/// Whether a document stays as it is, because no CustomResourceDefinition has a part in it.
pub fn is_builtin(path: &str) -> bool {
    Place::at(Catalog::builtin(), path).is_some()
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

/// What a document is made from tells it apart as well as the document itself, which takes longer to make.
fn hash_of(catalog: &Catalog, place: Place<'_>, custom: CustomDigest<'_>) -> String {
    let mut hash = Fnv::default();
    hash.write(definitions::checksum());
    hash.write(place.path().as_bytes());
    if let Place::GroupVersion { group, version } = place {
        for resource in catalog.version(group, version).into_iter().flat_map(|version| &version.resources) {
            hash.write(format!("{resource:?}").as_bytes());
            hash.write(&custom(resource).unwrap_or_default().to_be_bytes());
        }
    }
    format!("{:016X}", hash.0)
}

/// FNV-1a: stable over builds, which std's hashers are not.
struct Fnv(u64);

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_leads_to_every_group_version() {
        let catalog = Catalog::builtin();
        let index = index(catalog, &|_| None);
        let hash = hash(catalog, "apis/apps/v1", &|_| None).unwrap();
        let url = format!("/openapi/v3/apis/apps/v1?hash={hash}");
        assert_eq!(index["paths"]["apis/apps/v1"], json!({"serverRelativeURL": url}));
        assert!(index["paths"]["api/v1"].is_object());
        for path in
            [".well-known/openid-configuration", "api", "apis", "apis/apps", "openid/v1/jwks", "version"]
        {
            assert!(index["paths"][path].is_object(), "{path}");
        }
        assert_eq!(super::hash(catalog, "apis/apps/v9", &|_| None), None);
    }

    #[test]
    fn the_hash_follows_the_schema_of_a_custom_resource() {
        let catalog = Catalog::builtin();
        let hash = |custom: CustomDigest<'_>| hash(catalog, "apis/apps/v1", custom);
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
