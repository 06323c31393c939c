//! What an auditor and its recordings share.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use jiff::Timestamp;

use futures::channel::oneshot;

use crate::event::Event;
use crate::metrics::Counters;
use crate::policy::Policy;
use crate::sink::Sink;
use crate::writer::{Writer, record};

/// Where the auditor reads the time; replaced in tests.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What all clones of an auditor have.
pub(crate) struct Shared {
    pub(crate) policy: Policy,
    pub(crate) output: Output,
    pub(crate) strict: bool,
    pub(crate) clock: Clock,
    pub(crate) counters: Arc<Counters>,
}

/// Who writes the events.
pub(crate) enum Output {
    /// Whoever records them.
    Here(Box<dyn Sink>),
    /// A thread of its own.
    Beside(Writer),
}

impl Shared {
    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Hands an event to the sink. False when it is known to be lost; what a thread writes is known from `pending`.
    pub(crate) fn write(&self, event: &Event, pending: &mut Vec<oneshot::Receiver<bool>>) -> bool {
        self.counters.events.fetch_add(1, Ordering::Relaxed);
        match &self.output {
            Output::Here(sink) => record(&**sink, &self.counters, event),
            Output::Beside(writer) => {
                pending.push(writer.write(event));
                true
            }
        }
    }
}
