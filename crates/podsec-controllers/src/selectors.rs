//! Label selectors of typed objects.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use podsec_apimachinery::selector::label::{Selector, from_object};

use crate::error::{Error, Result};

/// Reads a selector.
///
/// # Errors
/// One that the API server should not have accepted.
pub(crate) fn selector(selector: &LabelSelector) -> Result<Selector> {
    let object = serde_json::to_value(selector).map_err(|error| Error::Object(error.to_string()))?;
    from_object(Some(&object)).map_err(|error| Error::Object(error.to_string()))
}

/// Whether labels match.
pub(crate) fn matches(selector: &Selector, labels: Option<&BTreeMap<String, String>>) -> bool {
    match selector {
        Selector::Nothing => false,
        Selector::Require(requirements) => requirements.iter().all(|requirement| {
            requirement.matches(labels.and_then(|labels| labels.get(requirement.key())).map(String::as_str))
        }),
    }
}

/// Whether labels contain all those of `wanted`.
pub(crate) fn contains(
    labels: Option<&BTreeMap<String, String>>,
    wanted: Option<&BTreeMap<String, String>>,
) -> bool {
    let mut wanted = wanted.into_iter().flatten();
    wanted.all(|(key, value)| labels.and_then(|labels| labels.get(key)) == Some(value))
}
