//! Discovery: how a server tells which resources it serves, plainly and aggregated.

use serde::Serialize;

use crate::schema::catalog::{Catalog, Group, Resource, Subresource, Verb, Version, api_version};

/// The content type of the aggregated documents; clients understand them under no other.
pub const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// Which form of discovery a client asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// [`aggregated_core`] and [`aggregated_groups`], under [`AGGREGATED`].
    Aggregated,
    /// [`api_versions`] and [`api_group_list`], under `application/json`.
    Plain,
}

impl Form {
    /// Takes the first clause of an `Accept` header that can be met; without one it is plain. None is 406.
    pub fn negotiate(accept: &str) -> Option<Self> {
        if accept.trim().is_empty() {
            return Some(Self::Plain);
        }
        accept.split(',').find_map(|clause| {
            let mut words = clause.split(';').map(str::trim);
            let media_type = words.next()?;
            let (mut kind, mut group, mut version) = ("", "", "");
            for word in words {
                match word.split_once('=') {
                    Some(("as", value)) => kind = value,
                    Some(("g", value)) => group = value,
                    Some(("v", value)) => version = value,
                    _ => {}
                }
            }
            match (media_type, kind) {
                ("application/json" | "application/*" | "*/*", "") => Some(Self::Plain),
                ("application/json", "APIGroupDiscoveryList")
                    if group == "apidiscovery.k8s.io" && version == "v2" =>
                {
                    Some(Self::Aggregated)
                }
                _ => None,
            }
        })
    }
}

/// `GET /api`: `metav1.APIVersions`.
///
/// `server_address` is what clients in the server's network may call it by, as in `127.0.0.1:6443`.
pub fn api_versions<'a>(catalog: &'a Catalog, server_address: &'a str) -> ApiVersions<'a> {
    let versions = catalog.group("").map(|core| core.versions.iter().map(|v| v.name.as_str()).collect());
    ApiVersions {
        kind: "APIVersions",
        versions: versions.unwrap_or_default(),
        server_address_by_client_cidrs: [ServerAddress { client_cidr: "0.0.0.0/0", server_address }],
    }
}

/// `GET /apis`: `metav1.APIGroupList`, of all groups but core.
pub fn api_group_list(catalog: &Catalog) -> ApiGroupList<'_> {
    let named = catalog.groups().iter().filter(|group| !group.name.is_empty());
    ApiGroupList { kind: "APIGroupList", api_version: "v1", groups: named.map(GroupVersions::of).collect() }
}

/// `GET /apis/GROUP`: `metav1.APIGroup`. None for an unknown group, and for core, which has no such path.
pub fn api_group<'a>(catalog: &'a Catalog, group: &str) -> Option<ApiGroup<'a>> {
    let group = catalog.group(group).filter(|group| !group.name.is_empty())?;
    Some(ApiGroup { kind: "APIGroup", api_version: "v1", group: GroupVersions::of(group) })
}

/// `GET /api/v1` and `GET /apis/GROUP/VERSION`: `metav1.APIResourceList`. None for an unknown version.
pub fn api_resource_list<'a>(
    catalog: &'a Catalog,
    group: &str,
    version: &str,
) -> Option<ApiResourceList<'a>> {
    let resources = &catalog.version(group, version)?.resources;
    Some(ApiResourceList {
        kind: "APIResourceList",
        api_version: if group.is_empty() { "" } else { "v1" },
        group_version: api_version(group, version),
        resources: resources.iter().flat_map(|resource| ApiResource::of(resource)).collect(),
    })
}

/// `GET /api`, aggregated: everything about the core group.
pub fn aggregated_core(catalog: &Catalog) -> AggregatedList<'_> {
    AggregatedList::of(catalog.groups().iter().filter(|group| group.name.is_empty()))
}

/// `GET /apis`, aggregated: everything about all other groups.
pub fn aggregated_groups(catalog: &Catalog) -> AggregatedList<'_> {
    AggregatedList::of(catalog.groups().iter().filter(|group| !group.name.is_empty()))
}

