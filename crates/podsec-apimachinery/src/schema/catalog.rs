//! The catalog of served resources: those Kubernetes v1.37 serves as stable, and those added at run time.

use std::cmp::Reverse;
use std::fmt;
use std::sync::{Arc, LazyLock};

use serde::{Deserialize, Serialize};

use crate::status::GroupResource;

/// The resources that a server serves, by group and version, in the order in which discovery lists them: the first
/// group and the first version of a group are the preferred ones.
///
/// Cloning is cheap: resources are shared. A CustomResourceDefinition adds to a clone, which then replaces the
/// original.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalog {
    groups: Vec<Group>,
}

/// An API group; the core group's name is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The group's name, as in `apps`.
    pub name: String,
    /// Its versions, the preferred one first.
    pub versions: Vec<Version>,
}

/// One version of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// The version's name, as in `v1`.
    pub name: String,
    /// Its resources, sorted by plural name.
    pub resources: Vec<Arc<Resource>>,
}

/// One resource in one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// The API group; empty for core.
    pub group: String,
    /// The version, as in `v1`.
    pub version: String,
    /// The kind of an object, as in `Pod`.
    pub kind: String,
    /// The kind of a list of them, as in `PodList`.
    pub list_kind: String,
    /// The plural name, as in `pods`; also the path segment.
    pub resource: String,
    /// The singular name, as in `pod`.
    pub singular: String,
    /// Whether objects live in a namespace.
    pub namespaced: bool,
    /// Names that kubectl takes for the plural, as in `po`.
    pub short_names: Vec<String>,
    /// Names for several resources together, as in `all`.
    pub categories: Vec<String>,
    /// What can be done with it.
    pub verbs: Vec<Verb>,
    /// The version in which it is stored, as a digest; empty for what is not stored, and for custom resources.
    pub storage_version_hash: String,
    /// Its subresources, sorted by name.
    pub subresources: Vec<Subresource>,
}

/// A subresource, as in `pods/status`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subresource {
    /// The last path segment, as in `status`.
    pub name: String,
    /// The API group of what it takes and answers; empty for core.
    pub group: String,
    /// The version of what it takes and answers.
    pub version: String,
    /// The kind of what it takes and answers, as in `Scale`.
    pub kind: String,
    /// What can be done with it.
    pub verbs: Vec<Verb>,
}

/// What a client can do with a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    /// POST to a collection, or to a subresource.
    Create,
    /// DELETE of one object.
    Delete,
    /// DELETE of a collection.
    DeleteCollection,
    /// GET of one object.
    Get,
    /// GET of a collection.
    List,
    /// PATCH.
    Patch,
    /// PUT.
    Update,
    /// GET with `watch`.
    Watch,
}

