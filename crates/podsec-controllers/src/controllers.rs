//! The controllers while they run.

use std::sync::Arc;

use crate::catalog::ALL;
use crate::clients::Clients;
use crate::clock::Clock;
use crate::context::Context;
use crate::selection::Selection;
use crate::tasks::Tasks;

/// Controllers that run until this is dropped.
pub struct Controllers {
    tasks: Tasks,
}

impl Controllers {
    /// Starts the selected controllers.
    pub fn start(clients: Arc<dyn Clients>, clock: Clock, selection: &Selection) -> Self {
        let tasks = Tasks::default();
        let context = Context::new(clients, clock, tasks.clone());
        for descriptor in ALL.iter().filter(|descriptor| selection.contains(descriptor.name)) {
            (descriptor.start)(&context);
        }
        Self { tasks }
    }
}

impl Drop for Controllers {
    fn drop(&mut self) {
        self.tasks.abort();
    }
}
