//! For each namespace the strictest level, and the newest version of it, that nothing in it would break.
//!
//! ```text
//! subjects' breaches:  0110 0000   0010 0000          all of them: 0110 0000
//! restricted:latest    1110 0010   ── and ──► 0110 0000   refused
//! restricted:v1.25     1001 0000   ── and ──► 0000 0000   nothing: the plan
//! ```
//!
//! A subject counts with its template and with its pods, since the next pod is made of the template, and what is added on
//! the way is seen in the pods alone.

mod apply;
mod commands;
mod html;
mod json;
mod markdown;
mod table;

use podsec_policy::{Configuration, Policies};
use podsec_standards::{Level, Policy, Version};
use serde::Serialize;

pub use apply::{Change, LabelStep, steps};
pub use commands::{kubectl, kustomize, manifests};
pub use html::html;
pub use json::{SCHEMA, json};
pub use markdown::markdown;
pub use table::table;

use crate::Breaches;
use crate::breaches::newest;
use crate::collect::{BrokenRule, Contents, Counts, Evidence, Inventory, Subject, Trouble};
use crate::labels::{self, LabelFault};

/// What a plan is made by.
#[derive(Clone, Debug)]
pub struct PlanOptions {
    /// The defaults and exemptions of the cluster.
    pub configuration: Configuration,
    /// What `latest` means: the cluster's own version.
    pub cluster: Version,
    /// No older version is suggested.
    pub oldest: Version,
    /// Whether `latest` is written as the version that it means.
    pub pin: bool,
    /// Whether the namespaces that no label and no object names are planned, too.
    pub namespaces: Vec<String>,
}

impl Default for PlanOptions {
    /// Nothing is configured; the newest version; back to v1.25, the first in which Pod Security was stable.
    fn default() -> Self {
        Self {
            configuration: Configuration::default(),
            cluster: Version::NEWEST_REVISION,
            oldest: Version::V1(25),
            pin: false,
            namespaces: Vec::new(),
        }
    }
}

/// The labels that a cluster can have.
#[derive(Clone, Debug)]
pub struct Plan {
    /// By name.
    pub namespaces: Vec<NamespacePlan>,
    /// How much was read.
    pub counts: Counts,
    /// What could not be read.
    pub troubles: Vec<Trouble>,
    /// What `latest` was taken for.
    pub cluster: Version,
}

/// Whether and how a namespace is labelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Labelling {
    /// There is no Namespace object, so its labels are not known.
    Unknown,
    /// It has no label of Pod Security.
    Unlabelled,
    /// It has some.
    Labelled,
    /// It has some, and something is wrong with them.
    Mislabelled,
    /// The configuration exempts it.
    Exempt,
}

/// The labels that a namespace can have.
#[derive(Clone, Debug)]
pub struct NamespacePlan {
    /// The namespace.
    pub name: String,
    /// Whether and how it is labelled.
    pub labelling: Labelling,
    /// What is wrong with its labels.
    pub faults: Vec<LabelFault>,
    /// Its labels of Pod Security as they are.
    pub labels: Vec<(String, String)>,
    /// What holds now.
    pub current: Policies,
    /// What can hold in each mode, so that nothing in it is refused, noted or warned about.
    pub suggested: Policies,
    /// What refuses something at the level above, and at the newest version if the planned one is older.
    pub next: Vec<Step>,
    /// What would be refused now if it were made again.
    pub refused_now: Vec<Blocker>,
    /// Volumes of nodes that Pod Security does not see.
    pub unseen: Vec<Unseen>,
    /// Whatever makes pods in it.
    pub subjects: usize,
    /// How many of these have no pod now.
    pub idle: usize,
    /// How many are pods of the kubelet's own.
    pub mirror: usize,
    /// How many only a runtime class or an exempt user lets in.
    pub exempt_subjects: usize,
}

/// A stricter policy and what stands in its way.
#[derive(Clone, Debug)]
pub struct Step {
    /// The policy.
    pub policy: Policy,
    /// What it would refuse, what needs the fewest edits first.
    pub blockers: Vec<Blocker>,
}

/// A subject that a policy refuses, and why.
#[derive(Clone, Debug)]
pub struct Blocker {
    /// `Deployment/web`
    pub subject: String,
    /// What made it.
    pub managed_by: Option<String>,
    /// The file or release that it comes from.
    pub source: Option<String>,
    /// Whether it is a pod of the kubelet's own.
    pub mirror: bool,
    /// How many pods it has.
    pub pods: usize,
    /// How many fields have to be edited.
    pub edits: usize,
    /// What refuses it.
    pub rules: Vec<BlockingRule>,
}

