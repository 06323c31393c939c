//! Everything that is served at one moment: the built-in resources and the custom ones.

use std::sync::Arc;

use podsec_apimachinery::schema::catalog::{Catalog, Resource};

use super::CustomResource;

/// A snapshot; a changed definition makes another one.
#[derive(Clone, Debug)]
pub struct Served {
    /// All resources.
    pub catalog: Catalog,
    /// The custom ones, sorted by group, version and plural.
    custom: Vec<Arc<CustomResource>>,
}

impl Served {
    /// The built-in resources alone.
    pub fn builtin() -> Self {
        Self::of(Catalog::builtin().clone())
    }

    /// These resources alone, none of them custom.
    pub fn of(catalog: Catalog) -> Self {
        Self { catalog, custom: Vec::new() }
    }

    /// What is particular to a custom resource; `None` for a built-in one.
    pub fn custom(&self, resource: &Resource) -> Option<&Arc<CustomResource>> {
        let at = self.custom.binary_search_by(|custom| key(&custom.resource).cmp(&key(resource))).ok()?;
        self.custom.get(at)
    }

    /// The same with these versions of `plural` in `group`, and no others.
    #[must_use]
    pub fn with(&self, group: &str, plural: &str, versions: &[Arc<CustomResource>]) -> Self {
        let mut served = self.clone();
        let Self { catalog, custom } = &mut served;
        custom.retain(|custom| {
            let resource = &custom.resource;
            let other = (resource.group.as_str(), resource.resource.as_str()) != (group, plural);
            if !other {
                catalog.remove(group, &resource.version, plural);
            }
            other
        });
        for version in versions {
            served.catalog.insert(version.resource.clone());
            let at = served.custom.partition_point(|custom| key(&custom.resource) < key(&version.resource));
            served.custom.insert(at, Arc::clone(version));
        }
        served
    }

    /// Group and plural of every definition that is served, some of them repeatedly.
    pub fn definitions(&self) -> impl Iterator<Item = (&str, &str)> {
        self.custom.iter().map(|custom| (custom.resource.group.as_str(), custom.resource.resource.as_str()))
    }
}

fn key(resource: &Resource) -> (&str, &str, &str) {
    (&resource.group, &resource.version, &resource.resource)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::custom::of_definition;

    fn definition(versions: &[&str]) -> Value {
        let schema = json!({"openAPIV3Schema": {"type": "object"}});
        let versions: Vec<Value> = versions
            .iter()
            .map(|name| json!({"name": name, "served": true, "storage": true, "schema": schema}))
            .collect();
        let names = json!({"plural": "widgets", "kind": "Widget", "listKind": "WidgetList"});
        json!({
            "spec": {"group": "example.com", "names": names, "versions": versions},
            "status": {"acceptedNames": names},
        })
    }

    #[test]
    fn a_changed_definition_replaces_all_its_versions() {
        let two =
            Served::builtin().with("example.com", "widgets", &of_definition(&definition(&["v1", "v2"])));
        assert_eq!(two.definitions().count(), 2);
        let v2 = two.catalog.find("example.com", "v2", "widgets").unwrap();
        assert_eq!(two.custom(v2).unwrap().resource, **v2);
        let one = two.with("example.com", "widgets", &of_definition(&definition(&["v1"])));
        assert!(one.catalog.find("example.com", "v2", "widgets").is_none() && one.custom(v2).is_none());
        let none = one.with("example.com", "widgets", &[]);
        assert_eq!(none.catalog, *Catalog::builtin());
    }

    #[test]
    fn kubernetes_own_versions_are_not_replaced() {
        let mut definition = definition(&["v1"]);
        definition["spec"]["group"] = "apps".into();
        assert!(of_definition(&definition).is_empty());
    }
}
