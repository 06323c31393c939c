//! What the server does: the only file that knows everything. Everything else is given what it needs.

use std::sync::Arc;

use hyper::{Request, Response};
use podsec_apimachinery::Status;

use crate::apiserver::ApiServer;
use crate::body::{RequestBody, ResponseBody};
use crate::bootstrap;
use crate::controllers;
use crate::in_process::InProcess;
use crate::node;
use crate::pipeline;
use crate::request::Peer;
use crate::request::User;

impl ApiServer {
    /// Makes the objects of the system and starts the controllers. A server without it answers all the same, but
    /// deleted namespaces never go.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn bootstrap(self: &Arc<Self>) -> Result<(), Status> {
        bootstrap::create_objects(self, self.client_authorities.as_deref()).await?;
        controllers::definitions::load(self).await?;
        controllers::resource_quota::recount_all(self).await?;
        controllers::start(self);
        Ok(())
    }

    /// Serves what others have made, and makes nothing: no objects of the system, no controllers.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn bootstrap_read_only(self: &Arc<Self>) -> Result<(), Status> {
        controllers::definitions::load(self).await
    }

    /// Runs the tiny node, which takes pods to Running.
    pub fn start_node(self: &Arc<Self>) {
        node::start(self);
    }

    /// Where a program inside of this process sends requests as `user`; `agent` is what it says of itself.
    pub fn in_process(self: &Arc<Self>, user: User, agent: &'static str) -> InProcess {
        InProcess::new(self, user, agent)
    }

    /// Answers one request. The answer comes even when the caller is gone: a write that has begun is finished,
    /// and the audit log learns how it ended.
    pub async fn serve(
        self: &Arc<Self>,
        peer: Peer,
        request: Request<RequestBody>,
    ) -> Response<ResponseBody> {
        pipeline::serve(Arc::clone(self), peer, request).await
    }
}
