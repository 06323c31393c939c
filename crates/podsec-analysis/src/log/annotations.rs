//! What Pod Security has written into an event.

use podsec_policy::labels::PREFIX;
use serde_json::value::RawValue;

use crate::collect::string_members;

/// The annotations of Pod Security, without its prefix.
pub(super) fn of_pod_security(annotations: Option<&RawValue>) -> Vec<(String, String)> {
    let annotations = annotations.filter(|annotations| annotations.get().contains(PREFIX));
    string_members(annotations)
        .into_iter()
        .filter_map(|(key, value)| Some((key.strip_prefix(PREFIX)?.to_owned(), value)))
        .collect()
}
