//! What calls webhooks, for all requests together.

use std::sync::Arc;

use super::client::Clients;
use super::metrics::Metrics;
use crate::authorization::Authorizer;
use crate::processors::Processors;
use crate::registry::Resources;

/// What every call needs.
pub(in crate::admission) struct Caller {
    pub(super) clients: Clients,
    pub(super) metrics: Metrics,
    pub(super) resources: Resources,
    pub(super) authorizer: Arc<Authorizer>,
    pub(super) processors: Arc<Processors>,
}

impl Caller {
    /// Services are found among `resources`, as are namespaces; `authorizer` and `processors` are for match conditions.
    pub(in crate::admission) fn new(
        resources: &Resources,
        authorizer: &Arc<Authorizer>,
        processors: &Arc<Processors>,
        metrics: &Metrics,
    ) -> Self {
        Self {
            clients: Clients::over(resources),
            metrics: metrics.clone(),
            resources: resources.clone(),
            authorizer: Arc::clone(authorizer),
            processors: Arc::clone(processors),
        }
    }
}
