//! Lists of bounded length.

use std::collections::BTreeSet;

use podsec_apimachinery::field::{Error, Path};
use serde_json::Value;

/// What is wrong with the items of a list; one that is too long is not looked into.
pub(super) fn items(
    list: &[Value],
    most: usize,
    path: &Path,
    mut item: impl FnMut(&Value, &Path) -> Vec<Error>,
) -> Vec<Error> {
    if list.len() > most {
        return vec![Error::too_many(path.clone(), list.len(), most)];
    }
    list.iter().enumerate().flat_map(|(index, value)| item(value, &path.index(index))).collect()
}

/// The same, and no two items may have the same key.
pub(super) fn set<'a>(
    list: &'a [Value],
    most: usize,
    path: &Path,
    item: impl FnMut(&Value, &Path) -> Vec<Error>,
    key: impl Fn(&'a Value) -> &'a str,
) -> Vec<Error> {
    let mut errors = items(list, most, path, item);
    if list.len() > most {
        return errors;
    }
    let mut seen = BTreeSet::new();
    for (index, value) in list.iter().enumerate() {
        let key = key(value);
        if !seen.insert(key) {
            errors.push(Error::duplicate(path.index(index), &key.into()));
        }
    }
    errors
}

/// The key of a list of texts.
pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
