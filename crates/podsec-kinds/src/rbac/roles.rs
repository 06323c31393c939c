//! Roles: what may be done in one namespace.

use podsec_apimachinery::field::Error;
use podsec_apimachinery::name::NameRule;
use serde_json::Value;

use super::{GROUP, rules};
use crate::generic::BASE;
use crate::metadata as meta;
use crate::strategy::Strategy;
use crate::workload;

/// Roles.
pub(crate) static STRATEGY: Strategy = Strategy {
    group: GROUP,
    resource: "roles",
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
    let mut errors = meta::validate(role, true, NameRule::PathSegment);
    errors.extend(rules::validate(role, true));
    errors
}
