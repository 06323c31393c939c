//! Leases: who holds something, and until when.

use podsec_apimachinery::field::{Error, Path};
use podsec_apimachinery::name::NameRule;
use serde_json::Value;

use crate::generic::BASE;
use crate::object::{Fields, FieldsMut};
use crate::printing::{self, column};
use crate::strategy::Strategy;
use crate::{formats, metadata as meta};

/// Leases.
pub(crate) static STRATEGY: Strategy = Strategy {
    group: "coordination.k8s.io",
    resource: "leases",
    default: |lease| {
        if let Some(lease) = lease.as_object_mut() {
            lease.ensure("spec");
        }
    },
    prepare_for_create: |lease| without_election(lease, &Value::Null),
    prepare_for_update: |lease, old| {
        without_election(lease, old);
        crate::workload::keep_generation(lease, old);
    },
    validate: |lease| {
        let mut errors = meta::validate_any_finalizers(lease, true, NameRule::Dns1123Subdomain);
        errors.extend(spec(lease.at("spec"), &Path::new("spec")));
        errors
    },
    validate_update: |lease, old| {
        let mut errors = meta::validate_update_any_finalizers(lease, old);
        errors.extend(spec(lease.at("spec"), &Path::new("spec")));
        errors
    },
    columns: &[
        printing::NAME,
        column(
            "Holder",
            "holderIdentity contains the identity of the holder of a current lease. If Coordinated Leader Election \
             is used, the holder identity must be equal to the elected LeaseCandidate.metadata.name field.",
        ),
        printing::AGE,
    ],
    cells: |lease, now| {
        let holder = lease.at("spec").text("holderIdentity");
        vec![printing::name(lease), holder.into(), printing::age(lease, now)]
    },
    allow_create_on_update: true,
    allow_unconditional_update: false,
    ..BASE
};

/// Coordinated leader election is off, as it is by default.
fn without_election(lease: &mut Value, old: &Value) {
    let Some(spec) = lease.as_object_mut().and_then(|lease| lease.object_mut("spec")) else { return };
    for field in ["strategy", "preferredHolder"] {
        if !old.at("spec").has(field) {
            spec.remove(field);
        }
    }
}

fn spec(spec: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    if let Some(seconds) = spec.integer("leaseDurationSeconds").filter(|seconds| *seconds <= 0) {
        let path = path.child("leaseDurationSeconds");
        errors.push(Error::invalid(path, &seconds.into(), "must be greater than 0"));
    }
    if let Some(transitions) = spec.integer("leaseTransitions") {
        errors.extend(formats::nonnegative(&path.child("leaseTransitions"), transitions));
    }
    let strategy = spec.text("strategy");
    if spec.has("strategy") {
        // Kubernetes names the field twice.
        let path = path.child("strategy").child("strategy");
        if strategy.contains('/') {
            errors.extend(formats::invalid(&path, strategy, formats::qualified_name(strategy)));
        } else if strategy != "OldestEmulationVersion" {
            errors.push(formats::unsupported(&path, strategy, &["OldestEmulationVersion"]));
        }
    }
    if !spec.text("preferredHolder").is_empty() && strategy.is_empty() {
        let detail = "may only be specified if `strategy` is defined";
        errors.push(Error::forbidden(path.child("preferredHolder"), detail));
    }
    errors
}
