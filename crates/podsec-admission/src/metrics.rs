//! The three metrics families of Kubernetes' Pod Security admission, counted and written out.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

use podsec_standards::{Level, Policy, Version};

use crate::request::{Operation, Request, Subject};
use crate::response::{Decision, Event, Response};
use podsec_policy::labels::Mode;

/// Counts what reviews came to. Counting what was counted before takes one shared lock and no allocation.
#[derive(Debug)]
pub struct Metrics {
    errors: Family<ErrorLabels>,
    evaluations: Family<EvaluationLabels>,
    exemptions: Family<RequestLabels>,
}

impl Metrics {
    /// Metrics of which only those series exist that upstream shows from the start, at zero.
    pub fn new() -> Self {
        let metrics = Self {
            errors: Family::new(
                "pod_security_errors_total",
                "[ALPHA] Number of errors preventing normal evaluation. Non-fatal errors may result in the \
                 latest restricted profile being used for evaluation.",
            ),
            evaluations: Family::new(
                "pod_security_evaluations_total",
                "[ALPHA] Number of policy evaluations that occurred, not counting ignored or exempt requests.",
            ),
            exemptions: Family::new(
                "pod_security_exemptions_total",
                "[ALPHA] Number of exempt requests, not counting ignored or out of scope requests.",
            ),
        };
        for operation in [OperationLabel::Create, OperationLabel::Update] {
            for subject in [Subject::Pod, Subject::Controller] {
                let request = RequestLabels { operation: operation.clone(), subject, subresource: None };
                if subject == Subject::Pod {
                    metrics.evaluations.add(
                        EvaluationLabels {
                            decision: Decision::Allow,
                            level: Level::Privileged,
                            version: VersionLabel::Latest,
                            mode: Mode::Enforce,
                            request: request.clone(),
                        },
                        0,
                    );
                }
                metrics.exemptions.add(request, 0);
            }
        }
        metrics
    }

    /// Counts what came of a review.
    pub fn record(&self, request: &Request<'_>, response: &Response) {
        for event in response.events() {
            let request = RequestLabels::of(request);
            match event {
                Event::Error { fatal } => self.errors.add(ErrorLabels { fatal, request }, 1),
                Event::Evaluation { mode, policy, decision, .. } => {
                    let level = policy.level;
                    let version = VersionLabel::of(policy);
                    self.evaluations.add(EvaluationLabels { decision, level, version, mode, request }, 1);
                }
                Event::Exemption => self.exemptions.add(request, 1),
            }
        }
    }

    /// The families in the Prometheus text format 0.0.4, as kube-apiserver serves them: families, series and
    /// labels in alphabetical order; a family without series is left out.
    pub fn render(&self) -> String {
        let mut text = String::new();
        self.errors.render(&mut text);
        self.evaluations.render(&mut text);
        self.exemptions.render(&mut text);
        text
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

/// Counters of one name, told apart by their labels.
#[derive(Debug)]
struct Family<L> {
    name: &'static str,
    help: &'static str,
    counters: RwLock<BTreeMap<L, AtomicU64>>,
}

impl<L: Labels> Family<L> {
    fn new(name: &'static str, help: &'static str) -> Self {
        Self { name, help, counters: RwLock::default() }
    }

    fn add(&self, labels: L, count: u64) {
        // A poisoned lock still guards whole counters: nothing is ever half written.
        if let Some(counter) = self.counters.read().unwrap_or_else(PoisonError::into_inner).get(&labels) {
            counter.fetch_add(count, Ordering::Relaxed);
            return;
        }
        let mut counters = self.counters.write().unwrap_or_else(PoisonError::into_inner);
        counters.entry(labels).or_default().fetch_add(count, Ordering::Relaxed);
    }

    fn render(&self, text: &mut String) {
        let counters = self.counters.read().unwrap_or_else(PoisonError::into_inner);
        if counters.is_empty() {
            return;
        }
        let mut series: Vec<(String, u64)> =
            counters.iter().map(|(labels, count)| (series(labels), count.load(Ordering::Relaxed))).collect();
        series.sort_unstable();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "# HELP {} {}\n# TYPE {} counter", self.name, self.help, self.name);
        for (labels, count) in series {
            let _ = writeln!(text, "{}{{{labels}}} {count}", self.name);
        }
    }
}

/// What tells the counters of a family apart.
trait Labels: Ord {
    /// Hands each label's name and value to `write`, by name.
    fn visit(&self, write: &mut dyn FnMut(&str, &dyn fmt::Display));
}

fn series(labels: &impl Labels) -> String {
    let mut text = String::new();
    labels.visit(&mut |name, value| {
        let separator = if text.is_empty() { "" } else { "," };
        let _ = write!(text, "{separator}{name}=\"{}\"", escaped(&value.to_string()));
    });
    text
}

/// A label's value as the text format quotes it.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct ErrorLabels {
    fatal: bool,
    request: RequestLabels,
}