/// `metav1.APIVersions`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiVersions<'a> {
    kind: &'static str,
    versions: Vec<&'a str>,
    #[serde(rename = "serverAddressByClientCIDRs")]
    server_address_by_client_cidrs: [ServerAddress<'a>; 1],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ServerAddress<'a> {
    #[serde(rename = "clientCIDR")]
    client_cidr: &'static str,
    server_address: &'a str,
}

/// `metav1.APIGroupList`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiGroupList<'a> {
    kind: &'static str,
    api_version: &'static str,
    groups: Vec<GroupVersions<'a>>,
}

/// `metav1.APIGroup`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiGroup<'a> {
    kind: &'static str,
    api_version: &'static str,
    #[serde(flatten)]
    group: GroupVersions<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct GroupVersions<'a> {
    name: &'a str,
    versions: Vec<GroupVersion<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    preferred_version: Option<GroupVersion<'a>>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct GroupVersion<'a> {
    group_version: String,
    version: &'a str,
}

impl<'a> GroupVersions<'a> {
    fn of(group: &'a Group) -> Self {
        let version = |version: &'a Version| GroupVersion {
            group_version: api_version(&group.name, &version.name),
            version: &version.name,
        };
        let versions: Vec<GroupVersion<'a>> = group.versions.iter().map(version).collect();
        Self { name: &group.name, preferred_version: versions.first().cloned(), versions }
    }
}

/// `metav1.APIResourceList`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiResourceList<'a> {
    kind: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    api_version: &'static str,
    group_version: String,
    resources: Vec<ApiResource<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ApiResource<'a> {
    name: String,
    singular_name: &'a str,
    namespaced: bool,
    #[serde(skip_serializing_if = "str::is_empty")]
    group: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    version: &'a str,
    kind: &'a str,
    verbs: &'a [Verb],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    short_names: &'a [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    categories: &'a [String],
    #[serde(skip_serializing_if = "str::is_empty")]
    storage_version_hash: &'a str,
}

impl<'a> ApiResource<'a> {
    /// The resource and its subresources, which the list puts side by side.
    fn of(resource: &'a Resource) -> impl Iterator<Item = Self> {
        let itself = Self {
            name: resource.resource.clone(),
            singular_name: &resource.singular,
            namespaced: resource.namespaced,
            group: "",
            version: "",
            kind: &resource.kind,
            verbs: &resource.verbs,
            short_names: &resource.short_names,
            categories: &resource.categories,
            storage_version_hash: &resource.storage_version_hash,
        };
        let subresource = move |sub: &'a Subresource| {
            let own = sub.group == resource.group && sub.version == resource.version;
            Self {
                name: format!("{}/{}", resource.resource, sub.name),
                singular_name: "",
                namespaced: resource.namespaced,
                group: if own { "" } else { &sub.group },
                version: if own { "" } else { &sub.version },
                kind: &sub.kind,
                verbs: &sub.verbs,
                short_names: &[],
                categories: &[],
                storage_version_hash: "",
            }
        };
        std::iter::once(itself).chain(resource.subresources.iter().map(subresource))
    }
}

/// `apidiscovery.k8s.io/v2` `APIGroupDiscoveryList`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AggregatedList<'a> {
    kind: &'static str,
    api_version: &'static str,
    metadata: Metadata<'static>,
    items: Vec<AggregatedGroup<'a>>,
}

#[derive(Debug, Serialize)]
struct AggregatedGroup<'a> {
    metadata: Metadata<'a>,
    versions: Vec<AggregatedVersion<'a>>,
}

#[derive(Debug, Serialize)]
struct Metadata<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'a str,
}

#[derive(Debug, Serialize)]
struct AggregatedVersion<'a> {
    version: &'a str,
    freshness: &'static str,
    resources: Vec<AggregatedResource<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct AggregatedResource<'a> {
    resource: &'a str,
    response_kind: ResponseKind<'a>,
    scope: &'static str,
    singular_resource: &'a str,
    verbs: &'a [Verb],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    short_names: &'a [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    categories: &'a [String],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    subresources: Vec<AggregatedSubresource<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct AggregatedSubresource<'a> {
    subresource: &'a str,
    response_kind: ResponseKind<'a>,
    verbs: &'a [Verb],
}

#[derive(Debug, Serialize)]
struct ResponseKind<'a> {
    group: &'a str,
    version: &'a str,
    kind: &'a str,
}

