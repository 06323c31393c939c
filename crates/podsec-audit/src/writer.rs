//! The thread that writes events, so that a log that takes none holds up those who wait for it and nobody else.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::channel::oneshot;

use crate::metrics::Counters;
use crate::sink::{Error, Sink};
use crate::{Event, legacy};

/// Hands events to the thread, in the order in which they come.
pub(crate) struct Writer {
    messages: Sender<Message>,
    state: Arc<Mutex<State>>,
}

enum Message {
    Event(Box<Event>, oneshot::Sender<bool>),
    Flush(Sender<Result<(), Error>>),
}

/// What the thread is doing.
#[derive(Default)]
struct State {
    /// Since when it has been writing an event.
    busy: Option<Instant>,
    is_losing: bool,
}

impl Writer {
    /// Starts the thread; it ends when this is dropped and everything is written.
    pub(crate) fn start(sink: Box<dyn Sink>, counters: Arc<Counters>) -> io::Result<Self> {
        let (messages, queue) = channel();
        let state = Arc::new(Mutex::new(State::default()));
        let own = Arc::clone(&state);
        std::thread::Builder::new()
            .name("audit-writer".to_owned())
            .spawn(move || run(&queue, &*sink, &counters, &own))?;
        Ok(Self { messages, state })
    }

    /// Queues an event. The receiver hears whether it was kept.
    pub(crate) fn write(&self, event: &Event) -> oneshot::Receiver<bool> {
        let (written, receiver) = oneshot::channel();
        // Without a thread the sender is dropped, and the event counts as lost.
        let _ = self.messages.send(Message::Event(Box::new(event.clone()), written));
        receiver
    }

    /// Waits for all that is queued, and no longer than a stopping server can.
    pub(crate) fn flush(&self) -> Result<(), Error> {
        let (flushed, receiver) = channel();
        if self.messages.send(Message::Flush(flushed)).is_err() {
            return Err(Error::Stuck);
        }
        match receiver.recv_timeout(LONGEST_FLUSH) {
            Ok(outcome) => outcome,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Err(Error::Stuck),
        }
    }

    /// Whether events reach the log.
    pub(crate) fn check(&self) -> Result<(), String> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match state.busy.map(|since| since.elapsed()) {
            Some(busy) if busy > SLOW => {
                Err(format!("the audit log has taken no event for {} seconds", busy.as_secs()))
            }
            _ if state.is_losing => Err("the last audit event was lost".to_owned()),
            _ => Ok(()),
        }
    }
}

fn run(queue: &Receiver<Message>, sink: &dyn Sink, counters: &Counters, state: &Mutex<State>) {
    let state = || state.lock().unwrap_or_else(PoisonError::into_inner);
    for message in queue {
        match message {
            Message::Event(event, written) => {
                state().busy = Some(Instant::now());
                let kept = record(sink, counters, &event);
                *state() = State { busy: None, is_losing: !kept };
                // Whoever asked may be gone.
                let _ = written.send(kept);
            }
            Message::Flush(flushed) => {
                let _ = flushed.send(sink.flush());
            }
        }
    }
}

/// Writes an event. Whether it was kept.
pub(crate) fn record(sink: &dyn Sink, counters: &Counters, event: &Event) -> bool {
    let Err(error) = sink.write(event) else { return true };
    let plugin = sink.plugin();
    counters.error(plugin);
    tracing::error!(
        "Error in audit plugin '{plugin}' affecting 1 audit events: {error}\nImpacted events:\n{}",
        legacy::line(event)
    );
    false
}

/// How long a stopping server waits for its audit log.
const LONGEST_FLUSH: Duration = Duration::from_secs(5);
/// How long a write may take before the log is called stuck.
const SLOW: Duration = Duration::from_secs(10);
