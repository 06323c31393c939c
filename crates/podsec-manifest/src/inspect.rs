//! What each container really runs with, and which line of the manifest decides it.
//!
//! ```text
//! container's securityContext ─► else the pod's ─► else what Kubernetes and the runtime do by default
//! ```

use podsec_yaml::Node;
use serde::Serialize;

use crate::check::carried_pods;
use crate::object::{Carried, ObjectName, given, objects};
use crate::template::Templates;
use crate::{Problem, Source, Start};

/// A pod and what its containers run with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InspectedPod {
    /// The object that carries the pod.
    pub object: ObjectName,
    /// Its containers: init, regular, ephemeral.
    pub containers: Vec<InspectedContainer>,
}

/// What a container runs with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InspectedContainer {
    /// The list that it is in, as in `initContainers`.
    pub list: &'static str,
    /// Its name.
    pub name: String,
    /// Each setting, in a fixed order.
    pub settings: Vec<Setting>,
}

/// One setting as it takes effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// The field's name.
    pub name: &'static str,
    /// What takes effect.
    pub value: String,
    /// Who decided it.
    pub origin: Origin,
}

/// Who decided a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Origin {
    /// The container's own security context.
    Container,
    /// The pod's security context, or another field of the pod.
    Pod,
    /// An annotation of the pod.
    Annotation,
    /// Nobody: this is what happens then.
    Default,
    /// It follows from another setting, whatever this one says.
    Implied,
}

/// Every pod of a source, with what its containers run with; and what could not be read.
pub fn inspect(source: &Source, templates: &Templates) -> (Vec<InspectedPod>, Vec<Problem>) {
    let (mut pods, mut problems) = (Vec::new(), Vec::new());
    for (number, document) in podsec_yaml::documents(&source.text).enumerate() {
        match document {
            Ok(document) => {
                for object in objects(&document, number) {
                    for Carried { node, .. } in carried_pods(&object, templates) {
                        pods.push(InspectedPod { object: object.name.clone(), containers: containers(node) });
                    }
                }
            }
            Err(error) => problems.push(crate::check::unreadable(&source.text, Start::default(), &error)),
        }
    }
    (pods, problems)
}

fn containers(pod: Node<'_, '_>) -> Vec<InspectedContainer> {
    let spec = given(pod, "spec");
    let mut inspected = Vec::new();
    for list in ["initContainers", "containers", "ephemeralContainers"] {
        for container in spec.and_then(|spec| spec.get(list)).into_iter().flat_map(|list| list.items()) {
            let contexts = Contexts {
                pod,
                spec,
                own: given(container, "securityContext"),
                shared: spec.and_then(|spec| given(spec, "securityContext")),
                name: text(given(container, "name")),
            };
            inspected.push(InspectedContainer { list, settings: contexts.settings(), name: contexts.name });
        }
    }
    inspected
}

/// Where the settings of a container come from.
struct Contexts<'d, 't> {
    pod: Node<'d, 't>,
    spec: Option<Node<'d, 't>>,
    own: Option<Node<'d, 't>>,
    shared: Option<Node<'d, 't>>,
    name: String,
}

impl Contexts<'_, '_> {
    fn settings(&self) -> Vec<Setting> {
        let privileged = self.own_flag("privileged");
        let is_privileged = privileged.as_ref().is_some_and(|(value, _)| value == "true");
        vec![
            named(
                "user",
                self.either("runAsUser").unwrap_or_else(|| by_default("the image's, root if it names none")),
            ),
            named(
                "group",
                self.either("runAsGroup")
                    .unwrap_or_else(|| by_default("the image's, root's if it names none")),
            ),
            named("supplementalGroups", self.groups()),
            named("runAsNonRoot", self.either("runAsNonRoot").unwrap_or_else(|| by_default("false"))),
            named("privileged", privileged.unwrap_or_else(|| by_default("false"))),
            named("allowPrivilegeEscalation", self.escalation(is_privileged)),
            named("capabilities", self.capabilities(is_privileged)),
            named("seccompProfile", self.seccomp(is_privileged)),
            named("appArmorProfile", self.app_armor(is_privileged)),
            named("seLinuxOptions", self.se_linux()),
            named(
                "readOnlyRootFilesystem",
                self.own_flag("readOnlyRootFilesystem").unwrap_or_else(|| by_default("false")),
            ),
            named("procMount", self.own_flag("procMount").unwrap_or_else(|| by_default("Default"))),
            named("hostNamespaces", self.host_namespaces()),
        ]
    }

