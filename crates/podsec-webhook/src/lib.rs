//! The admission webhook: HTTPS in front of podsec-admission.
//!
//! ```text
//! HTTPS ─► body, bounded ─► AdmissionReview ─► Admission::review ─► AdmissionReview
//!  tls      podsec-transport        handler          ▲          ▲
//!   ▲                                  configuration     cluster: namespaces cached by a watch,
//!  certificates: files, a Secret,      reloaded          asked for when unknown
//!  or made by itself
//! ```
//!
//! Beside it stand [`manifests`], which install it, and [`doctor`], which examines it from outside.
//! [`Server::start`] is the entry.

mod authentication;
mod certificates;
pub mod cluster;
mod configuration;
mod deadline;
pub mod doctor;
mod existing_pods;
pub mod files;
pub mod handler;
pub mod manifests;
pub mod metrics;
mod options;
mod replacement;
pub mod self_signed;
pub mod server;
pub mod tls;
pub mod tls_secret;
pub mod traces;
mod violations;

pub use authentication::{Authentication, AuthenticationOptions, TokensError};
pub use certificates::OpenError;
pub use configuration::ReadError;
pub use handler::{Load, Webhook};
pub use manifests::{AddressRange, AddressRangeError, Installation};
pub use metrics::Metrics;
pub use options::Options;
pub use self_signed::SelfSigned;
pub use server::{Server, StartError};
pub use tls_secret::TlsSecret;
pub use traces::Traces;
