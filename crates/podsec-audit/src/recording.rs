//! One request on its way: what the log learns of it, and when.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::channel::oneshot;
use serde::Serialize;
use serde_json::Value;

use crate::event::ResponseStatus;
use crate::policy::{Level, RequestAuditConfig, Stage};
use crate::request::UserInfo;
use crate::shared::Shared;
use crate::{Event, body};

/// The events of one request. Clones record the same request.
///
/// When the last clone is dropped without [`Recording::complete`] or [`Recording::panicked`], as when a client
/// goes away and its future is dropped, the request is recorded as complete, and as panicked when a panic drops it:
/// no request that began lacks its end.
#[derive(Clone)]
pub struct Recording {
    active: Option<Arc<Active>>,
}

struct Active {
    shared: Arc<Shared>,
    state: Mutex<State>,
}

struct State {
    event: Event,
    omit_stages: Vec<Stage>,
    omit_managed_fields: bool,
    long_running: bool,
    progress: Progress,
    /// The events that a thread is to write.
    pending: Vec<oneshot::Receiver<bool>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    Received,
    Started,
    Ended,
}

impl Recording {
    /// A recording that does nothing: the policy does not want this request, or nothing is audited at all.
    pub fn off() -> Self {
        Self { active: None }
    }

    pub(crate) fn new(
        shared: Arc<Shared>,
        event: Event,
        decision: &RequestAuditConfig,
        long_running: bool,
    ) -> Self {
        let state = State {
            event,
            omit_stages: decision.omit_stages.clone(),
            omit_managed_fields: decision.omit_managed_fields,
            long_running,
            progress: Progress::Received,
            pending: Vec::new(),
        };
        Self { active: Some(Arc::new(Active { shared, state: Mutex::new(state) })) }
    }

    /// How much is recorded; callers may save themselves the work for what is not.
    pub fn level(&self) -> Level {
        self.state().map_or(Level::None, |state| state.event.level)
    }

    /// Notes in whose name the request runs from here on.
    pub fn impersonated(&self, user: &UserInfo) {
        if let Some(mut state) = self.state() {
            state.event.impersonated_user = Some(user.clone());
        }
    }

    /// Notes an annotation. The first value of a key stays. Later stages carry it.
    pub fn annotate(&self, key: &str, value: &str) {
        let Some(mut state) = self.state() else { return };
        match state.event.annotations.get(key) {
            None => {
                state.event.annotations.insert(key.to_owned(), value.to_owned());
            }
            Some(earlier) if earlier != value => tracing::warn!(
                "Failed to set annotations[{key:?}] to {value:?} for audit:{:?}, it has already been set to {earlier:?}",
                state.event.audit_id
            ),
            Some(_) => {}
        }
    }

    /// [`Recording::annotate`], when at least `level` is recorded; for annotations that quote a body.
    pub fn annotate_at(&self, level: Level, key: &str, value: &str) {
        if self.level() >= level {
            self.annotate(key, value);
        }
    }

    /// Notes the object of a create or update: decoded and defaulted, before admission. It completes what is known
    /// of the object's identity; from level `Request` on it is recorded.
    pub fn request_object(&self, object: &Value) {
        let Some(mut state) = self.state() else { return };
        if let Some(reference) = &mut state.event.object_ref {
            body::complete_reference(reference, object);
        }
        if state.event.level >= Level::Request {
            state.event.request_object = body::of_value(object, state.omit_managed_fields);
        }
    }

    /// Notes the options of a delete, as Kubernetes records them: whatever version was sent, it is the internal one.
    pub fn delete_options(&self, options: &Value) {
        let Some(mut state) = self.state() else { return };
        if state.event.level >= Level::Request {
            state.event.request_object = body::of_delete_options(options);
        }
    }

    /// Notes the body of a patch as it came, before it is looked at. YAML becomes JSON, anything else a JSON string.
    pub fn patch(&self, patch: &[u8]) {
        let Some(mut state) = self.state() else { return };
        if state.event.level >= Level::Request {
            state.event.request_object = body::of_patch(patch);
        }
    }

