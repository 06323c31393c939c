//! What claims and classes share: selectors of devices, and configuration for their drivers.

use podsec_apimachinery::field::{Error, Path};
use serde_json::Value;

use super::{lists, names};
use crate::expressions::{self, Environment, Purpose};
use crate::object::Fields;

/// `selectors`.
pub(super) fn selectors(holder: &Value, path: &Path) -> Vec<Error> {
    lists::items(holder.list("selectors"), MOST, &path.child("selectors"), |selector, path| {
        let path = path.child("cel");
        let Some(cel) = selector.field("cel") else { return vec![Error::required(path, "")] };
        let (expression, path) = (cel.text("expression"), path.child("expression"));
        if expression.len() > EXPRESSION_LENGTH {
            return vec![Error::too_long(path, EXPRESSION_LENGTH)];
        }
        let environment = Environment::of(Purpose::DeviceSelector);
        expressions::compile(expression, expression, &environment, &path).into_iter().collect()
    })
}

/// What a driver is told about devices.
pub(super) fn configuration(config: &Value, stored: bool, path: &Path) -> Vec<Error> {
    let path = path.child("opaque");
    let Some(opaque) = config.field("opaque") else { return vec![Error::required(path, "")] };
    let mut errors = names::driver(opaque.text("driver"), &path.child("driver"));
    errors.extend(free_object(opaque.at("parameters"), stored, &path.child("parameters")));
    errors
}

/// A JSON object of at most 10 KB.
pub(super) fn free_object(value: &Value, stored: bool, path: &Path) -> Option<Error> {
    if value.is_null() {
        return Some(Error::required(path.clone(), ""));
    }
    if !stored && value.to_string().len() > OBJECT_LENGTH {
        return Some(Error::too_long(path.clone(), OBJECT_LENGTH));
    }
    (!value.is_object())
        .then(|| Error::invalid(path.clone(), &"<value omitted>".into(), "must be a valid JSON object"))
}

const MOST: usize = 32;
const EXPRESSION_LENGTH: usize = 10 * 1024;
const OBJECT_LENGTH: usize = 10 * 1024;
