//! What schemas are called.

use crate::schema::Definitions;

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

pub(super) const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1";
