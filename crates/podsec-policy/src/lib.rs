//! Which policy holds for a namespace, and whom none binds: labels, configuration, exemptions.
//!
//! ```text
//! a namespace's labels ──► labels::Policies of its three modes ◄── defaults ┐
//!                                                                          configuration::Configuration
//!                             configuration::Exemptions ◄──────────────────┘
//! ```
//!
//! ```
//! use podsec_policy::{NamespaceLabels, Policies};
//!
//! let labels: NamespaceLabels = [("pod-security.kubernetes.io/enforce", "baseline")].into_iter().collect();
//! assert!(labels.are_valid());
//! assert_eq!(labels.policies(&Policies::default()).enforce.to_string(), "baseline:latest");
//! ```

pub mod configuration;
pub mod labels;

pub use configuration::{Configuration, ConfigurationError, Exemptions, Plugin};
pub use labels::{Mode, NamespaceLabels, Policies};
