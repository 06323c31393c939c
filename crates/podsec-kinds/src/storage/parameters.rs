//! What classes of storage and of volume attributes share: who provides them, and what the provider is told.

use podsec_apimachinery::field::{Error, Path};
use serde_json::Value;

use crate::formats;
use crate::object::Fields;

/// Who provides the volumes: a qualified name in any case.
pub(super) fn provisioner(object: &Value, field: &str) -> Vec<Error> {
    let path = Path::new(field);
    let name = object.text(field);
    if name.is_empty() {
        return vec![Error::required(path, "")];
    }
    let lower = name.to_lowercase();
    formats::invalid(&path, &lower, formats::qualified_name(&lower))
}

/// What the provider is told.
pub(super) fn parameters(object: &Value) -> Vec<Error> {
    let path = Path::new("parameters");
    let mut errors = Vec::new();
    let (mut count, mut size) = (0, 0);
    for (key, value) in object.texts("parameters") {
        if key.is_empty() {
            errors.push(Error::invalid(path.clone(), &key.into(), "field can not be empty."));
        }
        count += 1;
        size += key.len() + value.len();
    }
    if count > COUNT {
        return vec![Error::too_long(path, COUNT)];
    }
    if size > SIZE {
        errors.push(Error::too_long(path, SIZE));
    }
    errors
}

const COUNT: usize = 512;
const SIZE: usize = 256 * 1024;
