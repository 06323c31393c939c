//! `PodSecurityConfiguration` of `pod-security.admission.config.k8s.io`: the defaults for namespaces without
//! labels, and who is exempt. Once parsed it cannot be wrong.

mod decode;
mod error;
mod exemptions;
mod object;
mod plugin;
mod pod_security;

pub use error::ConfigurationError;
pub use exemptions::Exemptions;
pub use plugin::Plugin;
pub use pod_security::Configuration;
