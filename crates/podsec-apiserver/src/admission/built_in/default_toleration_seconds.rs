//! `DefaultTolerationSeconds`: a pod stays for five minutes on a node that is in trouble, unless it says otherwise.

use async_trait::async_trait;
use podsec_apimachinery::Status;
use podsec_kinds::tolerations::tolerate_node_trouble;
use serde_json::Value;

use crate::admission::attributes::Attributes;
use crate::admission::plugin::Plugin;

/// Adds tolerations to a pod.
pub(crate) struct DefaultTolerationSeconds;

#[async_trait]
impl Plugin for DefaultTolerationSeconds {
    /// Adds the tolerations.
    async fn admit(&self, attributes: &Attributes<'_>, object: &mut Value) -> Result<(), Status> {
        if attributes.is_about("", "pods", "") {
            tolerate_node_trouble(object);
        }
        Ok(())
    }
}
