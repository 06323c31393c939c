//! What OpenAPI v3 has a document for.

use serde_json::{Map, Value, json};

use super::names::{GroupVersionName, META, reference, root};
use super::paths::fixed;
use crate::schema::catalog::Catalog;

/// What a document is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place<'a> {
    /// The resources of a group in one version; the core group is empty.
    GroupVersion { group: &'a str, version: &'a str },
    /// A group, and which versions it has.
    Group(&'a str),
    /// A path that belongs to no group.
    Fixed(&'static Fixed),
}

impl<'a> Place<'a> {
    /// All places.
    pub(super) fn all(catalog: &'a Catalog) -> Vec<Self> {
        let mut places: Vec<Self> = FIXED.iter().map(Self::Fixed).collect();
        for group in catalog.groups() {
            let name = group.name.as_str();
            if !name.is_empty() {
                places.push(Self::Group(name));
            }
            places.extend(
                group
                    .versions
                    .iter()
                    .map(|version| Self::GroupVersion { group: name, version: &version.name }),
            );
        }
        places
    }

    /// The place of a path without its first slash.
    pub(super) fn at(catalog: &'a Catalog, path: &'a str) -> Option<Self> {
        if let Some(fixed) = FIXED.iter().find(|fixed| fixed.path == path) {
            return Some(Self::Fixed(fixed));
        }
        let segments: Vec<&str> = path.split('/').collect();
        let place = match segments.as_slice() {
            ["api", version] => Self::GroupVersion { group: "", version },
            ["apis", group, version] if !group.is_empty() => Self::GroupVersion { group, version },
            ["apis", group] if !group.is_empty() => {
                return catalog
                    .groups()
                    .iter()
                    .any(|known| known.name == *group)
                    .then_some(Self::Group(group));
            }
            _ => return None,
        };
        let Self::GroupVersion { group, version } = place else { return None };
        catalog.version(group, version).map(|_| place)
    }

    /// Its path without the first slash.
    pub(super) fn path(self) -> String {
        match self {
            Self::GroupVersion { group, version } => root(group, version),
            Self::Group(group) => format!("apis/{group}"),
            Self::Fixed(fixed) => fixed.path.to_owned(),
        }
    }

    /// The one path of the document of a group or of a fixed place.
    pub(super) fn paths(self) -> Map<String, Value> {
        let operation = match self {
            Self::GroupVersion { .. } => return Map::new(),
            Self::Group(group) => {
                let name = GroupVersionName { group, version: "" };
                let id = format!("get{}APIGroup", name.id());
                fixed(&name.tag(), "get information of a group", &id, &format!("{META}.APIGroup"))
            }
            Self::Fixed(place) => place.operation(),
        };
        Map::from_iter([(format!("/{}/", self.path()), json!({"get": operation}))])
    }

    /// Whether a kind of options or events belongs here: those of the core group belong everywhere.
    pub(super) fn is_of(self, kind: &Value) -> bool {
        let (group, version) = (kind["group"].as_str(), kind["version"].as_str());
        match self {
            Self::GroupVersion { group: own, version: own_version } => {
                group == Some("") || (group, version) == (Some(own), Some(own_version))
            }
            Self::Group(_) | Self::Fixed(_) => true,
        }
    }
}

/// A path that belongs to no group.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fixed {
    path: &'static str,
    tag: &'static str,
    id: &'static str,
    description: &'static str,
    /// What is answered: a definition, or text of a media type.
    answer: Content,
}

#[derive(Debug, PartialEq, Eq)]
enum Content {
    /// An object of discovery.
    Meta(&'static str),
    /// JSON of a definition, and nothing else.
    Json(&'static str),
    Text(&'static str),
}

impl Fixed {
    fn operation(&self) -> Value {
        let (media_type, schema) = match self.answer {
            Content::Meta(name) => {
                return fixed(self.tag, self.description, self.id, &format!("{META}.{name}"));
            }
            Content::Json(name) => ("application/json", json!({"$ref": reference(name)})),
            Content::Text(media_type) => (media_type, json!({"type": "string"})),
        };
        json!({
            "tags": [self.tag], "description": self.description, "operationId": self.id,
            "responses": {
                "200": {"description": "OK", "content": {media_type: {"schema": schema}}},
                "401": {"description": "Unauthorized"},
            },
        })
    }
}

const FIXED: &[Fixed] = &[
    Fixed {
        path: ".well-known/openid-configuration",
        tag: "WellKnown",
        id: "getServiceAccountIssuerOpenIDConfiguration",
        description: "get service account issuer OpenID configuration, also known as the 'OIDC discovery doc'",
        answer: Content::Text("application/json"),
    },
    Fixed {
        path: "api",
        tag: "core",
        id: "getCoreAPIVersions",
        description: "get available API versions",
        answer: Content::Meta("APIVersions"),
    },
    Fixed {
        path: "apis",
        tag: "apis",
        id: "getAPIVersions",
        description: "get available API versions",
        answer: Content::Meta("APIGroupList"),
    },
    Fixed {
        path: "openid/v1/jwks",
        tag: "openid",
        id: "getServiceAccountIssuerOpenIDKeyset",
        description: "get service account issuer OpenID JSON Web Key Set (contains public token verification keys)",
        answer: Content::Text("application/jwk-set+json"),
    },
    Fixed {
        path: "version",
        tag: "version",
        id: "getCodeVersion",
        description: "get the version information for this server",
        answer: Content::Json("io.k8s.apimachinery.pkg.version.Info"),
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_version_has_a_name_for_operations_and_one_for_tags() {
        let name = GroupVersionName { group: "rbac.authorization.k8s.io", version: "v1" };
        assert_eq!(
            (name.id().as_str(), name.tag().as_str()),
            ("RbacAuthorizationV1", "rbacAuthorization_v1")
        );
        let core = GroupVersionName { group: "", version: "v1" };
        assert_eq!((core.id().as_str(), core.tag().as_str()), ("CoreV1", "core_v1"));
    }

    #[test]
    fn every_place_is_found_by_its_path() {
        let catalog = Catalog::builtin();
        for place in Place::all(catalog) {
            let path = place.path();
            assert_eq!(Place::at(catalog, &path), Some(place));
        }
        for path in ["", "apis/", "apis/nope", "apis/apps/v9", "healthz"] {
            assert_eq!(Place::at(catalog, path), None, "{path}");
        }
    }
}
