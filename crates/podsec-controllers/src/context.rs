//! What every controller is given when it starts.

use std::sync::Arc;

use crate::clients::{self, Clients};
use crate::clock::Clock;
use crate::events::Recorder;
use crate::informer::{Cache, Informers, Object};
use crate::queue::Queue;
use crate::tasks::Tasks;
use crate::work::{Reconcile, work};

/// Caches, clients and the time.
pub struct Context {
    informers: Informers,
    clients: Arc<dyn Clients>,
    clock: Clock,
    tasks: Tasks,
}

impl Context {
    pub(crate) fn new(clients: Arc<dyn Clients>, clock: Clock, tasks: Tasks) -> Self {
        let informers = Informers::new(clients::of_informers(clients.as_ref()), tasks.clone());
        Self { informers, clients, clock, tasks }
    }

    /// The objects of a kind; all controllers share them.
    pub fn cache<K: Object>(&self) -> Arc<Cache<K>> {
        self.informers.of()
    }

    /// A client that acts as this service account of `kube-system`.
    pub fn client(&self, account: &str) -> kube::Client {
        clients::of_account(self.clients.as_ref(), account)
    }

    /// A client that acts as this user.
    pub fn client_of_user(&self, user: &str, groups: &[&str]) -> kube::Client {
        self.clients.client(user, groups)
    }

    /// The clock of all controllers.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Writes events as `component`.
    pub fn recorder(&self, component: &str, client: kube::Client) -> Recorder {
        Recorder::new(component, client, &self.clock, &self.tasks)
    }

    /// Runs a task until the controllers are stopped.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task);
    }

    /// Works on what is in `queue`, on so many objects at a time, once `ready` resolves: when the caches that the
    /// controller reads have been filled.
    pub fn run<C: Reconcile>(
        &self,
        name: &'static str,
        workers: usize,
        queue: &Arc<Queue>,
        controller: C,
        ready: impl Future<Output = ()> + Send + 'static,
    ) {
        let (queue, controller, tasks) = (Arc::clone(queue), Arc::new(controller), self.tasks.clone());
        self.spawn(async move {
            ready.await;
            for _ in 0..workers {
                tasks.spawn(work(name, Arc::clone(&queue), Arc::clone(&controller)));
            }
        });
    }
}