impl Labels for ErrorLabels {
    fn visit(&self, write: &mut dyn FnMut(&str, &dyn fmt::Display)) {
        write("fatal", &self.fatal);
        self.request.visit(write);
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct EvaluationLabels {
    decision: Decision,
    level: Level,
    version: VersionLabel,
    mode: Mode,
    request: RequestLabels,
}

impl Labels for EvaluationLabels {
    fn visit(&self, write: &mut dyn FnMut(&str, &dyn fmt::Display)) {
        write("decision", &self.decision.as_str());
        write("mode", &self.mode.as_str());
        write("policy_level", &self.level.as_str());
        write("policy_version", &self.version);
        self.request.visit(write);
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct RequestLabels {
    operation: OperationLabel,
    subject: Subject,
    /// None for the resource itself, so that the labels of nearly all requests take no allocation.
    subresource: Option<Box<str>>,
}

impl RequestLabels {
    fn of(request: &Request<'_>) -> Self {
        Self {
            operation: OperationLabel::of(&request.operation),
            subject: request.subject(),
            subresource: Some(request.subresource.as_ref()).filter(|name| !name.is_empty()).map(Box::from),
        }
    }
}

impl Labels for RequestLabels {
    fn visit(&self, write: &mut dyn FnMut(&str, &dyn fmt::Display)) {
        let resource = match self.subject {
            Subject::Controller => "controller",
            Subject::Namespace => "namespace",
            Subject::Pod => "pod",
        };
        write("request_operation", &self.operation);
        write("resource", &resource);
        write("subresource", &self.subresource.as_deref().unwrap_or_default());
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum OperationLabel {
    Connect,
    Create,
    Delete,
    Other(Box<str>),
    Update,
}

impl OperationLabel {
    fn of(operation: &Operation<'_>) -> Self {
        match operation {
            Operation::Connect => Self::Connect,
            Operation::Create => Self::Create,
            Operation::Delete => Self::Delete,
            Operation::Other(name) => Self::Other(name.to_lowercase().into()),
            Operation::Update => Self::Update,
        }
    }
}

impl fmt::Display for OperationLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "connect",
            Self::Create => "create",
            Self::Delete => "delete",
            Self::Other(name) => name,
            Self::Update => "update",
        })
    }
}

/// A policy's version as metrics know it. Whoever labels namespaces could else make any number of series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum VersionLabel {
    /// Later than any version there is.
    Future,
    /// Also every version of the privileged level: they are all the same.
    Latest,
    Numbered(Version),
}

impl VersionLabel {
    fn of(policy: Policy) -> Self {
        if policy.level == Level::Privileged || policy.version == Version::Latest {
            Self::Latest
        } else if policy.version > Version::NEWEST_REVISION {
            Self::Future
        } else {
            Self::Numbered(policy.version)
        }
    }
}

impl fmt::Display for VersionLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Future => f.write_str("future"),
            Self::Latest => f.write_str("latest"),
            Self::Numbered(version) => version.fmt(f),
        }
    }
}
