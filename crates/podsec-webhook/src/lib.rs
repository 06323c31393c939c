//! The admission webhook: HTTPS in front of podsec-admission.

pub mod files;
pub mod tls;
