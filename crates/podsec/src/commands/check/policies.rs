//! Which policy a pod is judged by: what the command line says, what its namespace says, what the configuration says.

use std::collections::HashMap;
use std::fs;
use std::path::{self, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use globset::GlobMatcher;
use podsec_admission::{Configuration, NamespaceLabels, Policies as NamespacePolicies};
use podsec_manifest::input::{self, Input, Namespace};
use podsec_manifest::{AdvisoryMode, ObjectName, Source};
use podsec_standards::{Level, Pod, Policy, Version};

use super::super::values::{levels, versions};

/// The flags that say how strictly pods are judged.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct PolicyArguments {
    /// The level that every pod must satisfy: privileged, baseline or restricted. Without it, what the labels of the
    /// pods' namespaces say, else what --config says, else restricted.
    #[arg(long, value_parser = levels())]
    pub(crate) level: Option<Level>,

    /// The version of the standards: latest, or a Kubernetes version such as v1.30. Needs --level.
    #[arg(long, value_name = "VERSION", requires = "level", value_parser = versions(), hide_possible_values = true)]
    pub(crate) version: Option<Version>,

    /// The cluster's namespaces, as `kubectl get namespaces -o yaml` prints them: their labels say how strictly the
    /// pods in them are judged.
    #[arg(long, value_name = "FILE")]
    pub(crate) namespaces: Option<PathBuf>,

    /// The cluster's PodSecurityConfiguration: defaults for namespaces without labels, and exemptions.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Which of a namespace's three modes to judge by; enforce when left out.
    #[arg(long, value_name = "MODE")]
    pub(crate) mode: Option<ModeArgument>,

    /// The policies of files that podsec.toml names, without --level; the last that fits counts.
    #[arg(skip)]
    pub(crate) by_path: Vec<(GlobMatcher, Policy)>,
}

/// A mode of Pod Security.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ModeArgument {
    /// What is refused.
    Enforce,
    /// What the audit log notes.
    Audit,
    /// What kubectl warns about.
    Warn,
}

/// The policies of all namespaces.
#[derive(Debug)]
pub(crate) struct Policies {
    given: Option<Policy>,
    by_path: Vec<(GlobMatcher, Policy)>,
    namespaces: HashMap<String, NamespaceLabels>,
    configuration: Option<Configuration>,
    mode: ModeArgument,
    fell_back: AtomicBool,
}

impl Policies {
    /// Reads what the flags name, and the labels of the namespaces among the inputs.
    pub(crate) fn new(arguments: &PolicyArguments, inputs: &[Input]) -> anyhow::Result<Self> {
        let version = arguments.version.unwrap_or(Version::Latest);
        let given = arguments.level.map(|level| Policy::new(level, version));
        let configuration = match &arguments.config {
            Some(path) => Some(configuration(path)?),
            None => None,
        };
        let mut found = Vec::new();
        if given.is_none() {
            found = input::namespaces(inputs, configuration.is_none());
            // What the cluster says comes last, and wins.
            if let Some(path) = &arguments.namespaces {
                found.extend(cluster_namespaces(path)?);
            }
        }
        let mut namespaces = HashMap::new();
        for namespace in found {
            let labels: NamespaceLabels = namespace.labels.iter().map(|(key, value)| (key, value)).collect();
            if let Some(error) = labels.errors().first() {
                bail!("{}:{}: namespace {:?}: {error}", namespace.source, namespace.position, namespace.name);
            }
            // A namespace that says nothing decides nothing, unless the configuration speaks for it.
            if labels != NamespaceLabels::default() || configuration.is_some() {
                namespaces.insert(namespace.name, labels);
            }
        }
        Ok(Self {
            given,
            by_path: arguments.by_path.clone(),
            namespaces,
            configuration,
            mode: arguments.mode.unwrap_or(ModeArgument::Enforce),
            fell_back: AtomicBool::new(false),
        })
    }

    /// The policies of a file.
    pub(crate) fn of_file<'p>(&'p self, file: &'p str) -> FilePolicies<'p> {
        FilePolicies { policies: self, file }
    }

