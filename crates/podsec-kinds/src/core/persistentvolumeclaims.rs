//! PersistentVolumeClaims: what storage somebody asks for, from what data, and what of that may change once it is bound.

use podsec_apimachinery::field::{Error, Path};
use podsec_apimachinery::name::NameRule;
use serde_json::{Value, json};

use crate::core::access_modes::{self, CLASS_ANNOTATION};
use crate::core::claim_spec;
use crate::generic::BASE;
use crate::object::{Fields, FieldsMut, metadata, same};
use crate::pod_spec::defaults;
use crate::printing::{self, column, wide};
use crate::quantity::Quantity;
use crate::strategy::{DeletionAnswer, SelectableField, Strategy, Subresource};
use crate::{formats, internal, metadata as meta, resource_names, workload};

/// PersistentVolumeClaims.
pub(crate) static STRATEGY: Strategy = Strategy {
    resource: "persistentvolumeclaims",
    default: |claim| {
        let Some(claim) = claim.as_object_mut() else { return };
        if let Some(spec) = claim.ensure("spec") {
            defaults::default_claim(spec);
        }
        if let Some(status) = claim.ensure("status") {
            status.fill_zero("phase", "Pending");
            defaults::canonical_quantities(status, "capacity");
            defaults::canonical_quantities(status, "allocatedResources");
        }
    },
    prepare_for_create: |claim| {
        workload::reset_status(claim, json!({ "phase": "Pending" }));
        settle_data_sources(claim, None);
    },
    prepare_for_update: |claim, old| {
        workload::keep_status(claim, old);
        settle_data_sources(claim, Some(old.at("spec")));
    },
    validate,
    validate_update,
    warnings_on_create: warnings,
    warnings_on_update: |claim, _| warnings(claim),
    subresources: &[Subresource {
        name: "status",
        prepare_for_update: workload::keep_all_but_status,
        validate_update: validate_status_update,
    }],
    columns: &[
        printing::NAME,
        column("Status", "phase represents the current phase of PersistentVolumeClaim."),
        column("Volume", "volumeName is the binding reference to the PersistentVolume backing this claim."),
        column("Capacity", "capacity represents the actual resources of the underlying volume."),
        column(
            "Access Modes",
            "accessModes contains the actual access modes the volume backing the PVC has. More info: \
         https://kubernetes.io/docs/concepts/storage/persistent-volumes#access-modes-1",
        ),
        column("StorageClass", "StorageClass of the pvc"),
        column("VolumeAttributesClass", "VolumeAttributesClass of the pvc"),
        printing::AGE,
        wide(
            "VolumeMode",
            "volumeMode defines what type of volume is required by the claim. Value of Filesystem is implied \
         when not included in claim spec.",
        ),
    ],
    cells: |claim, now| {
        let (spec, status) = (claim.at("spec"), claim.at("status"));
        let phase =
            if metadata(claim).has("deletionTimestamp") { "Terminating" } else { status.text("phase") };
        let bound = !spec.text("volumeName").is_empty();
        let capacity = if bound { status.at("capacity").text("storage") } else { "" };
        let modes = if bound { access_modes::shown(status.list("accessModes")) } else { String::new() };
        vec![
            printing::name(claim),
            phase.into(),
            spec.text("volumeName").into(),
            capacity.into(),
            modes.into(),
            spec.text("storageClassName").into(),
            printing::or_unset(spec.text("volumeAttributesClassName")),
            printing::age(claim, now),
            printing::or_unset(spec.text("volumeMode")),
        ]
    },
    selectable_fields: &[SelectableField {
        label: "name",
        value: |claim, _| metadata(claim).text("name").to_owned(),
    }],
    deletion_answer: DeletionAnswer::Object,
    ..BASE
};