/// A rule that refuses a subject.
#[derive(Clone, Debug)]
pub struct BlockingRule {
    /// The revision and what it says.
    pub rule: BrokenRule,
    /// Whose doing it is.
    pub origin: BreachOrigin,
}

/// Whose doing a breach is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BreachOrigin {
    /// The template's own.
    Template,
    /// The pod's own, which has no template that was read.
    Pod,
    /// An injector, whose containers have a name of its own.
    Injector(&'static str),
    /// Something that changed pods on their way: the template does not break the rule.
    Unknown,
}

/// A volume of a node that a subject reaches through a claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unseen {
    /// `StatefulSet/db`
    pub subject: String,
    /// The claim.
    pub claim: String,
    /// The path on the node.
    pub path: String,
}

/// The labels that each namespace can have.
pub fn plan(inventory: &Inventory, options: &PlanOptions) -> Plan {
    let wanted =
        |name: &str| options.namespaces.is_empty() || options.namespaces.iter().any(|wanted| wanted == name);
    let namespaces = inventory.namespaces.iter().filter(|(name, _)| wanted(name));
    Plan {
        namespaces: namespaces.map(|(name, contents)| namespace(name, contents, options)).collect(),
        counts: inventory.counts.clone(),
        troubles: inventory.troubles.clone(),
        cluster: options.cluster,
    }
}

fn namespace(name: &str, contents: &Contents, options: &PlanOptions) -> NamespacePlan {
    let Configuration { defaults, exemptions } = &options.configuration;
    let exempt = exemptions.has_namespace(name);
    let labels = labels::read(contents.object.as_ref());
    let current = labels.policies(defaults);
    let faults = labels::faults(contents, defaults, exempt);
    let own = contents.object.as_ref().map(|object| &object.labels);
    let of_pod_security = |(key, _): &(&String, &String)| labels::KEYS.contains(&key.as_str());
    let own: Vec<(String, String)> = own
        .into_iter()
        .flatten()
        .filter(of_pod_security)
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let labelling = match (exempt, &contents.object) {
        (true, _) => Labelling::Exempt,
        (_, None) => Labelling::Unknown,
        _ if !faults.is_empty() => Labelling::Mislabelled,
        _ if own.is_empty() => Labelling::Unlabelled,
        _ => Labelling::Labelled,
    };
    let all = &contents.subjects;
    let enforced: Vec<&Subject> = all.iter().filter(|subject| !is_exempt(subject, options, true)).collect();
    let advised: Vec<&Subject> = all.iter().filter(|subject| !is_exempt(subject, options, false)).collect();
    let enforce = strictest(union(&enforced), options);
    let advice = strictest(union(&advised), options);
    let suggested = Policies { enforce, audit: advice, warn: advice };
    let refused_now =
        if exempt { Vec::new() } else { blockers(&enforced, as_known(current.enforce, options)) };
    let unseen = all.iter().flat_map(|subject| {
        subject.host_volumes.iter().map(|volume| Unseen {
            subject: subject.title(),
            claim: volume.claim.clone(),
            path: volume.path.clone(),
        })
    });
    NamespacePlan {
        name: name.to_owned(),
        labelling,
        faults,
        labels: own,
        current,
        suggested: written(suggested, options),
        next: next(&enforced, enforce, options),
        refused_now,
        unseen: unseen.collect(),
        subjects: all.len(),
        idle: all.iter().filter(|subject| subject.is_idle()).count(),
        mirror: all.iter().filter(|subject| subject.mirror).count(),
        exempt_subjects: all.len() - enforced.len(),
    }
}

/// Whether no policy binds a subject: by its runtime class; or, where pods are refused, by the user who makes them.
pub(crate) fn is_exempt(subject: &Subject, options: &PlanOptions, refused: bool) -> bool {
    let exemptions = &options.configuration.exemptions;
    let by_class = subject.runtime_class.as_ref().is_some_and(|class| exemptions.has_runtime_class(class));
    let controller = match (subject.group.as_str(), subject.kind.as_str()) {
        ("apps", "Deployment" | "ReplicaSet") => "replicaset-controller",
        ("apps", "StatefulSet") => "statefulset-controller",
        ("apps", "DaemonSet") => "daemon-set-controller",
        ("batch", "Job" | "CronJob") => "job-controller",
        ("", "ReplicationController") => "replication-controller",
        _ => return by_class,
    };
    by_class
        || (refused && exemptions.has_username(&format!("system:serviceaccount:kube-system:{controller}")))
}

fn union(subjects: &[&Subject]) -> Breaches {
    subjects.iter().fold(Breaches::NONE, |all, subject| all.or(subject.broken()))
}

