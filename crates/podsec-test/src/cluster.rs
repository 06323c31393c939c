//! A running API server and the clients of it.

use std::sync::Arc;

use kube::Client;
use podsec_apiserver::{ApiServer, User};
use podsec_controllers::{Clients, Clock, Controllers, Selection};

/// A cluster that lives as long as this value.
pub struct Cluster {
    api: Arc<ApiServer>,
    _controllers: Controllers,
}

impl Cluster {
    pub(crate) fn new(api: Arc<ApiServer>, controllers: &Selection) -> Self {
        let clients = Arc::new(InProcess(Arc::clone(&api), CONTROLLERS));
        Self { api, _controllers: Controllers::start(clients, Clock::system(), controllers) }
    }

    /// A client of an administrator, whose namespace is `default`.
    pub fn client(&self) -> Client {
        self.client_of("kubernetes-admin", &["system:masters"])
    }

    /// A client of a user, who may do what roles are bound to it and its groups.
    pub fn client_of(&self, user: &str, groups: &[&str]) -> Client {
        InProcess(Arc::clone(&self.api), "podsec-test").client(user, groups)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // Watches end, and with them what waits for their next event.
        self.api.stop();
    }
}

/// Reaches the API server without a socket, under the name of a program.
struct InProcess(Arc<ApiServer>, &'static str);

impl Clients for InProcess {
    fn client(&self, user: &str, groups: &[&str]) -> Client {
        Client::new(self.0.in_process(User::new(user, groups), self.1), "default")
    }
}

/// What kube-controller-manager calls itself.
const CONTROLLERS: &str = "kube-controller-manager";
