//! What an examination finds.

use serde::Serialize;

/// Everything that one examination found, in the order in which it looked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The ValidatingWebhookConfiguration that was examined.
    pub configuration: String,
    /// One at least.
    pub findings: Vec<Finding>,
}

/// One thing that was found out, or could not be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Which question it answers.
    pub topic: Topic,
    /// Whether the answer is good.
    pub status: Status,
    /// The answer, one line.
    pub message: String,
    /// What to do about it; none when nothing has to be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

/// A question that an examination asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Topic {
    /// Does the API server know of the webhook?
    Registered,
    /// Is it asked about every kind?
    Kinds,
    /// Is it asked about every namespace?
    Namespaces,
    /// Does it answer?
    Reachable,
    /// Does the API server believe its certificate, and for how long?
    Trusted,
    /// What happens when it does not answer?
    Outage,
}

/// How good an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// As it should be.
    Ok,
    /// Not as good as it could be, or not known.
    Warning,
    /// Pods are let in that should not be, or kept out that should.
    Problem,
}

impl Topic {
    /// The name of the topic.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::Kinds => "kinds",
            Self::Namespaces => "namespaces",
            Self::Reachable => "reachable",
            Self::Trusted => "trusted",
            Self::Outage => "outage",
        }
    }
}

impl Status {
    /// The name of the status.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }
}

impl Report {
    pub(super) fn new(configuration: &str) -> Self {
        Self { configuration: configuration.to_owned(), findings: Vec::new() }
    }

    pub(super) fn add(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    pub(super) fn extend(&mut self, findings: Vec<Finding>) {
        self.findings.extend(findings);
    }

    /// How many findings have this status.
    pub fn count(&self, status: Status) -> usize {
        self.findings.iter().filter(|finding| finding.status == status).count()
    }
}

impl Finding {
    pub(super) fn ok(topic: Topic, message: impl Into<String>) -> Self {
        Self { topic, status: Status::Ok, message: message.into(), advice: None }
    }

    pub(super) fn warning(topic: Topic, message: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { topic, status: Status::Warning, message: message.into(), advice: Some(advice.into()) }
    }

    pub(super) fn problem(topic: Topic, message: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { topic, status: Status::Problem, message: message.into(), advice: Some(advice.into()) }
    }
}
