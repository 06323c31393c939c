//! DeviceClasses: kinds of devices that claims ask for by name.

use podsec_apimachinery::field::{Error, Path};
use podsec_apimachinery::name::NameRule;
use serde_json::Value;

use super::selectors::{configuration, selectors};
use super::{GROUP, lists};
use crate::generic::{BASE, count_content};
use crate::object::{Fields, FieldsMut, same};
use crate::printing;
use crate::strategy::{DeletionAnswer, Strategy};
use crate::{metadata as meta, resource_names, workload};

/// DeviceClasses.
pub(crate) static STRATEGY: Strategy = Strategy {
    group: GROUP,
    resource: "deviceclasses",
    default: |class| {
        if let Some(class) = class.as_object_mut() {
            class.ensure("spec");
        }
    },
    prepare_for_create: workload::start_generation,
    prepare_for_update: count_content,
    validate: |class| validate(class, &Value::Null),
    validate_update: |class, old| {
        let mut errors = meta::validate_update(class, old);
        errors.extend(validate(class, old));
        errors
    },
    columns: &[printing::NAME, printing::AGE],
    cells: |class, now| vec![printing::name(class), printing::age(class, now)],
    deletion_answer: DeletionAnswer::Object,
    ..BASE
};

fn validate(class: &Value, old: &Value) -> Vec<Error> {
    let mut errors = meta::validate(class, false, NameRule::Dns1123Subdomain);
    // The prefix of a generated name is not looked at.
    let prefix = Path::new("metadata").child("generateName");
    errors.retain(|error| error.path != prefix);
    let (path, spec, old) = (Path::new("spec"), class.at("spec"), old.at("spec"));
    let stored = |field: &str| !old.is_null() && same(spec.at(field), old.at(field));
    errors.extend(selectors(spec, &path));
    errors.extend(lists::items(spec.list("config"), 32, &path.child("config"), |config, path| {
        configuration(config, stored("config"), path)
    }));
    if let Some(name) =
        spec.at("extendedResourceName").as_str().filter(|name| !resource_names::is_extended(name))
    {
        let detail = "must be a valid extended resource name";
        errors.push(Error::invalid(path.child("extendedResourceName"), &name.into(), detail));
    }
    errors
}
