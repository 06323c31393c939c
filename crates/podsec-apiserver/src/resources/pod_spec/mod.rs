//! Pod specs, which nine kinds carry: their defaults, rules and warnings.
//!
//! A Pod carries one itself; the others carry it in a template. What holds only for pods says so.

pub(super) mod annotations;
pub(super) mod containers;
pub(super) mod defaults;
pub(super) mod environment;
pub(super) mod os;
pub(super) mod probes;
pub(super) mod qos;
pub(super) mod resources;
pub(super) mod scheduling;
pub(super) mod security_context;
pub(super) mod update;
pub(super) mod validation;
pub(super) mod volumes;
pub(super) mod warnings;

use podsec_apimachinery::field::Path;
use serde_json::Value;

use super::object::Fields;

/// The lists of containers in a pod spec, in the order in which Kubernetes visits them.
pub(super) const CONTAINER_LISTS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];

/// All containers of a spec with their paths.
pub(super) fn containers<'a>(spec: &'a Value, path: &'a Path) -> impl Iterator<Item = (&'a Value, Path)> {
    CONTAINER_LISTS.iter().flat_map(move |list| {
        let path = path.child(list);
        spec.list(list).iter().enumerate().map(move |(index, container)| (container, path.index(index)))
    })
}
