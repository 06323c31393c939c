//! Where a request leaves what it has to say beside its answer.

use podsec_audit::Recording;

use crate::warnings::Warnings;

/// The sinks of one request.
pub(crate) struct Sinks {
    /// What the caller is told.
    pub(crate) warnings: Warnings,
    /// What the audit log learns.
    pub(crate) recording: Recording,
}
