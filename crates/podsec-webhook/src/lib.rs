//! The admission webhook: HTTPS in front of podsec-admission.
//!
//! ```text
//! HTTPS ─► body, bounded ─► AdmissionReview ─► Admission::review ─► AdmissionReview
//!  tls      podsec-https        handler          ▲          ▲
//!                                      configuration     namespaces: cached by a watch,
//!                                      reloaded          asked for when unknown
//! ```

pub mod cluster;
pub mod files;
pub mod handler;
pub mod metrics;
pub mod tls;

pub use handler::{Load, Webhook};
pub use metrics::Metrics;
