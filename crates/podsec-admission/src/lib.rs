//! What one API request means for Pod Security: modes, decisions, answers.
//!
//! ```text
//! AdmissionReview ─► review::decode ─► Request ─┐
//!                                               ▼
//! Configuration ──────────────────► Admission::review ─► Response ─► review::encode ─► AdmissionReview
//!                                        ▲   │              └─────► Metrics
//! Cluster: a namespace's labels, its pods ┘   └─► podsec_standards::evaluate
//! ```
//!
//! The webhook and the embedded API server are two adapters of [`Admission::review`]. It behaves as
//! Kubernetes' own Pod Security admission does, word for word, and reads no clock, file or socket: what it must
//! know of the cluster it asks a [`Cluster`].

pub mod cluster;
pub mod metrics;
pub mod request;
pub mod response;
pub mod review;

mod admission;
mod controllers;
mod decode_error;
mod evaluation;
mod exemptions;
mod existing_pods;
mod kinds;
mod namespace_labels;
mod namespaces;
mod object;
mod pods;
mod type_meta;

pub use admission::Admission;
pub use cluster::{Cluster, ClusterError};
pub use metrics::Metrics;
pub use podsec_policy::{
    Configuration, ConfigurationError, NamespaceLabels, Policies, configuration, labels,
};
pub use request::{GroupVersionKind, GroupVersionResource, Operation, Request};
pub use response::Response;
