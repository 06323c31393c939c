//! Which changes of a pod matter to Pod Security.

use std::collections::BTreeMap;

use super::model::Pod;
use super::{Container, ContainerKind};

impl Pod<'_> {
    /// Whether an update that turns `old` into this pod must be judged.
    ///
    /// Kubernetes lets few fields of a pod change. Of those, images and containers' seccomp annotations matter, and
    /// so does every container that was added; any other update of a running pod is let through, even
    /// where its namespace has become stricter since.
    pub fn significantly_differs_from(&self, old: &Pod<'_>) -> bool {
        for kind in [ContainerKind::Init, ContainerKind::Regular] {
            let (new_list, old_list) = (self.containers_of(kind), old.containers_of(kind));
            let changed = |(new, old_container)| self.changes_container(old, new, old_container);
            if new_list.len() != old_list.len() || new_list.iter().zip(old_list).any(changed) {
                return true;
            }
        }
        self.changes_ephemeral_containers(old)
    }

    /// Ephemeral containers are told apart by name, and one that is gone does not count.
    fn changes_ephemeral_containers(&self, old: &Pod<'_>) -> bool {
        if self.spec.ephemeral_containers.is_empty() {
            return false;
        }
        let mut old_by_name = BTreeMap::new();
        for container in &old.spec.ephemeral_containers {
            old_by_name.entry(&*container.name).or_insert(container);
        }
        self.spec.ephemeral_containers.iter().any(|container| match old_by_name.get(&*container.name) {
            Some(old_container) => self.changes_container(old, container, old_container),
            None => true,
        })
    }

    fn changes_container(&self, old: &Pod<'_>, new: &Container<'_>, old_container: &Container<'_>) -> bool {
        let seccomp = |pod: &Pod<'_>| {
            pod.metadata.annotations.container_seccomp(&new.name).map_or("", |(_, value)| value).to_owned()
        };
        new.image != old_container.image || seccomp(self) != seccomp(old)
    }
}
