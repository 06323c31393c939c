//! The admission webhook: HTTPS in front of podsec-admission.
//!
//! ```text
//! HTTPS ─► body, bounded ─► AdmissionReview ─► Admission::review ─► AdmissionReview
//!  tls      podsec-https        handler          ▲          ▲
//!                                      configuration     cluster: namespaces cached by a watch,
//!                                      reloaded          asked for when unknown
//! ```
//!
//! [`Server::start`] is the entry.

pub mod cluster;
mod configuration;
mod deadline;
pub mod files;
pub mod handler;
pub mod manifests;
pub mod metrics;
pub mod self_signed;
pub mod server;
pub mod tls;
mod violations;

pub use configuration::ReadError;
pub use handler::{Load, Webhook};
pub use manifests::Installation;
pub use metrics::Metrics;
pub use server::{Options, Server, StartError};