impl Catalog {
    /// What a v1.37 server serves as stable, in its order.
    pub fn builtin() -> &'static Self {
        &BUILTIN
    }

    /// The resource with this plural name.
    pub fn find(&self, group: &str, version: &str, resource: &str) -> Option<&Arc<Resource>> {
        let resources = &self.version(group, version)?.resources;
        let at = resources.binary_search_by(|candidate| candidate.resource.as_str().cmp(resource)).ok()?;
        resources.get(at)
    }

    /// The resource whose objects are of this kind.
    pub fn by_kind(&self, group: &str, version: &str, kind: &str) -> Option<&Arc<Resource>> {
        self.version(group, version)?.resources.iter().find(|candidate| candidate.kind == kind)
    }

    /// The groups, the preferred one first.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// The group of this name.
    pub fn group(&self, name: &str) -> Option<&Group> {
        self.groups.iter().find(|group| group.name == name)
    }

    /// The version of a group.
    pub fn version(&self, group: &str, version: &str) -> Option<&Version> {
        self.group(group)?.versions.iter().find(|candidate| candidate.name == version)
    }

    /// Every resource, in order.
    pub fn resources(&self) -> impl Iterator<Item = &Arc<Resource>> {
        self.groups.iter().flat_map(|group| &group.versions).flat_map(|version| &version.resources)
    }

    /// Adds a resource, and returns the one of the same name that it replaces.
    ///
    /// A new group stands after the built-in ones, in alphabetical order; a new version stands where Kubernetes' version
    /// priority puts it (`v2`, `v1`, `v1beta1`, `v1alpha1`).
    pub fn insert(&mut self, resource: Resource) -> Option<Arc<Resource>> {
        let builtin = |name: &str| BUILTIN_GROUPS.iter().position(|group| *group == name);
        let rank = |name: &str| (builtin(name).unwrap_or(usize::MAX), name.to_owned());
        let at = self.groups.partition_point(|group| rank(&group.name) < rank(&resource.group));
        if self.groups.get(at).is_none_or(|group| group.name != resource.group) {
            self.groups.insert(at, Group { name: resource.group.clone(), versions: Vec::new() });
        }
        self.groups.get_mut(at)?.insert(resource)
    }

    /// Removes a resource, and the version and group that it leaves empty.
    pub fn remove(&mut self, group: &str, version: &str, resource: &str) -> Option<Arc<Resource>> {
        let group_at = self.groups.iter().position(|candidate| candidate.name == group)?;
        let versions = &mut self.groups.get_mut(group_at)?.versions;
        let version_at = versions.iter().position(|candidate| candidate.name == version)?;
        let resources = &mut versions.get_mut(version_at)?.resources;
        let at = resources.iter().position(|candidate| candidate.resource == resource)?;
        let removed = resources.remove(at);
        if resources.is_empty() {
            versions.remove(version_at);
        }
        if versions.is_empty() {
            self.groups.remove(group_at);
        }
        Some(removed)
    }
}

impl Group {
    fn insert(&mut self, resource: Resource) -> Option<Arc<Resource>> {
        let rank = version_priority(&resource.version);
        let at = self.versions.partition_point(|version| version_priority(&version.name) < rank);
        if self.versions.get(at).is_none_or(|version| version.name != resource.version) {
            self.versions.insert(at, Version { name: resource.version.clone(), resources: Vec::new() });
        }
        let resources = &mut self.versions.get_mut(at)?.resources;
        match resources.binary_search_by(|candidate| candidate.resource.cmp(&resource.resource)) {
            Ok(same) => Some(std::mem::replace(resources.get_mut(same)?, Arc::new(resource))),
            Err(free) => {
                resources.insert(free, Arc::new(resource));
                None
            }
        }
    }
}

impl Resource {
    /// The group and version as objects name them: `v1`, `apps/v1`.
    pub fn api_version(&self) -> String {
        api_version(&self.group, &self.version)
    }

    /// The name that messages use: `pods`, `deployments.apps`.
    pub fn group_resource(&self) -> GroupResource<'_> {
        GroupResource { group: &self.group, resource: &self.resource }
    }

    /// Whether discovery offers this verb.
    pub fn allows(&self, verb: Verb) -> bool {
        self.verbs.contains(&verb)
    }

    /// The subresource of this name.
    pub fn subresource(&self, name: &str) -> Option<&Subresource> {
        self.subresources.iter().find(|candidate| candidate.name == name)
    }
}

impl Verb {
    /// The verb as requests, discovery and RBAC name it: `deletecollection`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Delete => "delete",
            Self::DeleteCollection => "deletecollection",
            Self::Get => "get",
            Self::List => "list",
            Self::Patch => "patch",
            Self::Update => "update",
            Self::Watch => "watch",
        }
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A group and a version as objects name them: `v1`, `apps/v1`.
pub fn api_version(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
}

/// The group and version of an `apiVersion`; the core group is empty. None when there is more than one slash.
pub fn group_version(api_version: &str) -> Option<(&str, &str)> {
    match api_version.split_once('/') {
        None => Some(("", api_version)),
        Some((_, version)) if version.contains('/') => None,
        Some(pair) => Some(pair),
    }
}

