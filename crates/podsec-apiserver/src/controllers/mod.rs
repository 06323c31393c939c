//! The controllers without which objects would never go: of namespaces, of dependents and of volumes that were used;
//! the one that counts for quotas, the one that serves custom resources, the one that fills aggregated ClusterRoles, and
//! those that give every namespace what its pods need: a service account and the certificate of the server.

pub(crate) mod aggregated_roles;
pub(crate) mod definitions;
pub(crate) mod garbage_collector;
mod namespace;
mod paths;
mod per_namespace;
pub(crate) mod resource_quota;
pub(crate) mod retries;
mod root_certificate;
mod service_accounts;
mod stopping;
mod storage_protection;
mod token_secrets;

use std::sync::Arc;

pub(crate) use paths::path_of;
pub(crate) use stopping::until_stopped;

use crate::apiserver::ApiServer;

/// Starts them; they end when the server stops.
pub(crate) fn start(api: &Arc<ApiServer>) {
    tokio::spawn(until_stopped(Arc::clone(api), aggregated_roles::run(Arc::clone(api))));
    tokio::spawn(until_stopped(Arc::clone(api), definitions::run(Arc::clone(api))));
    tokio::spawn(until_stopped(Arc::clone(api), garbage_collector::run(Arc::clone(api))));
    tokio::spawn(until_stopped(Arc::clone(api), namespace::run(Arc::clone(api))));
    tokio::spawn(until_stopped(Arc::clone(api), resource_quota::run(Arc::clone(api))));
    tokio::spawn(until_stopped(Arc::clone(api), storage_protection::run(Arc::clone(api))));
    let accounts = per_namespace::run(Arc::clone(api), service_accounts::kept());
    tokio::spawn(until_stopped(Arc::clone(api), accounts));
    tokio::spawn(until_stopped(Arc::clone(api), token_secrets::run(Arc::clone(api))));
    if let Some(authority) = &api.authority {
        let certificates = per_namespace::run(Arc::clone(api), root_certificate::kept(authority));
        tokio::spawn(until_stopped(Arc::clone(api), certificates));
    }
}
