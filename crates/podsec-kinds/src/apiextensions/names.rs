//! The names by which a definition's objects are called.

use podsec_apimachinery::field::{Error, Path};
use podsec_apimachinery::name::dns1035_label;
use serde_json::Value;

use crate::object::Fields;

/// What is wrong with the names that a definition asks for, or with those it has.
pub(super) fn validate_names(names: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    for field in ["plural", "singular", "kind", "listKind"] {
        let (path, text) = (path.child(field), names.text(field));
        let is_kind = matches!(field, "kind" | "listKind");
        let before = if is_kind { "may have mixed case, but should otherwise match: " } else { "" };
        let checked = if is_kind { text.to_lowercase() } else { text.to_owned() };
        if !text.is_empty() {
            errors.extend(labels(&path, text, &dns1035_label(&checked), before));
        }
    }
    let each = |field: &str| -> Vec<Error> {
        let names = names.list(field).iter().filter_map(Value::as_str).enumerate();
        names
            .filter_map(|(index, name)| {
                labels(&path.child(field).index(index), name, &dns1035_label(name), "")
            })
            .collect()
    };
    errors.extend(each("shortNames"));
    let kind = names.text("kind");
    if !kind.is_empty() && kind == names.text("listKind") {
        let why = "kind and listKind may not be the same";
        errors.push(Error::invalid(path.child("listKind"), &kind.into(), why));
    }
    errors.extend(each("categories"));
    errors
}

/// One error for all that is wrong with a name, as these kinds have it.
pub(super) fn labels(path: &Path, name: &str, wrong: &[String], before: &str) -> Option<Error> {
    let why = format!("{before}{}", wrong.join(","));
    (!wrong.is_empty()).then(|| Error::invalid(path.clone(), &name.into(), &why))
}
