//! Where custom resources carry pods.

use std::str::FromStr;

use podsec_yaml::Node;

use crate::locate::{Step, display};
use crate::object::{Carried, Object};

/// The custom kinds whose pods are judged: the known ones, and those that a configuration adds.
#[derive(Clone, Debug)]
pub struct Templates {
    templates: Vec<Template>,
}

/// The place of a pod in a custom kind: an object with a pod's `metadata` and `spec`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// The API group, as in `argoproj.io`.
    pub group: String,
    /// The kind, as in `Rollout`.
    pub kind: String,
    path: Vec<Part>,
}

/// A part of a template's path.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// A member.
    Member(String),
    /// Every element of a list, or every value of a map.
    Each,
}

/// A path that is none.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path:?} is no path to a pod template; write it as \"spec.template\" or \"spec.jobs[*].template\"")]
pub struct InvalidTemplate {
    /// The path as it was given.
    pub path: String,
}

impl Default for Templates {
    /// The kinds that are known without being told.
    fn default() -> Self {
        let known = |(group, kind, path): &(&str, &str, &str)| Template::new(group, kind, path).ok();
        Self { templates: KNOWN.iter().filter_map(known).collect() }
    }
}

impl Templates {
    /// Adds a kind, or another place in a known one.
    pub fn add(&mut self, template: Template) {
        if !self.templates.contains(&template) {
            self.templates.push(template);
        }
    }

    /// The group and kind of each, some more than once.
    pub fn kinds(&self) -> impl Iterator<Item = (&str, &str)> {
        self.templates.iter().map(|template| (template.group.as_str(), template.kind.as_str()))
    }

    /// The pods of a custom object. A template that is absent is left out.
    pub(crate) fn carried<'d, 't>(&self, object: &Object<'d, 't>) -> Vec<Carried<'d, 't>> {
        let (group, kind) = (object.name.group(), object.name.kind.as_str());
        let matching =
            self.templates.iter().filter(|template| template.group == group && template.kind == kind);
        let followed = matching.flat_map(|template| template.follow(object.node));
        followed.map(|(steps, node)| Carried { path: display(&steps), steps, node }).collect()
    }
}

impl Template {
    /// The pod at `path` in objects of `kind`. Parts are separated by dots; `[*]` goes through all elements of a list
    /// and all values of a map: `spec.template`, `spec.replicatedJobs[*].template.spec.template`.
    ///
    /// # Errors
    /// When the path has an empty part or an index.
    pub fn new(group: &str, kind: &str, path: &str) -> Result<Self, InvalidTemplate> {
        let mut parts = Vec::new();
        for part in path.split('.').filter(|_| !path.is_empty()) {
            let name = part.trim_end_matches("[*]");
            if name.is_empty() || name.contains(['[', ']', '*']) {
                return Err(InvalidTemplate { path: path.to_owned() });
            }
            parts.push(Part::Member(name.to_owned()));
            parts.extend((0..(part.len() - name.len()) / "[*]".len()).map(|_| Part::Each));
        }
        Ok(Self { group: group.to_owned(), kind: kind.to_owned(), path: parts })
    }

    fn follow<'d, 't>(&self, root: Node<'d, 't>) -> Vec<(Vec<Step>, Node<'d, 't>)> {
        let mut reached = vec![(Vec::new(), root)];
        for part in &self.path {
            reached = reached.into_iter().flat_map(|(steps, node)| part.follow(&steps, node)).collect();
        }
        reached.retain(|(_, node)| !node.is_null());
        reached
    }
}

/// All that a path written as those of templates leads to.
pub(crate) fn follow<'d, 't>(path: &str, root: Node<'d, 't>) -> Vec<(Vec<Step>, Node<'d, 't>)> {
    Template::new("", "", path).map(|template| template.follow(root)).unwrap_or_default()
}

impl Part {
    fn follow<'d, 't>(&self, steps: &[Step], node: Node<'d, 't>) -> Vec<(Vec<Step>, Node<'d, 't>)> {
        let extended = |step: Step| steps.iter().cloned().chain([step]).collect::<Vec<_>>();
        match self {
            Self::Member(name) => node
                .get(name)
                .map(|value| (extended(Step::Member(name.clone())), value))
                .into_iter()
                .collect(),
            Self::Each => {
                let elements =
                    node.items().enumerate().map(|(index, item)| (extended(Step::Element(index)), item));
                let values = node.entries().into_iter();
                let values =
                    values.map(|entry| (extended(Step::Member(entry.name.into_owned())), entry.value));
                elements.chain(values).collect()
            }
        }
    }
}

