//! `DefaultIngressClass`: an Ingress that names no class gets the newest default one.

use async_trait::async_trait;
use podsec_apimachinery::Status;
use podsec_kinds::object::{Fields, FieldsMut, annotation, as_map};
use serde_json::Value;

use super::default_storage_class::newest;
use crate::admission::attributes::{Action, Attributes};
use crate::admission::plugin::Plugin;
use crate::registry::Resources;

/// Names the class of an Ingress.
pub(crate) struct DefaultIngressClass {
    pub(crate) resources: Resources,
}

#[async_trait]
impl Plugin for DefaultIngressClass {
    /// Names the class.
    async fn admit(&self, attributes: &Attributes<'_>, object: &mut Value) -> Result<(), Status> {
        if attributes.action != Action::Create
            || !attributes.is_about("networking.k8s.io", "ingresses", "")
            || object.at("spec").has("ingressClassName")
            || annotation(object, "kubernetes.io/ingress.class").is_some()
        {
            return Ok(());
        }
        let classes = self.resources.list(("networking.k8s.io", "ingressclasses"), "").await?;
        if let Some(name) = newest(&classes, &["ingressclass.kubernetes.io/is-default-class"])
            && let Some(spec) = as_map(object).ensure("spec")
        {
            spec.insert("ingressClassName".to_owned(), name.into());
        }
        Ok(())
    }
}
