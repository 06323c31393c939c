//! The names that OpenAPI documents use: of schemas, of operations, of themselves.

use serde::Serialize;

use crate::kubernetes;
use crate::schema::Definitions;
use crate::schema::catalog::api_version;

/// `info` of every document.
#[derive(Serialize)]
pub(super) struct Info {
    title: &'static str,
    version: &'static str,
}

pub(super) const INFO: Info = Info { title: "Kubernetes", version: kubernetes::RELEASE };

/// The path of a group version without its first slash: `api/v1`, `apis/apps/v1`.
pub(super) fn root(group: &str, version: &str) -> String {
    format!("{}/{}", if group.is_empty() { "api" } else { "apis" }, api_version(group, version))
}

/// The name of a kind's schema: that of its definition, or for a custom one its reversed group, version and kind.
pub(super) fn schema_name(group: &str, version: &str, kind: &str) -> String {
    if let Some(name) = Definitions::builtin().name_of(group, version, kind) {
        return name.to_owned();
    }
    let mut words: Vec<&str> = group.rsplit('.').collect();
    words.extend([version, kind]);
    words.join(".")
}

pub(super) fn reference(name: &str) -> String {
    format!("#/components/schemas/{name}")
}

/// A group version as the names of operations have it.
#[derive(Clone, Copy)]
pub(super) struct GroupVersionName<'a> {
    pub(super) group: &'a str,
    pub(super) version: &'a str,
}

impl GroupVersionName<'_> {
    /// `RbacAuthorizationV1`.
    pub(super) fn id(self) -> String {
        format!("{}{}", self.group(), capitalized(self.version))
    }

    /// `rbacAuthorization_v1`.
    pub(super) fn tag(self) -> String {
        let group = self.group();
        let mut letters = group.chars();
        let lower: String = letters.next().into_iter().flat_map(char::to_lowercase).chain(letters).collect();
        if self.version.is_empty() { lower } else { format!("{lower}_{}", self.version) }
    }

    fn group(self) -> String {
        let group = if self.group.is_empty() { "core" } else { self.group };
        group.trim_end_matches(".k8s.io").split(['.', '-']).map(capitalized).collect()
    }
}

pub(super) fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

pub(super) const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1";
