//! The embedded Kubernetes API server: requests, verbs, resources.
//!
//! ```text
//! kubectl, client-go ─► podsec-transport ─► pipeline ─┬► endpoints
//!                                                     └► verbs ─► admission ─► registry ─► podsec-storage
//! ```
//!
//! [`pipeline`] passes every request through kube-apiserver's layers in their order; [`verbs`] does what it asks; a
//! [`request`] is plain data that all of them read. What stands further left knows what stands further right, and nothing
//! points back.
//! [`Server::start`] is the entry; [`ApiServer`] is the same without a socket.

mod admission;
mod answer;
mod api;
mod apiserver;
mod authentication;
mod authorization;
mod body;
mod bootstrap;
mod client;
mod controllers;
mod conversion_webhook;
mod credentials;
mod data_directory;
mod decode;
mod endpoints;
mod event_lines;
mod in_process;
mod indentation;
mod kubeconfig;
mod metrics;
mod node;
mod options;
mod pipeline;
mod processors;
mod registry;
mod request;
mod request_object;
mod server;
mod serving;
mod sinks;
mod storage;
mod stored_values;
mod table;
mod tls;
mod verbs;
mod warnings;

pub use admission::{Plugins, PluginsError};
pub use apiserver::ApiServer;
pub use authentication::Tokens;
pub use authentication::oidc::Error as OidcError;
pub use authorization::webhook::Error as AuthorizationWebhookError;
pub use authorization::{AuthorizationMode, AuthorizationModes, AuthorizationModesError};
pub use body::{RequestBody, ResponseBody, request_body};
pub use endpoints::git_version;
pub use in_process::InProcess;
pub use options::{
    AuditLogFormat, AuditLogMode, AuditOptions, AuthorizationWebhookOptions, EtcdFlags, OidcOptions, Options,
    ServiceAccountOptions, ServingOptions, Storage,
};
pub use podsec_apimachinery::codec::json::STACK_BYTES;
pub use podsec_apimachinery::emulation::Emulation;
pub use podsec_kinds::allocation::ServiceRange;
pub use request::{Peer, User};
pub use server::{Server, StartError};
