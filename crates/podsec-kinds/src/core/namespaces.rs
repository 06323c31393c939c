//! Namespaces: the label with their name, the finalizer that empties them, their phase.

use jiff::Timestamp;
use podsec_apimachinery::field::{Error, Path};
use podsec_apimachinery::name::NameRule;
use serde_json::{Value, json};

use crate::generic::BASE;
use crate::object::{Fields, FieldsMut, metadata};
use crate::printing::{self, column};
use crate::strategy::{DeletionAnswer, SelectableField, Strategy, Subresource};
use crate::{formats, metadata as meta, workload};

/// Namespaces.
pub(crate) static STRATEGY: Strategy = Strategy {
    resource: "namespaces",
    default,
    prepare_for_create,
    prepare_for_update,
    validate,
    validate_update,
    subresources: &[STATUS, FINALIZE],
    columns: &[printing::NAME, column("Status", "The status of the namespace"), printing::AGE],
    cells,
    selectable_fields: &[SelectableField::path("status.phase")],
    deletion_answer: DeletionAnswer::Object,
    ..BASE
};

const STATUS: Subresource = Subresource {
    name: "status",
    prepare_for_update: workload::keep_all_but_status,
    validate_update: |namespace, old| {
        let mut errors = meta::validate_update(namespace, old);
        errors.extend(phase(namespace));
        errors
    },
};

/// Where the namespace controller takes its finalizer away.
const FINALIZE: Subresource = Subresource {
    name: "finalize",
    prepare_for_update: workload::keep_status,
    validate_update: |namespace, old| {
        let mut errors = meta::validate_update(namespace, old);
        errors.extend(finalizers(namespace));
        errors
    },
};

/// Every namespace can be selected by its name, whatever the client says.
const NAME_LABEL: &str = "kubernetes.io/metadata.name";

fn default(namespace: &mut Value) {
    let name = metadata(namespace).text("name").to_owned();
    let Some(fields) = namespace.as_object_mut() else { return };
    if !name.is_empty()
        && let Some(labels) = fields.ensure("metadata").and_then(|metadata| metadata.ensure("labels"))
    {
        labels.insert(NAME_LABEL.to_owned(), name.into());
    }
    fields.ensure("spec");
    if let Some(status) = fields.ensure("status") {
        status.fill_zero("phase", "Active");
    }
}

fn prepare_for_create(namespace: &mut Value) {
    workload::reset_status(namespace, json!({ "phase": "Active" }));
    // The name may have been generated since.
    default(namespace);
    let Some(spec) = namespace.as_object_mut().and_then(|fields| fields.ensure("spec")) else { return };
    spec.fill("finalizers", json!([]));
    if let Some(finalizers) = spec.get_mut("finalizers").and_then(Value::as_array_mut)
        && !finalizers.iter().any(|finalizer| finalizer == "kubernetes")
    {
        finalizers.push("kubernetes".into());
    }
}

fn prepare_for_update(namespace: &mut Value, old: &Value) {
    workload::keep_status(namespace, old);
    if let Some(spec) = namespace.as_object_mut().and_then(|fields| fields.ensure("spec")) {
        spec.copy("finalizers", old.at("spec"));
    }
}

fn validate(namespace: &Value) -> Vec<Error> {
    let mut errors = meta::validate(namespace, false, NameRule::Dns1123Label);
    errors.extend(finalizers(namespace));
    errors
}

fn validate_update(namespace: &Value, old: &Value) -> Vec<Error> {
    meta::validate_update(namespace, old)
}

/// The phase says whether the namespace is going, and nothing else may.
fn phase(namespace: &Value) -> Option<Error> {
    let (phase, why) = if metadata(namespace).has("deletionTimestamp") {
        ("Terminating", "may only be 'Terminating' if `deletionTimestamp` is not empty")
    } else {
        ("Active", "may only be 'Active' if `deletionTimestamp` is empty")
    };
    let found = namespace.at("status").text("phase");
    (found != phase).then(|| Error::invalid(Path::new("status").child("Phase"), &found.into(), why))
}

fn finalizers(namespace: &Value) -> Vec<Error> {
    let path = Path::new("spec").child("finalizers");
    let mut errors = Vec::new();
    for name in namespace.at("spec").list("finalizers").iter().filter_map(Value::as_str) {
        errors.extend(formats::invalid(&path, name, formats::qualified_name(name)));
        if name != "kubernetes" && !name.contains('/') {
            let detail = "name is neither a standard finalizer name nor is it fully qualified";
            errors.push(Error::invalid(path.clone(), &name.into(), detail));
        }
    }
    errors
}

fn cells(namespace: &Value, now: Timestamp) -> Vec<Value> {
    vec![
        printing::name(namespace),
        namespace.at("status").text("phase").into(),
        printing::age(namespace, now),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_carries_its_name_its_finalizer_and_its_phase() {
        let mut namespace = json!({
            "metadata": { "name": "q", "labels": { "kubernetes.io/metadata.name": "zz", "a": "b" } },
            "status": { "phase": "Terminating" }
        });
        default(&mut namespace);
        prepare_for_create(&mut namespace);
        assert_eq!(
            namespace,
            json!({
                "metadata": { "name": "q", "labels": { "kubernetes.io/metadata.name": "q", "a": "b" } },
                "spec": { "finalizers": ["kubernetes"] },
                "status": { "phase": "Active" }
            })
        );
    }

    #[test]
    fn only_the_finalize_door_takes_finalizers_away() {
        let old = json!({ "metadata": { "name": "q" }, "spec": { "finalizers": ["kubernetes"] }, "status": { "phase": "Terminating" } });
        let mut updated = json!({ "metadata": { "name": "q" }, "spec": {} });
        prepare_for_update(&mut updated, &old);
        assert_eq!(updated, old);
        let mut finalized = json!({ "metadata": { "name": "q" }, "spec": {} });
        (FINALIZE.prepare_for_update)(&mut finalized, &old);
        assert_eq!(finalized.at("spec"), &json!({}));
    }
}
