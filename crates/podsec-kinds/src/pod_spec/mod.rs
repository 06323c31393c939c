//! Pod specs, which nine kinds carry: their defaults, rules and warnings.
//!
//! A Pod carries one itself; the others carry it in a template. What holds only for pods says so.

pub(crate) mod annotations;
pub(crate) mod containers;
pub(crate) mod defaults;
pub(crate) mod environment;
pub(crate) mod label_keys;
pub(crate) mod os;
pub(crate) mod probes;
pub(crate) mod qos;
pub(crate) mod resize;
pub(crate) mod resources;
pub(crate) mod scheduling;
pub(crate) mod security_context;
mod surroundings;
pub(crate) mod update;
pub(crate) mod validation;
pub(crate) mod volumes;
pub(crate) mod warnings;

use podsec_apimachinery::field::Path;
use serde_json::Value;

use crate::object::Fields;

/// The lists of containers in a pod spec, in the order in which Kubernetes visits them.
pub(crate) const CONTAINER_LISTS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];

/// All containers of a spec with their paths.
pub(crate) fn containers<'a>(spec: &'a Value, path: &'a Path) -> impl Iterator<Item = (&'a Value, Path)> {
    CONTAINER_LISTS.iter().flat_map(move |list| {
        let path = path.child(list);
        spec.list(list).iter().enumerate().map(move |(index, container)| (container, path.index(index)))
    })
}