    fn own_flag(&self, name: &str) -> Option<(String, Origin)> {
        Some((text(Some(given(self.own?, name)?)), Origin::Container))
    }

    fn either(&self, name: &str) -> Option<(String, Origin)> {
        let of_pod = || Some((text(Some(given(self.shared?, name)?)), Origin::Pod));
        self.own_flag(name).or_else(of_pod)
    }

    fn groups(&self) -> (String, Origin) {
        let mut groups = Vec::new();
        for (field, word) in [("supplementalGroups", ""), ("fsGroup", "fsGroup ")] {
            if let Some(value) = self.shared.and_then(|shared| given(shared, field)) {
                let value = value.to_json();
                let list = value.as_array().cloned().unwrap_or_else(|| vec![value]);
                groups.extend(list.iter().map(|group| format!("{word}{group}")));
            }
        }
        if groups.is_empty() {
            by_default("none beyond the image's")
        } else {
            (groups.join(", "), Origin::Pod)
        }
    }

    /// A privileged container, or one that adds SYS_ADMIN, can gain privileges whatever the field says.
    fn escalation(&self, is_privileged: bool) -> (String, Origin) {
        let adds_admin = self.listed("add").iter().any(|name| name == "SYS_ADMIN" || name == "CAP_SYS_ADMIN");
        match (is_privileged, adds_admin) {
            (true, _) => ("true, since it is privileged".to_owned(), Origin::Implied),
            (_, true) => ("true, since it adds SYS_ADMIN".to_owned(), Origin::Implied),
            _ => self.own_flag("allowPrivilegeEscalation").unwrap_or_else(|| by_default("true")),
        }
    }

    fn capabilities(&self, is_privileged: bool) -> (String, Origin) {
        if is_privileged {
            return ("all, since it is privileged".to_owned(), Origin::Implied);
        }
        let (added, dropped) = (self.listed("add"), self.listed("drop"));
        if added.is_empty() && dropped.is_empty() {
            return by_default("the runtime's default set");
        }
        let drops_all = dropped.iter().any(|name| name == "ALL");
        let mut words = match (drops_all, dropped.is_empty()) {
            (true, _) => String::new(),
            (_, true) => "the runtime's default set".to_owned(),
            _ => format!("the runtime's default set without {}", dropped.join(", ")),
        };
        if !added.is_empty() {
            words.push_str(if drops_all { "" } else { ", with " });
            words.push_str(&added.join(", "));
        }
        if words.is_empty() {
            words.push_str("none");
        }
        (words, Origin::Container)
    }

    fn listed(&self, field: &str) -> Vec<String> {
        let list = self.own.and_then(|own| given(own, "capabilities")).and_then(|own| given(own, field));
        list.into_iter().flat_map(|list| list.items()).map(|name| text(Some(name))).collect()
    }

    fn seccomp(&self, is_privileged: bool) -> (String, Origin) {
        if is_privileged {
            return ("Unconfined, since it is privileged".to_owned(), Origin::Implied);
        }
        self.profile("seccompProfile")
            .unwrap_or_else(|| by_default("Unconfined, unless the kubelet has seccompDefault"))
    }

    fn app_armor(&self, is_privileged: bool) -> (String, Origin) {
        let annotations = given(self.pod, "metadata").and_then(|metadata| given(metadata, "annotations"));
        let key = format!("container.apparmor.security.beta.kubernetes.io/{}", self.name);
        let annotated = || Some((text(Some(given(annotations?, &key)?)), Origin::Annotation));
        let decided = self.profile("appArmorProfile").or_else(annotated);
        let is_local =
            decided.as_ref().is_some_and(|(profile, _)| profile.to_lowercase().starts_with("localhost"));
        if is_privileged && !is_local {
            return ("Unconfined, since it is privileged".to_owned(), Origin::Implied);
        }
        decided.unwrap_or_else(|| by_default("the runtime's, where the node has AppArmor"))
    }

