//! Folds what was collected to owners.

use super::{Collector, Contents, Evidence, Inventory, Key, Node, Subject};

impl Collector {
    /// The cluster as it was given.
    pub fn finish(mut self) -> Inventory {
        let mut keys: Vec<Option<Key>> = (0..self.nodes.len()).map(|_| None).collect();
        for (key, place) in std::mem::take(&mut self.places) {
            if let Some(slot) = keys.get_mut(place as usize) {
                *slot = Some(key);
            }
        }
        let replicasets = ["apps/ReplicaSet", "Pod", "batch/Job"].map(|kind| self.names.get(kind).copied());
        let folds = |key: &Option<Key>| key.as_ref().is_some_and(|key| replicasets.contains(&Some(key.kind)));
        // An owner stands before or behind what it owns.
        for place in 0..self.nodes.len() {
            let Some(parent) = self.nodes.get(place).and_then(|node| node.parent) else { continue };
            if !keys.get(place).is_some_and(folds) {
                continue;
            }
            let root = self.root(parent, &|place| keys.get(place).is_some_and(folds));
            if root == place {
                continue;
            }
            let child = self.nodes.get_mut(place).map(std::mem::take).unwrap_or_default();
            if let Some(slot) = keys.get_mut(place) {
                *slot = None;
            }
            let has_template = self.nodes.get(root).is_some_and(|root| root.template.is_some());
            if let Some(root) = self.nodes.get_mut(root) {
                if has_template && child.template.is_some() {
                    self.counts.replaced_templates += usize::from(child.replicas == Some(0));
                }
                root.take_in(child, has_template);
            }
        }
        let mut inventory = Inventory {
            troubles: std::mem::take(&mut self.troubles),
            counts: self.counts.clone(),
            ..Inventory::default()
        };
        let titles: Vec<Option<String>> = keys.iter().map(|key| Some(self.title(key.as_ref()?))).collect();
        for (key, place) in keys.into_iter().zip(0..) {
            let Some(key) = key else { continue };
            let node = self.nodes.get_mut(place).map(std::mem::take).unwrap_or_default();
            let managed_by = node.parent.and_then(|parent| titles.get(parent as usize)?.clone());
            if let Some(subject) = self.subject(&key, node, managed_by) {
                let namespace = self.name_list.get(key.namespace as usize).map(ToString::to_string);
                let contents: &mut Contents =
                    inventory.namespaces.entry(namespace.unwrap_or_default()).or_default();
                contents.subjects.push(subject);
            }
        }
        for (name, object) in std::mem::take(&mut self.namespaces) {
            inventory.namespaces.entry(name).or_default().object = Some(object);
        }
        for contents in inventory.namespaces.values_mut() {
            contents.subjects.sort_by(|a, b| (&a.kind, &a.name, &a.group).cmp(&(&b.kind, &b.name, &b.group)));
        }
        inventory
    }

    /// The topmost owner; owners that own each other end where one begins.
    fn root(&self, mut place: u32, folds: &dyn Fn(usize) -> bool) -> usize {
        for _ in 0..MOST_OWNERS {
            let node = self.nodes.get(place as usize);
            match node.and_then(|node| node.parent) {
                Some(parent) if folds(place as usize) && parent != place => place = parent,
                _ => break,
            }
        }
        place as usize
    }

    fn title(&self, key: &Key) -> String {
        let kind = self.name_list.get(key.kind as usize).map(ToString::to_string).unwrap_or_default();
        let kind = kind.rsplit_once('/').map_or(kind.as_str(), |(_, kind)| kind).to_owned();
        format!("{kind}/{}", key.name)
    }

    fn subject(&self, key: &Key, mut node: Node, managed_by: Option<String>) -> Option<Subject> {
        // What is over says what its owner makes only where the owner does not say so itself.
        if node.template.is_none()
            && let Some(finished) = node.finished.take()
        {
            node.pods.get_or_insert_with(Box::<Evidence>::default).join(*finished);
        }
        if node.template.is_none() && node.pods.is_none() {
            return None;
        }
        let kind = self.name_list.get(key.kind as usize).map(ToString::to_string).unwrap_or_default();
        let (group, kind) = kind.rsplit_once('/').unwrap_or(("", &kind));
        let namespace =
            self.name_list.get(key.namespace as usize).map(ToString::to_string).unwrap_or_default();
        Some(Subject {
            group: group.to_owned(),
            kind: kind.to_owned(),
            name: key.name.to_string(),
            template: node.template.map(|evidence| *evidence),
            pods: node.pods.map(|evidence| *evidence),
            mirror: node.mirror,
            managed_by,
            runtime_class: node.runtime_class.map(|class| class.to_string()),
            host_volumes: self.host_volumes(&namespace, &node.claims),
            misplaced_labels: node.labelled,
            source: node.source.map(|source| source.to_string()),
        })
    }
}

impl Node {
    /// Takes in what its owner's pods or templates say. A template that the owner has replaced says nothing any more,
    /// unless it still has pods to make.
    fn take_in(&mut self, child: Self, has_template: bool) {
        let counts = !has_template || child.replicas.is_none_or(|replicas| replicas > 0);
        let mut pods = child.pods;
        if let Some(template) = child.template.filter(|_| counts) {
            let as_pods = Evidence { count: 0, ..*template };
            if has_template {
                pods.get_or_insert_with(Box::<Evidence>::default).join(as_pods);
            } else {
                self.template.get_or_insert_with(Box::<Evidence>::default).join(as_pods);
            }
        }
        for (mine, theirs) in [(&mut self.pods, pods), (&mut self.finished, child.finished)] {
            if let Some(theirs) = theirs {
                mine.get_or_insert_with(Box::<Evidence>::default).join(*theirs);
            }
        }
        self.mirror |= child.mirror;
        self.runtime_class = self.runtime_class.take().or(child.runtime_class);
        self.source = self.source.take().or(child.source);
        self.add_claims(child.claims);
        self.add_labels(child.labelled);
    }
}

/// A pod has two owners above it, or three.
const MOST_OWNERS: usize = 8;
