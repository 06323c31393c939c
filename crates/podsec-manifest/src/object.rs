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

    fn of(document: usize, node: Node<'_, '_>) -> Self {
        let text =
            |node: Option<Node<'_, '_>>| node.and_then(|node| node.as_str()).unwrap_or_default().to_owned();
        let metadata = node.get("metadata");
        let in_metadata = |field: &str| text(metadata.and_then(|metadata| metadata.get(field)));
        let name = Some(in_metadata("name")).filter(|name| !name.is_empty());
        Self {
            document,
            item: None,
            api_version: text(node.get("apiVersion")),
            kind: text(node.get("kind")),
            name: name.unwrap_or_else(|| in_metadata("generateName")),
            namespace: in_metadata("namespace"),
        }
    }
}

/// The objects of a document. As kubectl does, a List (anything with a list of `items`, in which Lists may stand
/// again) is opened level by level.
pub fn objects<'d, 't>(document: &'d Document<'t>, number: usize) -> Vec<Object<'d, 't>> {
    let root = document.root();
    let mut waiting = VecDeque::from([(root, Vec::new())]);
    let mut objects = Vec::new();
    while let Some((node, steps)) = waiting.pop_front() {
        if let Some(items) = items(node) {
            for (index, item) in items.items().enumerate() {
                let mut steps = steps.clone();
                steps.extend([Step::Member("items".to_owned()), Step::Element(index)]);
                waiting.push_back((item, steps));
            }
            continue;
        }
        let mut name = ObjectName::of(number, node);
        name.item = (!steps.is_empty()).then_some(objects.len());
        objects.push(Object { name, node, steps });
    }
    objects
}

fn items<'d, 't>(node: Node<'d, 't>) -> Option<Node<'d, 't>> {
    node.get("items").filter(|items| matches!(items.kind(), Kind::Sequence(_)))
}