    /// A profile: its type, and the file of a local one.
    fn profile(&self, field: &str) -> Option<(String, Origin)> {
        let of = |context: Option<Node<'_, '_>>, origin| {
            let profile = given(context?, field)?;
            let kind = text(given(profile, "type"));
            let file = given(profile, "localhostProfile")
                .map_or_else(String::new, |file| format!(" {}", text(Some(file))));
            Some((format!("{kind}{file}"), origin))
        };
        of(self.own, Origin::Container).or_else(|| of(self.shared, Origin::Pod))
    }

    /// The kubelet takes the container's options as a whole, or else the pod's.
    fn se_linux(&self) -> (String, Origin) {
        let of = |context: Option<Node<'_, '_>>, origin| {
            let options = given(context?, "seLinuxOptions")?;
            let part =
                |entry: podsec_yaml::Entry<'_, '_>| format!("{} {}", entry.name, text(Some(entry.value)));
            let parts: Vec<String> = options.entries().into_iter().map(part).collect();
            (!parts.is_empty()).then(|| (parts.join(", "), origin))
        };
        of(self.own, Origin::Container)
            .or_else(|| of(self.shared, Origin::Pod))
            .unwrap_or_else(|| by_default("chosen by the runtime, where the node has SELinux"))
    }

    fn host_namespaces(&self) -> (String, Origin) {
        let of_host: Vec<&str> = ["hostNetwork", "hostPID", "hostIPC"]
            .into_iter()
            .filter(|field| {
                self.spec.and_then(|spec| given(spec, field)).is_some_and(|node| text(Some(node)) == "true")
            })
            .collect();
        if of_host.is_empty() { by_default("none") } else { (of_host.join(", "), Origin::Pod) }
    }
}

fn named(name: &'static str, (value, origin): (String, Origin)) -> Setting {
    Setting { name, value, origin }
}

fn by_default(words: &str) -> (String, Origin) {
    (words.to_owned(), Origin::Default)
}

/// A string itself, anything else as JSON.
fn text(node: Option<Node<'_, '_>>) -> String {
    node.map_or_else(String::new, |node| {
        node.as_str().map_or_else(|| node.to_json().to_string(), str::to_owned)
    })
}

impl Origin {
    /// The origin in a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Container => "container",
            Self::Pod => "pod",
            Self::Annotation => "annotation",
            Self::Default => "default",
            Self::Implied => "implied",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inspected(spec: &str) -> Vec<String> {
        let text = format!("apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec: {spec}\n");
        let (pods, problems) = inspect(&Source { name: "a".to_owned(), text }, &Templates::default());
        assert!(problems.is_empty());
        let settings = pods[0].containers.iter().flat_map(|container| &container.settings);
        settings
            .filter(|setting| setting.origin != Origin::Default)
            .map(|setting| format!("{}: {} ({})", setting.name, setting.value, setting.origin.as_str()))
            .collect()
    }

    #[test]
    fn the_container_decides_before_the_pod() {
        assert_eq!(
            inspected(
                "{securityContext: {runAsUser: 0, runAsNonRoot: true, fsGroup: 5, seccompProfile: {type: RuntimeDefault}}, \
                 containers: [{name: a, securityContext: {runAsUser: 1000, capabilities: {drop: [ALL], add: [NET_BIND_SERVICE]}}}]}"
            ),
            [
                "user: 1000 (container)",
                "supplementalGroups: fsGroup 5 (pod)",
                "runAsNonRoot: true (pod)",
                "capabilities: NET_BIND_SERVICE (container)",
                "seccompProfile: RuntimeDefault (pod)",
            ]
        );
    }

    #[test]
    fn what_a_setting_implies_holds_whatever_the_others_say() {
        assert_eq!(
            inspected(
                "{hostPID: true, containers: [{name: a, securityContext: {privileged: true, allowPrivilegeEscalation: false}}]}"
            ),
            [
                "privileged: true (container)",
                "allowPrivilegeEscalation: true, since it is privileged (implied)",
                "capabilities: all, since it is privileged (implied)",
                "seccompProfile: Unconfined, since it is privileged (implied)",
                "appArmorProfile: Unconfined, since it is privileged (implied)",
                "hostNamespaces: hostPID (pod)",
            ]
        );
        assert_eq!(
            inspected("{containers: [{name: a, securityContext: {capabilities: {add: [SYS_ADMIN]}}}]}"),
            [
                "allowPrivilegeEscalation: true, since it adds SYS_ADMIN (implied)",
                "capabilities: the runtime's default set, with SYS_ADMIN (container)",
            ]
        );
    }
}
