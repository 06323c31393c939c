//! What a write must pass: mutating admission before validation, validating admission after it. Reads never
//! come here.
//!
//! ```text
//! decoded object ─► namespace lifecycle ─► defaults ─► (validation) ─► Pod Security ─► (store)
//! ```

pub(crate) mod configuration;
mod defaults;
mod namespace_lifecycle;
mod pod_security;

use podsec_apimachinery::Status;
use podsec_apimachinery::meta::Meta;
use serde_json::Value;

use crate::verbs::Operation;

/// What a write does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Makes a new object.
    Create,
    /// Changes an object.
    Update,
    /// Removes an object.
    Delete,
}

/// The mutating phase: may change the object, or refuse it.
///
/// # Errors
/// 403 and 404 in the words of the plugin that refuses.
pub(crate) async fn mutate(
    operation: &Operation<'_>,
    action: Action,
    object: &mut Value,
    old: Option<&Value>,
) -> Result<(), Status> {
    let name = Meta::of(object).name().to_owned();
    namespace_lifecycle::admit(operation, action, &name).await?;
    defaults::admit(operation, action, object, old).await
}

/// The validating phase, on the object as it would be stored.
///
/// # Errors
/// 403 and 422 of Pod Security.
pub(crate) async fn validate(
    operation: &Operation<'_>,
    action: Action,
    object: &Value,
    old: Option<&Value>,
) -> Result<(), Status> {
    pod_security::validate(operation, action, object, old).await
}

/// Both phases for a removal, which has no new object.
///
/// # Errors
/// 403 when the object may not be removed.
pub(crate) async fn delete(operation: &Operation<'_>, name: &str) -> Result<(), Status> {
    namespace_lifecycle::admit(operation, Action::Delete, name).await
}
