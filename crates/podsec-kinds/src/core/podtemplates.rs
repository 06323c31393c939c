//! PodTemplates.

use podsec_apimachinery::field::Path;
use serde_json::Value;

use crate::generic::BASE;
use crate::object::{Fields, FieldsMut, same};
use crate::pod_spec::{defaults, validation, warnings};
use crate::printing::{self, column};
use crate::strategy::{DeletionAnswer, Strategy};
use crate::{label_selector, metadata as meta, workload};

/// PodTemplates.
pub(crate) static STRATEGY: Strategy = Strategy {
    resource: "podtemplates",
    default: |template| {
        if let Some(fields) = template.as_object_mut() {
            fields.ensure("template");
            defaults::default_template(fields);
        }
    },
    prepare_for_create: workload::start_generation,
    prepare_for_update: |template, old| {
        let changed = !same(template.at("template"), old.at("template"));
        workload::count_generation(template, old, changed);
    },
    validate: |template| {
        let mut errors = workload::validate_metadata(template);
        errors.extend(validation::validate_template(template.at("template"), &Path::new("template")));
        errors
    },
    validate_update: |template, old| {
        let mut errors = meta::validate_update(template, old);
        errors.extend(validation::validate_template(template.at("template"), &Path::new("template")));
        errors
    },
    warnings_on_create: |template| warnings::for_template(template.at("template"), &Path::new("template")),
    warnings_on_update: |template, old| {
        if same(template.at("template"), old.at("template")) {
            Vec::new()
        } else {
            warnings::for_template(template.at("template"), &Path::new("template"))
        }
    },
    columns: &[
        printing::NAME,
        column("Containers", "Names of each container in the template."),
        column("Images", "Images referenced by each container in the template."),
        column("Pod Labels", "The labels for the pod template."),
    ],
    cells: |template, _| {
        let spec = template.at("template");
        let [containers, images] = printing::containers_and_images(spec);
        let labels = label_selector::format_labels(spec.at("metadata").at("labels"));
        vec![printing::name(template), containers, images, Value::from(labels)]
    },
    deletion_answer: DeletionAnswer::Object,
    ..BASE
};
