//! PriorityClasses: which pods go first, and whether they push others out.

use podsec_apimachinery::field::{Error, Path};
use podsec_apimachinery::name::NameRule;
use serde_json::Value;

use crate::generic::BASE;
use crate::object::{Fields, FieldsMut, metadata};
use crate::printing::{self, column, integer, typed};
use crate::priority::SYSTEM_CLASSES;
use crate::strategy::{ColumnType, Strategy};
use crate::{formats, immutable, metadata as meta, workload};

/// PriorityClasses.
pub(crate) static STRATEGY: Strategy = Strategy {
    group: "scheduling.k8s.io",
    resource: "priorityclasses",
    default: |class| {
        if let Some(class) = class.as_object_mut() {
            class.fill("value", 0);
            class.fill("preemptionPolicy", "PreemptLowerPriority");
        }
    },
    prepare_for_create: workload::start_generation,
    forbid_delete: |class| {
        let is_of_system = SYSTEM_CLASSES.iter().any(|(name, _)| *name == metadata(class).text("name"));
        is_of_system.then_some("this is a system priority class and cannot be deleted")
    },
    validate,
    validate_update: |class, old| {
        let mut errors = meta::validate_update(class, old);
        if class.number("value") != old.number("value") {
            errors.push(Error::forbidden(Path::new("value"), "may not be changed in an update."));
        }
        let path = Path::new("preemptionPolicy");
        errors.extend(immutable::value(class.at("preemptionPolicy"), old.at("preemptionPolicy"), &path));
        errors
    },
    columns: &[
        printing::NAME,
        integer(
            "Value",
            "value represents the integer value of this priority class. This is the actual priority that pods \
             receive when they have the name of this class in their pod spec.",
        ),
        typed(
            "Global-Default",
            ColumnType::Boolean,
            "globalDefault specifies whether this PriorityClass should be considered as the default priority for \
             pods that do not have any priority class. Only one PriorityClass can be marked as `globalDefault`. \
             However, if more than one PriorityClasses exists with their `globalDefault` field set to true, the \
             smallest value of such global default PriorityClasses will be used as the default priority.",
        ),
        printing::AGE,
        column(
            "PreemptionPolicy",
            "preemptionPolicy is the Policy for preempting pods with lower priority. One of Never, \
             PreemptLowerPriority. Defaults to PreemptLowerPriority if unset.",
        ),
    ],
    cells: |class, now| {
        vec![
            printing::name(class),
            class.number("value").into(),
            class.flag("globalDefault").into(),
            printing::age(class, now),
            class.text("preemptionPolicy").into(),
        ]
    },
    ..BASE
};

fn validate(class: &Value) -> Vec<Error> {
    let mut errors = meta::validate(class, false, NameRule::Dns1123Subdomain);
    let name = metadata(class).text("name");
    if name.starts_with("system-") {
        if let Some(why) = not_of_the_system(class, name) {
            let detail = format!(
                "priority class names with 'system-' prefix are reserved for system use only. error: {why}"
            );
            errors.push(Error::forbidden(Path::new("metadata").child("name"), &detail));
        }
    } else if class.number("value") > HIGHEST_OF_USERS {
        let detail = format!("maximum allowed value of a user defined priority is {HIGHEST_OF_USERS}");
        errors.push(Error::forbidden(Path::new("value"), &detail));
    }
    if let Some(policy) = class.at("preemptionPolicy").as_str() {
        let supported = ["PreemptLowerPriority", "Never"];
        errors.extend(formats::one_of(&Path::new("preemptionPolicy"), policy, &supported));
    }
    errors
}

/// Why a class is none of those that Kubernetes itself has.
fn not_of_the_system(class: &Value, name: &str) -> Option<String> {
    let Some((_, value)) = OF_THE_SYSTEM.iter().find(|(known, _)| *known == name) else {
        return Some(format!("{name} is not a known system priority class"));
    };
    if class.number("value") != *value {
        return Some(format!("value of {name} PriorityClass must be {value}"));
    }
    class.flag("globalDefault").then(|| format!("globalDefault of {name} PriorityClass must be false"))
}

const HIGHEST_OF_USERS: i64 = 1_000_000_000;
const OF_THE_SYSTEM: [(&str, i64); 2] =
    [("system-node-critical", 2_000_001_000), ("system-cluster-critical", 2_000_000_000)];