/// `dataSource` and `dataSourceRef` say the same, whichever the client gives. A reference into another namespace, and
/// anything but a claim or a snapshot in the older field, is dropped, as long as the stored claim has nothing of its kind.
fn settle_data_sources(claim: &mut Value, old: Option<&Value>) {
    let Some(spec) = claim.as_object_mut().and_then(|claim| claim.object_mut("spec")) else { return };
    let had = |field: &str| old.is_some_and(|old| old.has(field));
    if !spec.at("dataSourceRef").text("namespace").is_empty() && !had("dataSourceRef") {
        spec.remove("dataSourceRef");
    }
    if !had("dataSource") && !had("dataSourceRef") && !spec.has("dataSourceRef") {
        let source = spec.at("dataSource");
        let known = matches!(
            (source.text("kind"), source.text("apiGroup")),
            ("PersistentVolumeClaim", "") | ("VolumeSnapshot", "snapshot.storage.k8s.io")
        );
        if !known {
            spec.remove("dataSource");
        }
    }
    match (spec.field("dataSource").cloned(), spec.field("dataSourceRef").cloned()) {
        (Some(source), None) => drop(spec.insert("dataSourceRef".to_owned(), source)),
        (None, Some(reference)) if reference.text("namespace").is_empty() => {
            let mut source = reference;
            if let Some(source) = source.as_object_mut() {
                source.remove("namespace");
            }
            spec.insert("dataSource".to_owned(), source);
        }
        _ => {}
    }
}

fn validate(claim: &Value) -> Vec<Error> {
    let mut errors = meta::validate(claim, true, NameRule::Dns1123Subdomain);
    errors.extend(claim_spec::validate(claim.at("spec"), false, &Path::new("spec")));
    errors
}

fn validate_update(claim: &Value, old: &Value) -> Vec<Error> {
    let stored = old;
    let mut old = stored.clone();
    settle_data_sources(&mut old, Some(stored.at("spec")));
    let (now, then) = (claim.at("spec"), old.at("spec"));
    let any_group = ["dataSource", "dataSourceRef"].iter().any(|source| then.at(source).has("apiGroup"));
    let mut errors = meta::validate_update(claim, &old);
    errors.extend(meta::validate(claim, true, NameRule::Dns1123Subdomain));
    errors.extend(claim_spec::validate(now, any_group, &Path::new("spec")));
    errors.extend(class_annotation(claim, &old));
    let (kept, old_kept) = (what_stays(claim, &old), with_volume_of(now, then));
    if !same(&kept, &old_kept) {
        let detail = format!(
            "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound \
             claims\n{}",
            internal::diff("PersistentVolumeClaimSpec", &old_kept, &kept)
        );
        errors.push(Error::forbidden(Path::new("spec"), &detail));
    }
    errors.extend(shrinking(claim, &old));
    if now.at("volumeMode") != then.at("volumeMode") {
        errors.push(Error::invalid(Path::new("volumeMode"), now.at("volumeMode"), formats::IMMUTABLE));
    }
    if !same(now.at("volumeAttributesClassName"), then.at("volumeAttributesClassName"))
        && old.at("status").has("currentVolumeAttributesClassName")
    {
        let to = match now.at("volumeAttributesClassName").as_str() {
            None => Some("nil"),
            Some("") => Some("empty string"),
            Some(_) => None,
        };
        errors.extend(to.map(|to| {
            let detail = format!(
                "update to {to} is forbidden when status.currentVolumeAttributesClassName is not nil"
            );
            Error::forbidden(Path::new("spec").child("volumeAttributesClassName"), &detail)
        }));
    }
    errors
}

/// A claim whose class stands in an annotation may say the same in the field, once.
fn moves_class_into_field(claim: &Value, old: &Value) -> bool {
    let annotation = |claim: &Value| metadata(claim).at("annotations").at(CLASS_ANNOTATION).clone();
    let (class, old_class) = (annotation(claim), annotation(old));
    let field = |claim: &Value| claim.at("spec").at("storageClassName").clone();
    old_class.is_string()
        && field(old).is_null()
        && field(claim) == old_class
        && (class.is_null() || class == old_class)
}

fn class_annotation(claim: &Value, old: &Value) -> Option<Error> {
    let annotation = |claim: &Value| metadata(claim).at("annotations").text(CLASS_ANNOTATION).to_owned();
    let (now, then) = (annotation(claim), annotation(old));
    (!moves_class_into_field(claim, old) && now != then).then(|| {
        let path = Path::new("metadata").child("annotations").child(CLASS_ANNOTATION);
        Error::invalid(path, &now.into(), formats::IMMUTABLE)
    })
}