impl<'a> ResponseKind<'a> {
    /// Group and version are told where they are not those of the resource.
    fn of(sub: &'a Subresource, resource: &Resource) -> Self {
        let own = sub.group == resource.group && sub.version == resource.version;
        let (group, version) = if own { ("", "") } else { (sub.group.as_str(), sub.version.as_str()) };
        Self { group, version, kind: &sub.kind }
    }
}

impl<'a> AggregatedList<'a> {
    fn of(groups: impl Iterator<Item = &'a Group>) -> Self {
        let group = |group: &'a Group| AggregatedGroup {
            metadata: Metadata { name: &group.name },
            versions: group.versions.iter().map(AggregatedVersion::of).collect(),
        };
        Self {
            kind: "APIGroupDiscoveryList",
            api_version: "apidiscovery.k8s.io/v2",
            metadata: Metadata { name: "" },
            items: groups.map(group).collect(),
        }
    }
}

impl<'a> AggregatedVersion<'a> {
    fn of(version: &'a Version) -> Self {
        Self {
            version: &version.name,
            freshness: "Current",
            resources: version.resources.iter().map(|resource| AggregatedResource::of(resource)).collect(),
        }
    }
}

impl<'a> AggregatedResource<'a> {
    fn of(resource: &'a Resource) -> Self {
        let subresource = |sub: &'a Subresource| AggregatedSubresource {
            subresource: &sub.name,
            response_kind: ResponseKind::of(sub, resource),
            verbs: &sub.verbs,
        };
        Self {
            resource: &resource.resource,
            response_kind: ResponseKind { group: "", version: "", kind: &resource.kind },
            scope: if resource.namespaced { "Namespaced" } else { "Cluster" },
            singular_resource: &resource.singular,
            verbs: &resource.verbs,
            short_names: &resource.short_names,
            categories: &resource.categories,
            subresources: resource.subresources.iter().map(subresource).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn discovery_is_aggregated_for_who_asks_for_its_stable_version() {
        let v2 = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
        let v2beta1 = "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList";
        for (accept, form) in [
            (format!("{v2},{v2beta1},application/json"), Some(Form::Aggregated)),
            (format!("{v2beta1}, {v2}"), Some(Form::Aggregated)),
            (
                "application/json;as=APIGroupDiscoveryList;v=v2;g=apidiscovery.k8s.io".to_owned(),
                Some(Form::Aggregated),
            ),
            (format!("{v2beta1},application/json"), Some(Form::Plain)),
            (format!("application/json, {v2}"), Some(Form::Plain)),
            (String::new(), Some(Form::Plain)),
            ("application/json, */*".to_owned(), Some(Form::Plain)),
            (v2beta1.to_owned(), None),
            ("text/html".to_owned(), None),
        ] {
            assert_eq!(Form::negotiate(&accept), form, "{accept}");
        }
    }

    proptest! {
        #[test]
        fn any_header_is_answered(accept in "([ -~]{0,8}|application/json|;as=|;v=v2|,){0,12}") {
            let _ = Form::negotiate(&accept);
        }
    }

    fn value(document: impl Serialize) -> Value {
        serde_json::to_value(document).unwrap()
    }

    #[test]
    fn plain_discovery_is_that_of_a_real_server() {
        let catalog = Catalog::builtin();
        assert_eq!(
            serde_json::to_string(&api_versions(catalog, "127.0.0.1:64431")).unwrap(),
            r#"{"kind":"APIVersions","versions":["v1"],"serverAddressByClientCIDRs":[{"clientCIDR":"0.0.0.0/0","serverAddress":"127.0.0.1:64431"}]}"#
        );
        assert_eq!(
            serde_json::to_string(&api_group(catalog, "apps").unwrap()).unwrap(),
            r#"{"kind":"APIGroup","apiVersion":"v1","name":"apps","versions":[{"groupVersion":"apps/v1","version":"v1"}],"preferredVersion":{"groupVersion":"apps/v1","version":"v1"}}"#
        );
        assert!(api_group(catalog, "").is_none() && api_group(catalog, "nosuch.io").is_none());
        let groups = value(api_group_list(catalog));
        assert_eq!(groups["groups"].as_array().unwrap().len(), catalog.groups().len() - 1);
        let autoscaling = groups["groups"].as_array().unwrap().iter().find(|g| g["name"] == "autoscaling");
        assert_eq!(autoscaling.unwrap()["preferredVersion"]["version"], "v2");
    }

    #[test]
    fn a_resource_list_names_subresources_after_their_resource() {
        let catalog = Catalog::builtin();
        assert!(api_resource_list(catalog, "apps", "v9").is_none());
        let core = serde_json::to_string(&api_resource_list(catalog, "", "v1").unwrap()).unwrap();
        assert!(core.starts_with(r#"{"kind":"APIResourceList","groupVersion":"v1","resources":[{"name":"bindings","singularName":"binding","namespaced":true,"kind":"Binding","verbs":["create"]},"#));
        let apps = value(api_resource_list(catalog, "apps", "v1").unwrap());
        assert_eq!(apps["apiVersion"], "v1");
        assert_eq!(
            apps["resources"][4],
            json!({"name": "deployments/scale", "singularName": "", "namespaced": true, "group": "autoscaling",
                "version": "v1", "kind": "Scale", "verbs": ["get", "patch", "update"]})
        );
    }

    /// The resources of a v1.25 server, each with its group and version.
    const CAPTURED: [&str; 2] = [
        include_str!("../tests/data/discovery-aggregated-core.json"),
        include_str!("../tests/data/discovery-aggregated-groups.json"),
    ];

    #[test]
    fn aggregated_discovery_has_all_that_a_real_server_had() {
        for (list, captured) in [aggregated_core, aggregated_groups].into_iter().zip(CAPTURED) {
            let list = value(list(Catalog::builtin()));
            for mut expected in serde_json::from_str::<Vec<Value>>(captured).unwrap() {
                let expected = expected.as_object_mut().unwrap();
                let (group, version) =
                    (expected.remove("group").unwrap(), expected.remove("version").unwrap());
                if version.as_str().unwrap().contains("beta") {
                    continue;
                }
                if expected["resource"] == "networkpolicies" {
                    // Its status was an alpha feature that later servers gave up.
                    expected.remove("subresources");
                }
                // Later servers leave out what is the resource's own.
                let own = |kind: &mut Value| {
                    if kind["group"] == group && kind["version"] == version {
                        (kind["group"], kind["version"]) = ("".into(), "".into());
                    }
                };
                own(&mut expected["responseKind"]);
                for sub in
                    expected.get_mut("subresources").and_then(Value::as_array_mut).into_iter().flatten()
                {
                    own(&mut sub["responseKind"]);
                }
                let items = list["items"].as_array().unwrap().iter();
                let served = items
                    .filter(|item| item["metadata"]["name"].as_str().unwrap_or_default() == group)
                    .flat_map(|item| item["versions"].as_array().unwrap())
                    .filter(|candidate| candidate["version"] == version)
                    .flat_map(|version| version["resources"].as_array().unwrap())
                    .find(|resource| resource["resource"] == expected["resource"]);
                let mut served = served.unwrap().clone();
                if served["resource"] == "pods" {
                    let subresources = served["subresources"].as_array_mut().unwrap();
                    subresources.retain(|sub| sub["subresource"] != "resize");
                }
                assert_eq!(served.as_object(), Some(&*expected));
            }
        }
    }

    #[test]
    fn aggregated_discovery_tells_all_of_a_resource() {
        let core = value(aggregated_core(Catalog::builtin()));
        assert_eq!(core["items"].as_array().unwrap().len(), 1);
        assert_eq!(core["items"][0]["metadata"], json!({}));
        let groups = value(aggregated_groups(Catalog::builtin()));
        let apps =
            groups["items"].as_array().unwrap().iter().find(|g| g["metadata"]["name"] == "apps").unwrap();
        let verbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
        let object = ["get", "patch", "update"];
        assert_eq!(
            apps["versions"][0]["resources"][2],
            json!({
                "resource": "deployments",
                "responseKind": {"group": "", "version": "", "kind": "Deployment"},
                "scope": "Namespaced",
                "singularResource": "deployment",
                "verbs": verbs,
                "shortNames": ["deploy"],
                "categories": ["all"],
                "subresources": [
                    {"subresource": "scale", "verbs": object,
                        "responseKind": {"group": "autoscaling", "version": "v1", "kind": "Scale"}},
                    {"subresource": "status", "verbs": object,
                        "responseKind": {"group": "", "version": "", "kind": "Deployment"}},
                ],
            })
        );
    }
}
