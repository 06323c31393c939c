//! The end of controllers and node.

use std::sync::Arc;

use crate::apiserver::ApiServer;

/// Runs a controller or node until the server stops.
pub(crate) async fn until_stopped(api: Arc<ApiServer>, work: impl Future<Output = ()>) {
    let mut stopping = api.stopping();
    tokio::select! {
        () = work => {}
        _ = stopping.wait_for(|stopping| *stopping) => {}
    }
}