    /// Notes the object that is answered, in the shape the client asked for; at level `RequestResponse` it is
    /// recorded.
    pub fn response_object(&self, object: &Value) {
        let Some(mut state) = self.state() else { return };
        if state.event.level >= Level::RequestResponse {
            state.event.response_object = body::of_value(object, state.omit_managed_fields);
        }
    }

    /// Notes the `metav1.Status` that is answered: its words at every level, itself at level `RequestResponse`.
    pub fn response_status(&self, status: &impl Serialize) {
        let Some(mut state) = self.state() else { return };
        let Some(written) = body::of(status) else { return };
        if let Ok(status) = serde_json::from_str::<ResponseStatus>(written.get()) {
            state.event.response_status = Some(status);
        }
        if state.event.level >= Level::RequestResponse {
            state.event.response_object = Some(written);
        }
    }

    /// Notes that the answer begins with this status code; the first one counts. A long-running request records
    /// `ResponseStarted`: call it before any byte goes out, upgrades (101) included.
    pub fn started(&self, code: u16) {
        let Some(active) = &self.active else { return };
        let mut state = active.state();
        if state.progress == Progress::Received {
            state.event.response_status.get_or_insert_default().code = Some(code);
            active.start(&mut state);
        }
    }

    /// Records `ResponseComplete`: the answer went out to its last byte. Only the first end counts.
    pub fn complete(&self) {
        if let Some(active) = &self.active {
            active.complete(&mut active.state());
        }
    }

    /// Records `Panic`, with what the handler said. Only the first end counts.
    pub fn panicked(&self, message: &str) {
        if let Some(active) = &self.active {
            active.panicked(&mut active.state(), message);
        }
    }

    /// Waits until all events that were recorded so far are written. Whether all of them were kept.
    pub async fn written(&self) -> bool {
        let pending = self.state().map(|mut state| std::mem::take(&mut state.pending)).unwrap_or_default();
        let mut kept = true;
        for event in pending {
            // The thread is gone only when nothing can be written any more.
            kept &= event.await.unwrap_or(false);
        }
        kept
    }

    /// Records a stage. Whether that went well.
    pub(crate) fn emit(&self, stage: Stage) -> bool {
        self.active.as_ref().is_none_or(|active| active.emit(&mut active.state(), stage))
    }

    /// Forgets the request: no further event.
    pub(crate) fn discard(&self) {
        if let Some(mut state) = self.state() {
            state.progress = Progress::Ended;
        }
    }

    fn state(&self) -> Option<MutexGuard<'_, State>> {
        self.active.as_ref().map(|active| active.state())
    }
}

impl Active {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start(&self, state: &mut State) {
        state.progress = Progress::Started;
        if state.long_running {
            self.emit(state, Stage::ResponseStarted);
        }
    }

    fn complete(&self, state: &mut State) {
        if state.progress == Progress::Ended {
            return;
        }
        if state.progress == Progress::Received {
            state.event.response_status = Some(ResponseStatus {
                status: "Success".to_owned(),
                message: "Connection closed early".to_owned(),
                code: Some(200),
                ..ResponseStatus::default()
            });
            self.start(state);
        }
        self.emit(state, Stage::ResponseComplete);
        state.progress = Progress::Ended;
    }

    fn panicked(&self, state: &mut State, message: &str) {
        if state.progress == Progress::Ended {
            return;
        }
        state.event.response_status = Some(ResponseStatus {
            status: "Failure".to_owned(),
            message: format!("APIServer panic'd: {message}"),
            reason: "InternalError".to_owned(),
            code: Some(500),
            ..ResponseStatus::default()
        });
        self.emit(state, Stage::Panic);
        state.progress = Progress::Ended;
    }

    fn emit(&self, state: &mut State, reached: Stage) -> bool {
        if state.omit_stages.contains(&reached) {
            return true;
        }
        state.event.stage = reached;
        if reached != Stage::RequestReceived {
            state.event.stage_timestamp = self.shared.now();
        }
        let State { event, pending, .. } = state;
        self.shared.write(event, pending)
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        let mut state = self.state();
        if std::thread::panicking() {
            self.panicked(&mut state, "unknown");
        } else {
            self.complete(&mut state);
        }
    }
}

impl std::fmt::Debug for Recording {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Recording").field("level", &self.level()).finish()
    }
}
