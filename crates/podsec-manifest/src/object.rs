//! The Kubernetes objects of a document: one, or those in a List.

use std::collections::VecDeque;

use podsec_yaml::{Document, Kind, Node};

use crate::locate::Step;

/// One Kubernetes object in a document.
#[derive(Clone, Debug)]
pub struct Object<'d, 't> {
    /// Which object it is.
    pub name: ObjectName,
    /// Its value.
    pub node: Node<'d, 't>,
    /// The steps from the document's root to it; empty outside Lists.
    pub steps: Vec<Step>,
}

/// A pod in an object.
pub(crate) struct Carried<'d, 't> {
    /// The steps from the object to it.
    pub(crate) steps: Vec<Step>,
    /// The same, as Kubernetes writes them.
    pub(crate) path: String,
    pub(crate) node: Node<'d, 't>,
}

/// What tells one object from another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectName {
    /// Its document in the source, from 0 over those that are not empty.
    pub document: usize,
    /// Its place in a List, from 0; of a List in a List, in the flat order of kubectl.
    pub item: Option<usize>,
    /// `apiVersion`, as in `apps/v1`; empty when missing.
    pub api_version: String,
    /// `kind`; empty when missing.
    pub kind: String,
    /// `metadata.name`, else `metadata.generateName`; empty when both are missing.
    pub name: String,
    /// `metadata.namespace`; empty when missing.
    pub namespace: String,
}

impl ObjectName {
    /// The API group; empty for the core group.
    pub fn group(&self) -> &str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }

    /// The name of an object in a list whose items are of this kind, if they do not say their own.
    fn of(document: usize, node: Node<'_, '_>, items: &ItemType) -> Self {
        let text =
            |node: Option<Node<'_, '_>>| node.and_then(|node| node.as_str()).unwrap_or_default().to_owned();
        let metadata = node.get("metadata");
        let in_metadata = |field: &str| text(metadata.and_then(|metadata| metadata.get(field)));
        let name = Some(in_metadata("name")).filter(|name| !name.is_empty());
        let own = ItemType { api_version: text(node.get("apiVersion")), kind: text(node.get("kind")) };
        let says_nothing = own == ItemType::default();
        let ItemType { api_version, kind } = if says_nothing { items.clone() } else { own };
        Self {
            document,
            item: None,
            api_version,
            kind,
            name: name.unwrap_or_else(|| in_metadata("generateName")),
            namespace: in_metadata("namespace"),
        }
    }
}

/// What kubectl takes the items of a list for that say neither their `apiVersion` nor their `kind`, as those of a
/// `PodList` do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct ItemType {
    api_version: String,
    kind: String,
}

/// The objects of a document. As kubectl does, a list (anything with a list of `items`, in which lists may stand
/// again) is opened level by level. Items that do not say what they are, are what the kind of the list says: those of a
/// `PodList` are Pods.
pub fn objects<'d, 't>(document: &'d Document<'t>, number: usize) -> Vec<Object<'d, 't>> {
    let root = document.root();
    let mut waiting = VecDeque::from([(root, Vec::new(), ItemType::default())]);
    let mut objects = Vec::new();
    while let Some((node, steps, item_type)) = waiting.pop_front() {
        let mut name = ObjectName::of(number, node, &item_type);
        if let Some(items) = items(node) {
            let kind = name.kind.strip_suffix("List").unwrap_or(&name.kind).to_owned();
            let item_type = ItemType { api_version: name.api_version, kind };
            for (index, item) in items.items().enumerate() {
                let mut steps = steps.clone();
                steps.extend([Step::Member("items".to_owned()), Step::Element(index)]);
                waiting.push_back((item, steps, item_type.clone()));
            }
            continue;
        }
        name.item = (!steps.is_empty()).then_some(objects.len());
        objects.push(Object { name, node, steps });
    }
    objects
}

fn items<'d, 't>(node: Node<'d, 't>) -> Option<Node<'d, 't>> {
    node.get("items").filter(|items| matches!(items.kind(), Kind::Sequence(_)))
}

/// A member that is there and not null.
pub(crate) fn given<'d, 't>(node: Node<'d, 't>, name: &str) -> Option<Node<'d, 't>> {
    node.get(name).filter(|value| !value.is_null())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        let document = podsec_yaml::documents(text).next().unwrap().unwrap();
        let objects = objects(&document, 0);
        objects
            .iter()
            .map(|Object { name, .. }| format!("{} {} {}", name.api_version, name.kind, name.name))
            .collect()
    }

    #[test]
    fn items_that_do_not_say_what_they_are_are_what_the_kind_of_their_list_says() {
        for kind in ["Pod", "Secret"] {
            let text = format!("apiVersion: v1\nkind: {kind}List\nitems: [{{metadata: {{name: a}}}}]\n");
            assert_eq!(names(&text), [format!("v1 {kind} a")]);
        }
        let text = "apiVersion: apps/v1\nkind: DeploymentList\nitems:\n- metadata: {name: a}\n- apiVersion: v1\n  kind: Pod\n  \
                    metadata: {name: b}\n- kind: ReplicaSet\n  metadata: {name: c}\n";
        assert_eq!(names(text), ["apps/v1 Deployment a", "v1 Pod b", " ReplicaSet c"]);
        let nested = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: PodList\n  items: [{metadata: {name: a}}]\n";
        assert_eq!(names(nested), ["v1 Pod a"]);
    }
}
