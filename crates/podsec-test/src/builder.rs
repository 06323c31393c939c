//! What a cluster is started with.

use std::sync::Arc;

use podsec_admission::Admission;
use podsec_apiserver::{ApiServer, Plugins, PluginsError, Tokens};
use podsec_controllers::{Selection, SelectionError};
use podsec_storage::Memory;

use crate::cluster::Cluster;

/// Says how a [`Cluster`] differs from an API server alone.
#[derive(Clone, Debug, Default)]
pub struct Builder {
    controllers: Vec<String>,
    disabled_plugins: Vec<String>,
    has_node: bool,
}

/// Why there is no cluster.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No controller has this name.
    #[error(transparent)]
    Controllers(#[from] SelectionError),
    /// No admission plugin has this name.
    #[error(transparent)]
    Plugins(#[from] PluginsError),
    /// The objects that every cluster has cannot be made.
    #[error("the objects of the system cannot be made: {0}")]
    System(String),
}

impl Builder {
    /// Runs workload controllers, as `--controllers` of kube-controller-manager names them: `*` for all. Without this a
    /// Deployment makes no pods.
    #[must_use]
    pub fn controllers<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.controllers.extend(names.into_iter().map(Into::into));
        self
    }

    /// Leaves admission plugins out, by kube-apiserver's names.
    #[must_use]
    pub fn disable_plugins<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.disabled_plugins.extend(names.into_iter().map(Into::into));
        self
    }

    /// Runs a tiny node, which takes pods to Running.
    #[must_use]
    pub fn node(mut self) -> Self {
        self.has_node = true;
        self
    }

    /// Starts the cluster within the runtime of the caller.
    ///
    /// # Errors
    /// For names that nothing has.
    pub async fn start(self) -> Result<Cluster, Error> {
        let controllers = Selection::parse(&self.controllers)?;
        let plugins = Plugins::select(&[], &self.disabled_plugins)?;
        let api = ApiServer::new(Arc::new(Memory::default()), Tokens::default(), Admission::default(), None);
        let api = Arc::new(api.with_plugins(plugins));
        api.bootstrap().await.map_err(|status| Error::System(status.message))?;
        if self.has_node {
            api.start_node();
        }
        Ok(Cluster::new(api, &controllers))
    }
}

impl Cluster {
    /// Starts an API server alone: garbage is collected and namespaces go, and no workload controllers run.
    ///
    /// # Errors
    /// As [`Builder::start`].
    pub async fn start() -> Result<Self, Error> {
        Self::builder().start().await
    }

    /// A cluster with more than that.
    pub fn builder() -> Builder {
        Builder::default()
    }
}