/// Sorts versions as Kubernetes prefers them: stable before beta before alpha, newer before older, and after them all
/// those that are not named so, alphabetically.
fn version_priority(version: &str) -> (Reverse<(u8, u32, u32)>, &str) {
    let parsed = || {
        let rest = version.strip_prefix('v')?;
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let major = number(rest.get(..digits)?)?;
        let stage = rest.get(digits..)?;
        if stage.is_empty() {
            return Some((3, major, 0));
        }
        let beta = stage.strip_prefix("beta").map(|minor| (2, minor));
        let (stability, minor) = beta.or_else(|| stage.strip_prefix("alpha").map(|minor| (1, minor)))?;
        Some((stability, major, number(minor)?))
    };
    match parsed() {
        Some(rank) => (Reverse(rank), ""),
        None => (Reverse((0, 0, 0)), version),
    }
}

fn number(digits: &str) -> Option<u32> {
    if digits.starts_with('0') { None } else { digits.parse().ok() }
}

static BUILTIN: LazyLock<Catalog> = LazyLock::new(|| {
    data::parse(include_str!("../../data/catalog.json")).expect("the tests parse this constant")
});

/// The order of the groups on a v1.37 server; data/catalog.json stands in the same order.
const BUILTIN_GROUPS: [&str; 22] = [
    "",
    "apiregistration.k8s.io",
    "apps",
    "events.k8s.io",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "autoscaling",
    "batch",
    "certificates.k8s.io",
    "networking.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "storage.k8s.io",
    "storagemigration.k8s.io",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "scheduling.k8s.io",
    "coordination.k8s.io",
    "node.k8s.io",
    "discovery.k8s.io",
    "resource.k8s.io",
    "flowcontrol.apiserver.k8s.io",
];

/// The shape of data/catalog.json, which leaves out what follows from the kind.
mod data {
    use serde::Deserialize;

