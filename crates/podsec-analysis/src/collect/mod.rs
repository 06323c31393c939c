//! From objects in any order to a cluster's subjects: everything that can make a pod, folded to its owner.
//!
//! ```text
//! Pod web-5d4f8-x1 ─┐
//! Pod web-5d4f8-x2 ─┴─► ReplicaSet web-5d4f8 ─► Deployment web   one subject: its template, and what its pods add
//! Pod job-29-abcde ───► Job job-29 ───────────► CronJob job
//! Pod etcd-node1 ─────► Node node1                               a mirror pod: a subject of its own, told as such
//! ```
//!
//! Of each object a few bytes are kept and nothing else, so that a dump of any length is read in the memory that its
//! owners take.

mod evidence;
mod feed;
mod fold;
mod helm_release;
mod injector;
mod object;
mod volume;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use podsec_manifest::Templates;
use serde::Serialize;

use evidence::Sayings;
pub use evidence::{BrokenRule, Evidence, FaultyField, Saying};
pub use injector::INJECTORS;
use object::Claim;
pub(crate) use object::string_members;

/// Takes objects and folds them to subjects.
#[derive(Debug, Default)]
pub struct Collector {
    templates: Templates,
    names: HashMap<Arc<str>, u32>,
    name_list: Vec<Arc<str>>,
    nodes: Vec<Node>,
    places: HashMap<Key, u32>,
    sayings: Sayings,
    namespaces: BTreeMap<String, NamespaceObject>,
    /// Uids, hashed: the same object may stand in a dump twice.
    seen: HashSet<u64>,
    /// Volumes of nodes, by their name, and by the claim that they are bound to.
    volumes: HashMap<String, String>,
    bound: HashMap<String, String>,
    claimed: HashMap<String, String>,
    /// Objects of a list that says only at its end what they are.
    held: Vec<Vec<u8>>,
    held_bytes: usize,
    counts: Counts,
    troubles: Vec<Trouble>,
}

/// Which object a node stands for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    namespace: u32,
    /// `GROUP/Kind`, interned.
    kind: u32,
    name: Box<str>,
}

/// An object that makes pods, or that a pod names as its owner.
#[derive(Debug, Default)]
struct Node {
    parent: Option<u32>,
    /// Whether it was among the objects.
    seen: bool,
    template: Option<Box<Evidence>>,
    pods: Option<Box<Evidence>>,
    /// Of pods that are over.
    finished: Option<Box<Evidence>>,
    replicas: Option<u64>,
    mirror: bool,
    runtime_class: Option<Arc<str>>,
    claims: Vec<Claim>,
    labelled: Vec<String>,
    source: Option<Arc<str>>,
}

/// A Namespace as it was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamespaceObject {
    /// Its labels that are strings, and those of Pod Security that are none, as JSON.
    pub labels: BTreeMap<String, String>,
    /// The keys of labels that are no strings.
    pub unquoted: Vec<String>,
    /// The keys of annotations that look like labels of Pod Security.
    pub annotations: Vec<String>,
}

/// How many objects were read, and of what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Objects of any kind.
    pub objects: usize,
    /// Pods that live or wait.
    pub pods: usize,
    /// Pods that are over.
    pub finished_pods: usize,
    /// Pods of the kubelet's own.
    pub mirror_pods: usize,
    /// Objects with a template.
    pub templates: usize,
    /// Templates of ReplicaSets that their Deployment has replaced.
    pub replaced_templates: usize,
    /// Objects that were there twice.
    pub repeated: usize,
    /// Releases of Helm whose manifests were read.
    pub releases: usize,
    /// What could not be read.
    pub troubles: usize,
}

/// What could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Trouble {
    /// The file, or the request.
    pub source: String,
    /// Why.
    pub message: String,
}

/// A cluster, or what was given of one.
#[derive(Debug, Default)]
pub struct Inventory {
    /// By name; also those that only their subjects name.
    pub namespaces: BTreeMap<String, Contents>,
    /// How much was read.
    pub counts: Counts,
    /// The first of what could not be read; [`Counts::troubles`] has their number.
    pub troubles: Vec<Trouble>,
}

/// A namespace with what stands in it.
#[derive(Debug, Default)]
pub struct Contents {
    /// The Namespace object, if there was one.
    pub object: Option<NamespaceObject>,
    /// What makes pods in it.
    pub subjects: Vec<Subject>,
}

/// What makes pods: an owner, or a pod without one.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The API group; empty for the core group.
    pub group: String,
    /// The kind, as in `Deployment`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// What its template breaks, if it has one that was read.
    pub template: Option<Evidence>,
    /// What its pods break, if there are some.
    pub pods: Option<Evidence>,
    /// Whether it is a pod of the kubelet's own, made of a file on a node.
    pub mirror: bool,
    /// `KIND/NAME` of what made it, where that is told.
    pub managed_by: Option<String>,
    /// The runtime class of its pods.
    pub runtime_class: Option<String>,
    /// What its pods see of a node through claims.
    pub host_volumes: Vec<HostVolume>,
    /// Labels of Pod Security on it or its pods, where they mean nothing.
    pub misplaced_labels: Vec<String>,
    /// The file or release that it comes from, where that is no cluster.
    pub source: Option<String>,
}

/// A volume of a node that a pod reaches through a claim, which Pod Security does not see.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct HostVolume {
    /// The claim.
    pub claim: String,
    /// The path on the node.
    pub path: String,
}

impl Collector {
    /// Knows these custom kinds.
    pub fn new(templates: Templates) -> Self {
        Self { templates, ..Self::default() }
    }

    /// Notes that something could not be read.
    pub fn trouble(&mut self, source: &str, message: impl Into<String>) {
        self.counts.troubles += 1;
        if self.troubles.len() < MOST_TROUBLES {
            self.troubles.push(Trouble { source: source.to_owned(), message: message.into() });
        }
    }

    /// How many objects were taken so far.
    pub fn objects(&self) -> usize {
        self.counts.objects
    }

    fn name(&mut self, text: &str) -> u32 {
        if let Some(number) = self.names.get(text) {
            return *number;
        }
        let number = u32::try_from(self.name_list.len()).unwrap_or(u32::MAX);
        let shared: Arc<str> = text.into();
        self.name_list.push(Arc::clone(&shared));
        self.names.insert(shared, number);
        number
    }

    fn node(&mut self, namespace: &str, group: &str, kind: &str, name: &str) -> u32 {
        let namespace = self.name(namespace);
        let kind = if group.is_empty() { self.name(kind) } else { self.name(&format!("{group}/{kind}")) };
        let next = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        let place = *self.places.entry(Key { namespace, kind, name: name.into() }).or_insert(next);
        if place == next {
            self.nodes.push(Node::default());
        }
        place
    }

    fn at(&mut self, place: u32) -> &mut Node {
        self.nodes.get_mut(place as usize).expect("places come from the list of nodes")
    }
}

impl Subject {
    /// `Deployment/web`
    pub fn title(&self) -> String {
        format!("{}/{}", self.kind, self.name)
    }

    /// Everything that its template or its pods break.
    pub fn broken(&self) -> crate::Breaches {
        let of = |evidence: &Option<Evidence>| {
            evidence.as_ref().map(|evidence| evidence.broken).unwrap_or_default()
        };
        of(&self.template).or(of(&self.pods))
    }

    /// Whether nothing of it runs now, though it may at any time.
    pub fn is_idle(&self) -> bool {
        self.pods.is_none()
    }
}

const MOST_TROUBLES: usize = 1000;
