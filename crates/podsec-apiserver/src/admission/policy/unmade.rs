//! How a mutation of a policy fails, whichever way it changes the object.

use podsec_apimachinery::Status;

/// Why a mutation is not made.
pub(super) enum Unmade {
    /// What becomes of the request is the failure policy's affair.
    Failed(String),
    /// The request fails.
    Status(Status),
}