    /// Whether some pod was judged by restricted:latest because nothing said otherwise.
    pub(crate) fn fell_back(&self) -> bool {
        self.fell_back.load(Ordering::Relaxed)
    }

    fn of_namespace(&self, name: &str) -> Policy {
        let Some(policies) = self.modes(name) else {
            self.fell_back.store(true, Ordering::Relaxed);
            return Policy::new(Level::Restricted, Version::Latest);
        };
        match self.mode {
            ModeArgument::Enforce => policies.enforce,
            ModeArgument::Audit => policies.audit,
            ModeArgument::Warn => policies.warn,
        }
    }

    /// The policies of the three modes in a namespace, if something says them.
    fn modes(&self, namespace: &str) -> Option<NamespacePolicies> {
        let defaults = self.configuration.as_ref().map(|configuration| configuration.defaults);
        match (self.namespaces.get(namespace), defaults) {
            (Some(labels), defaults) => Some(labels.policies(&defaults.unwrap_or_default())),
            (None, defaults) => defaults,
        }
    }

    fn is_exempt(&self, namespace: &str, pod: &Pod<'_>) -> bool {
        self.configuration.as_ref().is_some_and(|Configuration { exemptions, .. }| {
            let runtime_class = pod.runtime_class_name();
            exemptions.has_namespace(namespace)
                || runtime_class.is_some_and(|name| exemptions.has_runtime_class(name))
        })
    }
}

fn namespace(object: &ObjectName) -> &str {
    if object.namespace.is_empty() { DEFAULT_NAMESPACE } else { &object.namespace }
}

impl podsec_manifest::Policies for Policies {
    fn policy(&self, object: &ObjectName, pod: &Pod<'_>) -> Option<Policy> {
        let namespace = namespace(object);
        if self.is_exempt(namespace, pod) {
            return None;
        }
        Some(self.given.unwrap_or_else(|| self.of_namespace(namespace)))
    }

    fn policy_in(&self, file: &str, object: &ObjectName, pod: &Pod<'_>) -> Option<Policy> {
        if self.by_path.is_empty() || self.is_exempt(namespace(object), pod) {
            return self.policy(object, pod);
        }
        let of_file = path::absolute(file).ok().and_then(|file| {
            self.by_path.iter().rev().find(|(glob, _)| glob.is_match(&file)).map(|(_, policy)| *policy)
        });
        of_file.or_else(|| self.policy(object, pod))
    }

    fn advice(&self, object: &ObjectName, pod: &Pod<'_>) -> Vec<(AdvisoryMode, Policy)> {
        let namespace = namespace(object);
        let is_asked = self.given.is_none() && self.mode == ModeArgument::Enforce;
        let modes = self.modes(namespace).filter(|_| is_asked && !self.is_exempt(namespace, pod));
        let pairs = modes
            .map(|policies| [(AdvisoryMode::Warn, policies.warn), (AdvisoryMode::Audit, policies.audit)]);
        let restricts = |(_, policy): &(AdvisoryMode, Policy)| policy.level != Level::Privileged;
        pairs.into_iter().flatten().filter(restricts).collect()
    }
}

/// The policies of one file.
pub(crate) struct FilePolicies<'p> {
    policies: &'p Policies,
    file: &'p str,
}

impl podsec_manifest::Policies for FilePolicies<'_> {
    fn policy(&self, object: &ObjectName, pod: &Pod<'_>) -> Option<Policy> {
        self.policies.policy_in(self.file, object, pod)
    }
}

fn configuration(path: &PathBuf) -> anyhow::Result<Configuration> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    Configuration::from_yaml(&text).with_context(|| format!("cannot use {}", path.display()))
}

fn cluster_namespaces(path: &PathBuf) -> anyhow::Result<Vec<Namespace>> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    for document in podsec_yaml::documents(&text) {
        document.with_context(|| format!("cannot use {}", path.display()))?;
    }
    let source = Source { name: path.to_string_lossy().into_owned(), text };
    let found = input::namespaces(&[Input::Text(source)], false);
    if found.is_empty() {
        bail!("there is no Namespace in {}", path.display());
    }
    Ok(found)
}

/// Where objects go that name no namespace.
const DEFAULT_NAMESPACE: &str = "default";
