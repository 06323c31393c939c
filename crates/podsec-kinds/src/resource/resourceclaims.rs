//! ResourceClaims: devices that a workload asks for, and those that it got.

use podsec_apimachinery::field::{Error, Path};
use podsec_apimachinery::name::NameRule;
use serde_json::{Value, json};

use super::{GROUP, claim_spec, claim_status};
use crate::generic::{BASE, metadata_of_stored};
use crate::object::{Fields, FieldsMut, metadata, same};
use crate::printing::{self, column};
use crate::strategy::{DeletionAnswer, Strategy, Subresource};
use crate::{formats, internal, metadata as meta, workload};

/// ResourceClaims.
pub(crate) static STRATEGY: Strategy = Strategy {
    group: GROUP,
    resource: "resourceclaims",
    default: |claim| {
        let Some(claim) = claim.as_object_mut() else { return };
        if let Some(spec) = claim.ensure("spec") {
            claim_spec::default(spec);
        }
        claim_status::default(claim);
    },
    prepare_for_create: |claim| workload::reset_status(claim, json!({})),
    prepare_for_update: |claim, old| {
        workload::keep_status(claim, old);
        workload::keep_generation(claim, old);
    },
    validate: |claim| {
        let mut errors: Vec<Error> = claim_spec::admin_access(claim.at("spec")).into_iter().collect();
        errors.extend(meta::validate(claim, true, NameRule::Dns1123Subdomain));
        errors.extend(claim_spec::validate(claim.at("spec"), &Path::new("spec")));
        errors
    },
    validate_update: |claim, old| {
        let mut errors = meta::validate_update(claim, old);
        errors.extend(meta::validate(claim, true, NameRule::Dns1123Subdomain));
        let spec = claim.at("spec");
        if !same(spec, old.at("spec")) {
            let path = Path::new("spec");
            errors.push(internal::invalid(path, "resource.ResourceClaimSpec", spec, formats::IMMUTABLE));
        }
        errors
    },
    subresources: &[Subresource {
        name: "status",
        prepare_for_update: |claim, old| {
            metadata_of_stored(claim, old, &["spec"]);
            claim_status::drop_deallocated(claim, old);
        },
        validate_update: |claim, old| {
            let mut errors = meta::validate_update(claim, old);
            errors.extend(claim_status::validate(claim, old, &claim_spec::requests(claim.at("spec"))));
            errors
        },
    }],
    columns: &[
        printing::NAME,
        column("State", "A summary of the current state (allocated, pending, reserved, etc.)."),
        printing::AGE,
    ],
    cells: |claim, now| vec![printing::name(claim), state(claim).into(), printing::age(claim, now)],
    deletion_answer: DeletionAnswer::Object,
    ..BASE
};

fn state(claim: &Value) -> String {
    let deleted = metadata(claim).has("deletionTimestamp");
    let status = claim.at("status");
    let allocated = status.has("allocation");
    let reserved = allocated && !status.list("reservedFor").is_empty();
    let all = [
        (deleted, "deleted"),
        (!allocated && !deleted, "pending"),
        (allocated, "allocated"),
        (reserved, "reserved"),
    ];
    let holding: Vec<&str> = all.iter().filter(|(holds, _)| *holds).map(|(_, state)| *state).collect();
    holding.join(",")
}
