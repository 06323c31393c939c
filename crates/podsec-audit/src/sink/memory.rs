//! Keeps events for tests.

use std::sync::{Arc, Mutex, PoisonError};

use super::contract::{Error, Sink};
use crate::Event;

/// Keeps every event; clones share what they keep.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    events: Arc<Mutex<Vec<Event>>>,
}

impl Memory {
    /// What was written so far.
    pub fn events(&self) -> Vec<Event> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Sink for Memory {
    fn plugin(&self) -> &'static str {
        "memory"
    }

    fn write(&self, event: &Event) -> Result<(), Error> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).push(event.clone());
        Ok(())
    }
}
