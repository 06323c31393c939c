//! What the API server talks to: a policy, a sink, and the counters.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use jiff::Timestamp;
use serde::Serialize;

use crate::metrics::Counters;
use crate::policy::{Level, Policy, Stage};
use crate::recording::Recording;
use crate::request::{Request, UserInfo};
use crate::shared::{Clock, Output, Shared};
use crate::sink::Sink;
use crate::writer::Writer;
use crate::{Event, Metrics, request};

/// Records requests as a policy wants them. Clones are the same auditor.
#[derive(Clone)]
pub struct Auditor {
    shared: Arc<Shared>,
}

/// The request could not be recorded and must not run. The client gets 500 as plain text:
/// `Internal Server Error: "<uri>": failed to store audit event`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to store audit event")]
pub struct Rejected;

impl Auditor {
    /// An auditor in mode `blocking`: events are written before the request goes on, and a lost event does not
    /// stop it.
    pub fn new(policy: Policy, sink: impl Sink + 'static) -> Self {
        Self::with(policy, Output::Here(Box::new(sink)), Arc::default())
    }

    /// The same for servers whose threads must not wait for a log: a thread writes the events, and
    /// [`Recording::written`] waits for those of one request.
    ///
    /// # Errors
    /// When there can be no thread.
    pub fn beside(policy: Policy, sink: impl Sink + 'static) -> io::Result<Self> {
        let counters = Arc::default();
        let writer = Writer::start(Box::new(sink), Arc::clone(&counters))?;
        Ok(Self::with(policy, Output::Beside(writer), counters))
    }

    fn with(policy: Policy, output: Output, counters: Arc<Counters>) -> Self {
        let clock = Arc::new(Timestamp::now);
        Self { shared: Arc::new(Shared { policy, output, strict: false, clock, counters }) }
    }

    /// Mode `blocking-strict`: a request whose `RequestReceived` event is lost is rejected. Call before the first
    /// request.
    #[must_use]
    pub fn strict(mut self) -> Self {
        if let Some(shared) = Arc::get_mut(&mut self.shared) {
            shared.strict = true;
        }
        self
    }

    /// Replaces the clock. Call before the first request.
    #[must_use]
    pub fn with_clock(mut self, clock: Clock) -> Self {
        if let Some(shared) = Arc::get_mut(&mut self.shared) {
            shared.clock = clock;
        }
        self
    }

    /// Begins to record a request that was authenticated: asks the policy and writes `RequestReceived`. At level
    /// `None` the recording does nothing. `user` is the one who was authenticated, before impersonation.
    ///
    /// # Errors
    /// In strict mode, when the event is lost.
    pub fn begin(&self, request: &Request<'_>, user: &UserInfo) -> Result<Recording, Rejected> {
        let recording = self.record(request, Some(user));
        if recording.emit(Stage::RequestReceived) || !self.shared.strict {
            return Ok(recording);
        }
        Err(self.reject(&recording))
    }

    /// [`Auditor::begin`], and waits until the event is written.
    ///
    /// # Errors
    /// In strict mode, when the event is lost.
    pub async fn receive(&self, request: &Request<'_>, user: &UserInfo) -> Result<Recording, Rejected> {
        let recording = self.begin(request, user)?;
        if recording.written().await || !self.shared.strict {
            return Ok(recording);
        }
        Err(self.reject(&recording))
    }

    fn reject(&self, recording: &Recording) -> Rejected {
        self.shared.counters.requests_rejected.fetch_add(1, Ordering::Relaxed);
        recording.discard();
        Rejected
    }

    /// Records a request that was refused before or by authentication (401, a malformed `?timeout=`): one single
    /// event, `ResponseStarted`, without a user. `status` is the `metav1.Status` that is answered. The recording is over;
    /// it tells when the event is written.
    pub fn refuse(&self, request: &Request<'_>, status: &impl Serialize) -> Recording {
        let recording = self.record(request, None);
        recording.response_status(status);
        recording.emit(Stage::ResponseStarted);
        recording.discard();
        recording
    }

    /// Whether events reach the log now.
    ///
    /// # Errors
    /// Why they do not, in words.
    pub fn check(&self) -> Result<(), String> {
        match &self.shared.output {
            Output::Here(_) => Ok(()),
            Output::Beside(writer) => writer.check(),
        }
    }

    /// What was counted so far.
    pub fn metrics(&self) -> Metrics {
        self.shared.counters.snapshot()
    }

    /// Makes everything that was written safe, when the server shuts down. Of a log that takes nothing it does not
    /// wait for more than some seconds.
    ///
    /// # Errors
    /// When that cannot be.
    pub fn flush(&self) -> Result<(), crate::sink::Error> {
        match &self.shared.output {
            Output::Here(sink) => sink.flush(),
            Output::Beside(writer) => writer.flush(),
        }
    }

    fn record(&self, request: &Request<'_>, user: Option<&UserInfo>) -> Recording {
        let decision = self.shared.policy.evaluate(&request.attributes, user);
        self.shared.counters.level(decision.level);
        if decision.level == Level::None {
            return Recording::off();
        }
        let event = Event {
            level: decision.level,
            audit_id: request.audit_id.to_owned(),
            stage: Stage::RequestReceived,
            request_uri: request.uri.split('#').next().unwrap_or_default().to_owned(),
            verb: request.attributes.verb.to_owned(),
            user: user.cloned().unwrap_or_default(),
            impersonated_user: None,
            authentication_metadata: None,
            source_ips: request.source_ips.clone(),
            user_agent: request::user_agent(request.user_agent),
            object_ref: request.attributes.object_reference(),
            response_status: None,
            request_object: None,
            response_object: None,
            request_received_timestamp: request.received,
            stage_timestamp: request.received,
            annotations: std::collections::BTreeMap::new(),
        };
        Recording::new(Arc::clone(&self.shared), event, &decision, request.attributes.is_long_running())
    }
}

impl std::fmt::Debug for Auditor {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Auditor").field("policy", &self.shared.policy).finish_non_exhaustive()
    }
}