    use super::{Catalog, Resource, Subresource, Verb};

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct GroupVersion {
        group: String,
        version: String,
        resources: Vec<Entry>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "camelCase")]
    struct Entry {
        kind: String,
        resource: String,
        singular: Option<String>,
        #[serde(default)]
        cluster: bool,
        #[serde(default)]
        short_names: Vec<String>,
        #[serde(default)]
        categories: Vec<String>,
        #[serde(default)]
        storage_version_hash: String,
        verbs: Option<Vec<Verb>>,
        #[serde(default)]
        subresources: Vec<SubEntry>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct SubEntry {
        name: String,
        group: Option<String>,
        kind: Option<String>,
        verbs: Option<Vec<Verb>>,
    }

    pub(super) fn parse(text: &str) -> serde_json::Result<Catalog> {
        let mut catalog = Catalog::default();
        for GroupVersion { group, version, resources } in serde_json::from_str::<Vec<GroupVersion>>(text)? {
            for entry in resources {
                catalog.insert(entry.resource(&group, &version));
            }
        }
        Ok(catalog)
    }

    impl Entry {
        fn resource(self, group: &str, version: &str) -> Resource {
            let subresources = self
                .subresources
                .into_iter()
                .map(|sub| sub.subresource(group, version, &self.kind))
                .collect();
            Resource {
                group: group.to_owned(),
                version: version.to_owned(),
                list_kind: format!("{}List", self.kind),
                singular: self.singular.unwrap_or_else(|| self.kind.to_lowercase()),
                kind: self.kind,
                resource: self.resource,
                namespaced: !self.cluster,
                short_names: self.short_names,
                categories: self.categories,
                storage_version_hash: self.storage_version_hash,
                verbs: self.verbs.unwrap_or_else(|| OBJECT_VERBS.to_vec()),
                subresources,
            }
        }
    }

    impl SubEntry {
        fn subresource(self, group: &str, version: &str, kind: &str) -> Subresource {
            Subresource {
                name: self.name,
                group: self.group.unwrap_or_else(|| group.to_owned()),
                version: version.to_owned(),
                kind: self.kind.unwrap_or_else(|| kind.to_owned()),
                verbs: self.verbs.unwrap_or_else(|| vec![Verb::Get, Verb::Patch, Verb::Update]),
            }
        }
    }

    const OBJECT_VERBS: [Verb; 8] = [
        Verb::Create,
        Verb::Delete,
        Verb::DeleteCollection,
        Verb::Get,
        Verb::List,
        Verb::Patch,
        Verb::Update,
        Verb::Watch,
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deployments_are_found_by_name_and_by_kind() {
        let catalog = Catalog::builtin();
        let deployments = catalog.find("apps", "v1", "deployments").unwrap();
        assert_eq!(Some(deployments), catalog.by_kind("apps", "v1", "Deployment"));
        assert_eq!(deployments.list_kind, "DeploymentList");
        assert_eq!(deployments.singular, "deployment");
        assert_eq!(deployments.short_names, ["deploy"]);
        assert_eq!(deployments.categories, ["all"]);
        assert_eq!(deployments.api_version(), "apps/v1");
        assert_eq!(deployments.group_resource().to_string(), "deployments.apps");
        assert!(deployments.namespaced && deployments.allows(Verb::DeleteCollection));
        let scale = deployments.subresource("scale").unwrap();
        assert_eq!((scale.group.as_str(), scale.kind.as_str()), ("autoscaling", "Scale"));
        assert_eq!(catalog.find("apps", "v1beta1", "deployments"), None);
        assert_eq!(catalog.find("apps", "v1", "Deployment"), None);
    }

    #[test]
    fn the_groups_stand_in_the_servers_order() {
        let names: Vec<&str> = Catalog::builtin().groups().iter().map(|group| group.name.as_str()).collect();
        assert_eq!(names, BUILTIN_GROUPS);
    }

    #[test]
    fn every_name_of_a_resource_is_its_own() {
        for group in Catalog::builtin().groups() {
            for version in &group.versions {
                let names: Vec<&str> = version.resources.iter().map(|r| r.resource.as_str()).collect();
                assert!(names.is_sorted() && !names.is_empty(), "{}: {names:?}", group.name);
                for resource in &version.resources {
                    assert!(resource.subresources.is_sorted_by_key(|sub| sub.name.as_str()), "{resource:?}");
                    assert!(resource.verbs.is_sorted(), "{resource:?}");
                }
            }
        }
    }

    #[test]
    fn a_custom_resource_comes_and_goes_with_its_group() {
        let mut catalog = Catalog::builtin().clone();
        let pods = Catalog::builtin().find("", "v1", "pods").unwrap();
        let widget = |group: &str, version: &str| Resource {
            group: group.to_owned(),
            version: version.to_owned(),
            resource: "widgets".to_owned(),
            ..Resource::clone(pods)
        };
        let widgets = [("z.example", "v1alpha1"), ("a.example", "v1"), ("z.example", "v2"), ("apps", "v1")];
        for (group, version) in widgets.map(|(group, version)| (group, widget(group, version))) {
            assert_eq!(catalog.insert(version), None, "{group}");
        }
        let names: Vec<&str> = catalog.groups().iter().map(|group| group.name.as_str()).collect();
        assert_eq!(names.get(22..), Some(["a.example", "z.example"].as_slice()));
        let versions: Vec<&str> =
            catalog.group("z.example").unwrap().versions.iter().map(|v| v.name.as_str()).collect();
        assert_eq!(versions, ["v2", "v1alpha1"]);
        assert!(catalog.insert(widget("a.example", "v1")).is_some());
        for (group, version) in widgets {
            assert!(catalog.remove(group, version, "widgets").is_some());
        }
        assert_eq!(&catalog, Catalog::builtin());
    }

    #[test]
    fn versions_are_preferred_as_kubernetes_prefers_them() {
        let mut versions =
            ["foo10", "v1alpha1", "v11beta2", "v10", "v2", "foo1", "v3beta1", "v12alpha1", "v10beta3", "v1"];
        versions.sort_by(|a, b| version_priority(a).cmp(&version_priority(b)));
        assert_eq!(
            versions,
            ["v10", "v2", "v1", "v11beta2", "v10beta3", "v3beta1", "v12alpha1", "v1alpha1", "foo1", "foo10"]
        );
    }
}
