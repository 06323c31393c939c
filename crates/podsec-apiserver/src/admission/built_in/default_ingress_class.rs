//! `DefaultIngressClass`: an Ingress that names no class gets the newest default one.

use podsec_apimachinery::Status;
use podsec_kinds::object::{Fields, FieldsMut, annotation, as_map};
use serde_json::Value;

use super::default_storage_class::newest;
use super::lookup;
use super::target::is_about;
use crate::admission::{Action, Write};
use crate::verbs::Operation;

/// Names the class.
pub(super) async fn admit(
    operation: &Operation<'_>,
    write: &Write<'_>,
    object: &mut Value,
) -> Result<(), Status> {
    if write.action != Action::Create
        || !is_about(operation, "networking.k8s.io", "ingresses", "")
        || object.at("spec").has("ingressClassName")
        || annotation(object, "kubernetes.io/ingress.class").is_some()
    {
        return Ok(());
    }
    let classes = lookup::list(operation.api, ("networking.k8s.io", "ingressclasses"), "").await?;
    if let Some(name) = newest(&classes, &["ingressclass.kubernetes.io/is-default-class"])
        && let Some(spec) = as_map(object).ensure("spec")
    {
        spec.insert("ingressClassName".to_owned(), name.into());
    }
    Ok(())
}