/// The strictest level that breaches are no reason against, and the newest version of it.
fn strictest(broken: Breaches, options: &PlanOptions) -> Policy {
    for level in [Level::Restricted, Level::Baseline] {
        for version in versions(options) {
            let policy = Policy::new(level, version);
            if !broken.are_refused_by(as_known(policy, options)) {
                return policy;
            }
        }
    }
    Policy::new(Level::Privileged, Version::Latest)
}

/// The versions that may be suggested, the newest first; it is called latest.
fn versions(options: &PlanOptions) -> impl Iterator<Item = Version> + use<> {
    let oldest = minor(options.oldest);
    let before = (oldest..minor(options.cluster)).rev().map(Version::V1);
    std::iter::once(Version::Latest).chain(before)
}

fn minor(version: Version) -> u64 {
    match version {
        Version::V1(minor) => minor,
        Version::Latest => newest(),
    }
}

/// A policy by which the cluster judges: it knows no revision that is newer than itself.
pub(crate) fn as_known(policy: Policy, options: &PlanOptions) -> Policy {
    Policy::new(policy.level, Version::V1(minor(policy.version).min(minor(options.cluster))))
}

fn written(policies: Policies, options: &PlanOptions) -> Policies {
    let one = |policy: Policy| match policy.version {
        Version::Latest if options.pin && policy.level != Level::Privileged => {
            Policy::new(policy.level, Version::V1(minor(options.cluster)))
        }
        _ => policy,
    };
    Policies { enforce: one(policies.enforce), audit: one(policies.audit), warn: one(policies.warn) }
}

/// The policies that are stricter than the planned one, and what each refuses.
fn next(subjects: &[&Subject], planned: Policy, options: &PlanOptions) -> Vec<Step> {
    let mut policies = Vec::new();
    if planned.version != Version::Latest {
        policies.push(Policy::new(planned.level, Version::Latest));
    }
    policies.extend(match planned.level {
        Level::Privileged => Some(Policy::new(Level::Baseline, Version::Latest)),
        Level::Baseline => Some(Policy::new(Level::Restricted, Version::Latest)),
        Level::Restricted => None,
    });
    let step = |policy| Step { policy, blockers: blockers(subjects, as_known(policy, options)) };
    policies.into_iter().map(step).collect()
}

/// What a policy refuses, what needs the fewest edits first.
pub(crate) fn blockers(subjects: &[&Subject], policy: Policy) -> Vec<Blocker> {
    let asked = Breaches::asked_by(policy);
    let refused = subjects.iter().filter(|subject| !subject.broken().and(asked).is_empty());
    let mut found: Vec<Blocker> = refused.map(|subject| blocker(subject, asked)).collect();
    found.sort_by(|a, b| (a.edits, &a.subject).cmp(&(b.edits, &b.subject)));
    found
}

fn blocker(subject: &Subject, asked: Breaches) -> Blocker {
    let none = Evidence::default();
    let template = subject.template.as_ref().unwrap_or(&none);
    let pods = subject.pods.as_ref().unwrap_or(&none);
    let mut rules: Vec<BlockingRule> = Vec::new();
    for rule in template.rules.iter().filter(|rule| asked.has(rule.number)) {
        rules.push(BlockingRule { rule: rule.clone(), origin: BreachOrigin::Template });
    }
    for rule in pods.rules.iter().filter(|rule| asked.has(rule.number) && !template.broken.has(rule.number)) {
        let origin = match (rule.injector(), &subject.template) {
            (Some(injector), _) => BreachOrigin::Injector(injector),
            (None, Some(_)) => BreachOrigin::Unknown,
            (None, None) => BreachOrigin::Pod,
        };
        rules.push(BlockingRule { rule: rule.clone(), origin });
    }
    rules.sort_by_key(|rule| rule.rule.number);
    Blocker {
        subject: subject.title(),
        managed_by: subject.managed_by.clone(),
        source: subject.source.clone(),
        mirror: subject.mirror,
        pods: pods.count,
        edits: rules.iter().map(|rule| rule.rule.saying.edits).sum(),
        rules,
    }
}

impl BreachOrigin {
    /// For people: empty where there is nothing to add.
    pub fn words(self) -> String {
        match self {
            Self::Template | Self::Pod => String::new(),
            Self::Injector(injector) => format!("added by {injector}"),
            Self::Unknown => "not in the template: something changed the pod when it was made".to_owned(),
        }
    }
}

impl NamespacePlan {
    /// Whether the labels would be other ones.
    pub fn changes(&self) -> bool {
        self.labelling != Labelling::Exempt && !commands::changed(self).is_empty()
    }
}
