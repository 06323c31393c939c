//! ClusterRoles: what may be done in the whole cluster, or in any namespace.

use podsec_apimachinery::field::{Error, Path};
use podsec_apimachinery::name::NameRule;
use serde_json::Value;

use super::{GROUP, rules};
use crate::generic::BASE;
use crate::label_selector;
use crate::metadata as meta;
use crate::object::Fields;
use crate::strategy::Strategy;
use crate::workload;

/// ClusterRoles.
pub(crate) static STRATEGY: Strategy = Strategy {
    group: GROUP,
    resource: "clusterroles",
    default: rules::default,
    prepare_for_create: rules::prepare,
    prepare_for_update: |role, old| {
        rules::prepare(role);
        workload::keep_generation(role, old);
    },
    validate,
    validate_update: |role, old| {
        let mut errors = meta::validate_update(role, old);
        errors.extend(validate(role));
        errors
    },
    allow_create_on_update: true,
    ..BASE
};

fn validate(role: &Value) -> Vec<Error> {
    let mut errors = meta::validate(role, false, NameRule::PathSegment);
    errors.extend(rules::validate(role, false));
    let Some(aggregation) = role.field("aggregationRule") else { return errors };
    let path = Path::new("aggregationRule").child("clusterRoleSelectors");
    let selectors = aggregation.list("clusterRoleSelectors");
    if selectors.is_empty() {
        let detail = "at least one clusterRoleSelector required if aggregationRule is non-nil";
        errors.push(Error::required(path.clone(), detail));
    }
    for (index, selector) in selectors.iter().enumerate() {
        let path = path.index(index);
        let wrong = label_selector::validate(selector, &path);
        let unreadable = !wrong.is_empty();
        errors.extend(wrong);
        if unreadable {
            errors.push(Error::invalid_json(path, "null", "invalid label selector."));
        }
    }
    errors
}