/// The new spec without the changes that are allowed.
fn what_stays(claim: &Value, old: &Value) -> Value {
    let then = old.at("spec");
    let mut spec = claim.at("spec").clone();
    let Some(fields) = spec.as_object_mut() else { return spec };
    if moves_class_into_field(claim, old) {
        fields.remove("storageClassName");
    } else if let Some(class) = fields.field("storageClassName")
        && !then.has("storageClassName")
    {
        let annotation = metadata(old).at("annotations").field(CLASS_ANNOTATION);
        if annotation.is_none_or(|annotation| annotation == class) {
            fields.remove("storageClassName");
        }
    }
    if claim.at("status").text("phase") == "Bound" {
        let storage = then.at("resources").at("requests").at("storage").clone();
        if let Some(requests) =
            fields.object_mut("resources").and_then(|resources| resources.object_mut("requests"))
        {
            requests.insert("storage".to_owned(), storage);
        }
        fields.copy("volumeAttributesClassName", then);
    }
    spec
}

/// The stored spec, with the volume that the new one names if it named none.
fn with_volume_of(now: &Value, then: &Value) -> Value {
    let mut spec = then.clone();
    if then.text("volumeName").is_empty()
        && let Some(spec) = spec.as_object_mut()
    {
        spec.copy("volumeName", now);
    }
    spec
}

/// A request may shrink after growing failed, though not to what the volume holds already.
fn shrinking(claim: &Value, old: &Value) -> Option<Error> {
    let requested = |claim: &Value| {
        Quantity::parse(claim.at("spec").at("resources").at("requests").text("storage")).unwrap_or_default()
    };
    let held = Quantity::parse(old.at("status").at("capacity").text("storage")).unwrap_or_default();
    (requested(claim) < requested(old) && requested(claim) <= held).then(|| {
        let path = Path::new("spec").child("resources").child("requests").child("storage");
        Error::forbidden(path, "field can not be less than status.capacity")
    })
}

fn validate_status_update(claim: &Value, old: &Value) -> Vec<Error> {
    let mut errors = meta::validate_update(claim, old);
    let (status, path) = (claim.at("status"), Path::new("status"));
    for (name, amount) in status.texts("capacity") {
        let path = path.child("capacity").key(name);
        errors.extend(Quantity::parse(amount).and_then(|amount| amount.not_below_zero_units(&path)));
    }
    let statuses = path.child("allocatedResourceStatuses");
    for (name, value) in status.texts("allocatedResourceStatuses") {
        errors.extend(resource_key(name, &statuses));
        if !RESIZE_STATUSES.contains(&value) {
            errors.push(formats::unsupported(&statuses, name, RESIZE_STATUSES));
        }
    }
    let allocated = path.child("allocatedResources");
    for (name, amount) in status.texts("allocatedResources") {
        let wrong = resource_key(name, &allocated);
        let Some(amount) = Quantity::parse(amount).filter(|_| wrong.is_empty()) else {
            errors.extend(wrong);
            continue;
        };
        let path = allocated.key(name);
        let wrong = amount.not_below_zero_units(&path).or_else(|| amount.negative(&path));
        errors.extend(wrong);
    }
    errors
}

fn resource_key(name: &str, path: &Path) -> Vec<Error> {
    let errors = formats::invalid(path, name, formats::qualified_name(name));
    if errors.is_empty() && resource_names::is_native(name) && name != "storage" {
        return vec![formats::unsupported(path, name, &["storage"])];
    }
    errors
}

fn warnings(claim: &Value) -> Vec<String> {
    let mut warnings = Vec::new();
    if metadata(claim).at("annotations").has(CLASS_ANNOTATION) {
        let path = Path::new("metadata").child("annotations").key(CLASS_ANNOTATION);
        warnings.push(format!("{path}: {}", access_modes::CLASS_ANNOTATION_DEPRECATED));
    }
    warnings.extend(claim_spec::warnings(claim.at("spec"), &Path::new("spec")));
    warnings
}

const RESIZE_STATUSES: &[&str] = &[
    "ControllerResizeInProgress",
    "ControllerResizeInfeasible",
    "NodeResizeInProgress",
    "NodeResizeInfeasible",
    "NodeResizePending",
];
