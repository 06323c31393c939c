//! What admission answers: a response is only ever made by [`Admission::review`](crate::Admission::review).

use std::borrow::Cow;

use podsec_apimachinery::Status;
use podsec_standards::{CHECKS, Evaluation, Policy, Violation};

use podsec_policy::labels::Mode;

/// The answer to one request. Nothing but a review makes one, so no adapter can forget to ask:
///
/// ```compile_fail
/// let response = podsec_admission::Response::default();
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    refusal: Option<Box<Status>>,
    warnings: Vec<String>,
    audit_annotations: AuditAnnotations,
    events: Events,
    objectless: bool,
}

impl Response {
    /// Whether the request may go on.
    pub fn allowed(&self) -> bool {
        self.refusal.is_none()
    }

    /// Why the request is refused; none when it is allowed.
    pub fn status(&self) -> Option<&Status> {
        self.refusal.as_deref()
    }

    /// What the caller is to be told, in order.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// What the audit log is to note.
    pub fn audit_annotations(&self) -> &AuditAnnotations {
        &self.audit_annotations
    }

    /// What the metrics count.
    pub fn events(&self) -> impl Iterator<Item = Event> {
        self.events.iter()
    }

    /// Whether the request named a kind that may hold a pod template and brought no object to look into, as a
    /// DELETE does. Upstream's webhook breaks off without an answer, and so should any other: the API server
    /// then does what the webhook's failure policy says.
    pub fn lacks_object(&self) -> bool {
        self.objectless
    }
}

/// The audit annotations of one response, sorted by key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditAnnotations {
    pub(crate) audit_violations: Option<String>,
    pub(crate) enforce_policy: Option<Policy>,
    pub(crate) error: Option<String>,
    pub(crate) exempt: Option<Exemption>,
}

impl AuditAnnotations {
    /// The annotations as keys and values. The keys have no prefix, as webhooks answer them; the audit log of
    /// kube-apiserver's own admission has [`labels::PREFIX`](crate::labels::PREFIX) before them.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, Cow<'_, str>)> {
        [
            self.audit_violations.as_deref().map(|text| ("audit-violations", Cow::Borrowed(text))),
            self.enforce_policy.map(|policy| ("enforce-policy", Cow::Owned(policy.to_string()))),
            self.error.as_deref().map(|text| ("error", Cow::Borrowed(text))),
            self.exempt.map(|exemption| ("exempt", Cow::Borrowed(exemption.as_str()))),
        ]
        .into_iter()
        .flatten()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Why a request is exempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exemption {
    /// Its namespace is.
    Namespace,
    /// The pod's runtime class is.
    RuntimeClass,
    /// The user is.
    User,
}

impl Exemption {
    /// The value of the audit annotation `exempt`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Namespace => "namespace",
            Self::RuntimeClass => "runtimeClass",
            Self::User => "user",
        }
    }
}

/// Something that the metrics count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Something kept the request from being judged (`fatal`), or the namespace's labels from being read.
    Error {
        /// Whether the request was not judged at all.
        fatal: bool,
    },
    /// A policy was applied. Audit and warn are counted only when they found violations.
    Evaluation {
        /// The mode.
        mode: Mode,
        /// The policy.
        policy: Policy,
        /// What came of it.
        decision: Decision,
        /// What the pod does that the policy forbids.
        violated: Violated,
    },
    /// The request was exempt.
    Exemption,
}

/// What came of applying a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Decision {
    /// The pod satisfies the policy.
    Allow,
    /// The pod violates the policy.
    Deny,
}

impl Decision {
    /// The decision as metrics spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
        }
    }
}

/// The checks that a pod violates, as a set that costs nothing to pass on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Violated(u32);

impl Violated {
    /// Those of an evaluation.
    pub(crate) fn of(evaluation: &Evaluation<'_>) -> Self {
        let place = |violation: &Violation<'_>| {
            CHECKS.iter().position(|check| std::ptr::eq(*check, violation.check)).unwrap_or_default()
        };
        Self(evaluation.violations.iter().map(place).fold(0, |set, place| set | 1 << place))
    }

    /// Whether the check at this place is among them. The places are those of [`Violated::ids`].
    pub fn has(self, place: usize) -> bool {
        place < Self::CHECKS && self.0 >> place & 1 == 1
    }

    /// Upstream's names of all checks, in Kubernetes' order.
    pub fn ids() -> impl Iterator<Item = &'static str> {
        CHECKS.iter().map(|check| check.id)
    }

    /// How many checks there are.
    pub const CHECKS: usize = CHECKS.len();
}

// One bit a check.
const _: () = assert!(CHECKS.len() <= 32);

/// The events of one review. At most one of each sort can happen, so they need no list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Events {
    error: Option<Event>,
    enforce: Option<Event>,
    audit: Option<Event>,
    warn: Option<Event>,
    exemption: Option<Event>,
}

impl Events {
    fn iter(&self) -> impl Iterator<Item = Event> {
        [self.error, self.enforce, self.audit, self.warn, self.exemption].into_iter().flatten()
    }
}

/// How the modules of this crate compose a response.
impl Response {
    pub(crate) fn allow() -> Self {
        Self {
            refusal: None,
            warnings: Vec::new(),
            audit_annotations: AuditAnnotations::default(),
            events: Events::default(),
            objectless: false,
        }
    }

    pub(crate) fn allow_with_warnings(warnings: Vec<String>) -> Self {
        Self { warnings, ..Self::allow() }
    }

    pub(crate) fn exempt(exemption: Exemption) -> Self {
        let audit_annotations = AuditAnnotations { exempt: Some(exemption), ..AuditAnnotations::default() };
        Self { audit_annotations, ..Self::allow() }
    }

    pub(crate) fn refuse(status: Status) -> Self {
        Self { refusal: Some(Box::new(status)), ..Self::allow() }
    }

    /// Refuses what could not be judged; the audit log learns the cause, too.
    pub(crate) fn refuse_with_error(status: Status, cause: Option<&dyn std::fmt::Display>) -> Self {
        let error = match cause {
            Some(cause) => format!("{}: {cause}", status.message),
            None => status.message.clone(),
        };
        Self::refuse(status).noting_error(error)
    }

    /// Allows what could not be judged; only the audit log learns the cause.
    pub(crate) fn allow_with_error(error: String) -> Self {
        Self::allow().noting_error(error)
    }

    pub(crate) fn objectless(status: Status) -> Self {
        Self { objectless: true, ..Self::refuse(status) }
    }

    pub(crate) fn noting_error(mut self, error: String) -> Self {
        self.audit_annotations.error = Some(error);
        self
    }

    pub(crate) fn noting_enforce_policy(mut self, policy: Policy) -> Self {
        self.audit_annotations.enforce_policy = Some(policy);
        self
    }

    pub(crate) fn noting_audit_violations(mut self, violations: String) -> Self {
        self.audit_annotations.audit_violations = Some(violations);
        self
    }

    pub(crate) fn warning(mut self, warning: String) -> Self {
        self.warnings.push(warning);
        self
    }

    pub(crate) fn counting(mut self, event: Event) -> Self {
        let slot = match event {
            Event::Error { .. } => &mut self.events.error,
            Event::Evaluation { mode: Mode::Audit, .. } => &mut self.events.audit,
            Event::Evaluation { mode: Mode::Enforce, .. } => &mut self.events.enforce,
            Event::Evaluation { mode: Mode::Warn, .. } => &mut self.events.warn,
            Event::Exemption => &mut self.events.exemption,
        };
        *slot = Some(event);
        self
    }
}
