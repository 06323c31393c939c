//! CSIStorageCapacities: how much storage of a class is left in a part of the cluster.

use podsec_apimachinery::field::{Error, Path};
use podsec_apimachinery::name::NameRule;
use serde_json::Value;

use crate::generic::BASE;
use crate::label_selector;
use crate::object::{Fields, same};
use crate::quantity::Quantity;
use crate::strategy::Strategy;
use crate::{formats, immutable, internal, metadata as meta, node_selector};

/// CSIStorageCapacities.
pub(crate) static STRATEGY: Strategy = Strategy {
    group: "storage.k8s.io",
    resource: "csistoragecapacities",
    validate,
    validate_update: |capacity, old| {
        let mut errors = meta::common_update(capacity, old);
        errors.extend(validate(capacity));
        let path = Path::new("nodeTopology");
        let topology = capacity.at("nodeTopology");
        if !same(topology, old.at("nodeTopology")) || topology.is_null() != old.at("nodeTopology").is_null() {
            errors.push(internal::invalid(path, "*metav1.LabelSelector", topology, formats::IMMUTABLE));
        }
        errors.extend(immutable::text(capacity, old, "storageClassName", &Path::default()));
        errors
    },
    warnings_on_create: warnings,
    warnings_on_update: |capacity, _| warnings(capacity),
    allow_unconditional_update: false,
    ..BASE
};

fn validate(capacity: &Value) -> Vec<Error> {
    let mut errors = meta::validate(capacity, true, NameRule::Dns1123Subdomain);
    errors.extend(label_selector::validate(capacity.at("nodeTopology"), &Path::new("nodeTopology")));
    let class = capacity.text("storageClassName");
    errors.extend(formats::invalid(&Path::new("storageClassName"), class, formats::subdomain(class)));
    let amount = capacity.text("capacity");
    if Quantity::parse(amount).is_some_and(Quantity::is_negative) {
        let detail = "must be greater than or equal to 0";
        errors.push(Error::invalid(Path::new("capacity"), &amount.into(), detail));
    }
    errors
}

fn warnings(capacity: &Value) -> Vec<String> {
    node_selector::label_selector_warnings(capacity.at("nodeTopology"), &Path::new("nodeTopology"))
}