impl FromStr for Template {
    type Err = InvalidTemplate;

    /// `GROUP/KIND=PATH`, as in `argoproj.io/Rollout=spec.template`.
    fn from_str(text: &str) -> Result<Self, InvalidTemplate> {
        let invalid = || InvalidTemplate { path: text.to_owned() };
        let (kind, path) = text.split_once('=').ok_or_else(invalid)?;
        let (group, kind) = kind.split_once('/').ok_or_else(invalid)?;
        if group.is_empty() || kind.is_empty() { Err(invalid()) } else { Self::new(group, kind, path) }
    }
}

/// Group, kind and path of widely used kinds.
const KNOWN: &[(&str, &str, &str)] = &[
    ("apps.kruise.io", "CloneSet", "spec.template"),
    ("apps.kruise.io", "DaemonSet", "spec.template"),
    ("apps.kruise.io", "StatefulSet", "spec.template"),
    ("argoproj.io", "Rollout", "spec.template"),
    ("jobset.x-k8s.io", "JobSet", "spec.replicatedJobs[*].template.spec.template"),
    ("kubeflow.org", "JAXJob", "spec.jaxReplicaSpecs[*].template"),
    ("kubeflow.org", "MPIJob", "spec.mpiReplicaSpecs[*].template"),
    ("kubeflow.org", "PaddleJob", "spec.paddleReplicaSpecs[*].template"),
    ("kubeflow.org", "PyTorchJob", "spec.pytorchReplicaSpecs[*].template"),
    ("kubeflow.org", "TFJob", "spec.tfReplicaSpecs[*].template"),
    ("kubeflow.org", "XGBoostJob", "spec.xgbReplicaSpecs[*].template"),
    ("operators.coreos.com", "ClusterServiceVersion", "spec.install.spec.deployments[*].spec.template"),
    ("ray.io", "RayCluster", "spec.headGroupSpec.template"),
    ("ray.io", "RayCluster", "spec.workerGroupSpecs[*].template"),
    ("ray.io", "RayJob", "spec.rayClusterSpec.headGroupSpec.template"),
    ("ray.io", "RayJob", "spec.rayClusterSpec.workerGroupSpecs[*].template"),
    ("ray.io", "RayJob", "spec.submitterPodTemplate"),
    ("ray.io", "RayService", "spec.rayClusterConfig.headGroupSpec.template"),
    ("ray.io", "RayService", "spec.rayClusterConfig.workerGroupSpecs[*].template"),
    ("serving.knative.dev", "Configuration", "spec.template"),
    ("serving.knative.dev", "Revision", ""),
    ("serving.knative.dev", "Service", "spec.template"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_path_is_one() {
        assert_eq!(Templates::default().templates.len(), KNOWN.len());
    }

    #[test]
    fn each_element_of_a_list_and_each_value_of_a_map_is_followed() {
        let text = "spec:\n  groups:\n  - template: {a: 1}\n  - {}\n  - template: {a: 2}\n  roles: {x: {template: {a: 3}}}\n";
        let document = podsec_yaml::documents(text).next().unwrap().unwrap();
        let found = |path: &str| {
            let template = Template::new("g", "K", path).unwrap();
            template
                .follow(document.root())
                .into_iter()
                .map(|(_, node)| node.to_json().to_string())
                .collect::<Vec<_>>()
        };
        assert_eq!(found("spec.groups[*].template"), [r#"{"a":1}"#, r#"{"a":2}"#]);
        assert_eq!(found("spec.roles[*].template"), [r#"{"a":3}"#]);
        assert!(found("spec.missing[*].template").is_empty());
    }

    #[test]
    fn an_index_or_an_empty_part_is_no_path() {
        for path in ["spec.jobs[0].template", "spec..template", ".", "[*]"] {
            assert!(Template::new("g", "K", path).is_err(), "{path}");
        }
    }
}
