//! Fields that may not change, as Kubernetes' `ValidateImmutableField`.

use podsec_apimachinery::field::{Error, Path, json};
use serde_json::Value;

use crate::formats::IMMUTABLE;
use crate::object::{Fields, same};

/// What is wrong with a changed value that is written as it is in JSON: a list, a map, a pointer.
pub(crate) fn value(new: &Value, old: &Value, path: &Path) -> Option<Error> {
    (!same(new, old)).then(|| match new {
        Value::String(_) => Error::invalid(path.clone(), new, IMMUTABLE),
        _ => Error::invalid_json(path.clone(), &json(new), IMMUTABLE),
    })
}

/// What is wrong with a changed text of two objects.
pub(crate) fn text(new: &Value, old: &Value, field: &str, path: &Path) -> Option<Error> {
    let (new, old) = (new.text(field), old.text(field));
    (new != old).then(|| Error::invalid(path.child(field), &new.into(), IMMUTABLE))
}
