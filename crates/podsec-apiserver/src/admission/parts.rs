//! What admission plugins are made of.

use std::sync::Arc;

use podsec_admission::{Admission, Metrics as PodSecurityMetrics};

use super::built_in::quota::locks::Quotas;
use super::webhook;
use crate::authorization::Authorizer;
use crate::processors::Processors;
use crate::registry::Resources;

/// What plugins are made of; each is given of it what it needs.
pub(crate) struct Parts<'a> {
    /// What is served and stored.
    pub(crate) resources: &'a Resources,
    /// Who may do what.
    pub(crate) authorizer: &'a Arc<Authorizer>,
    /// Where long computations run.
    pub(crate) processors: &'a Arc<Processors>,
    /// The namespaces whose quotas are being charged.
    pub(crate) quotas: &'a Arc<Quotas>,
    /// Pod Security as configured.
    pub(crate) pod_security: &'a Admission,
    /// What Pod Security counts.
    pub(crate) pod_security_metrics: &'a Arc<PodSecurityMetrics>,
    /// What is counted of webhooks.
    pub(crate) webhook_metrics: &'a webhook::Metrics,
}
