//! Where a kubelet once took its configuration from: a feature that is gone, and rules that stay.

use podsec_apimachinery::field::{Error, Path};
use serde_json::Value;

use crate::object::Fields;
use crate::{formats, internal};

/// What is wrong with a `NodeConfigSource`. In a status it names one state of a ConfigMap, in a spec any.
pub(super) fn validate(source: &Value, in_status: bool, path: &Path) -> Vec<Error> {
    let Some(map) = source.field("configMap") else {
        let detail = "exactly one reference subfield must be non-nil";
        return vec![internal::invalid(path.clone(), "NodeConfigSource", source, detail)];
    };
    let path = path.child("configMap");
    let mut errors = Vec::new();
    for field in ["uid", "resourceVersion"] {
        match (in_status, map.text(field)) {
            (true, "") => errors.push(Error::required(path.child(field), "")),
            (true, _) | (false, "") => {}
            (false, _) => {
                errors.push(Error::forbidden(path.child(field), &format!("{field} must not be set in spec")));
            }
        }
    }
    let rules: [(&str, formats::Rule); 3] = [
        ("namespace", formats::label),
        ("name", formats::subdomain),
        ("kubeletConfigKey", formats::config_map_key),
    ];
    for (field, rule) in rules {
        let (path, value) = (path.child(field), map.text(field));
        if value.is_empty() {
            errors.push(Error::required(path, ""));
        } else {
            errors.extend(formats::invalid(&path, value, rule(value)));
        }
    }
    errors
}
