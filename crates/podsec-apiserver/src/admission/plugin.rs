//! What an admission plugin is.

use async_trait::async_trait;
use podsec_apimachinery::Status;
use serde_json::Value;

use super::attributes::{Action, Attributes};

/// A plugin, given what it needs when the server starts. What it decides is a function of the request, of the object and of
/// what it looks up.
#[async_trait]
pub(crate) trait Plugin: Send + Sync {
    /// Whether it is asked about requests that do this.
    fn handles(&self, action: Action) -> bool {
        matches!(action, Action::Create | Action::Update)
    }

    /// The mutating phase: may change the object, which is null for a removal.
    ///
    /// # Errors
    /// The refusal.
    async fn admit(&self, attributes: &Attributes<'_>, object: &mut Value) -> Result<(), Status> {
        let _ = (attributes, object);
        Ok(())
    }

    /// The validating phase, on the object as it would be stored; null for a removal.
    ///
    /// # Errors
    /// The refusal.
    async fn validate(&self, attributes: &Attributes<'_>, object: &Value) -> Result<(), Status> {
        let _ = (attributes, object);
        Ok(())
    }
}
