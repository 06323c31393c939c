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
use podsec_standards::Version;

// Everything follows one version of Kubernetes: no check may be of a newer one.
const _: () = {
    let Version::V1(newest) = Version::NEWEST_REVISION else { panic!("a revision has a number") };
    assert!(
        newest <= podsec_apimachinery::kubernetes::MINOR as u64,
        "a check is newer than the API that is served"
    );
};
