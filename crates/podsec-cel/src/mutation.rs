//! The messages that expressions of mutations make.

/// The message of one operation of a patch.
pub const JSON_PATCH: &str = "JSONPatch";

/// Whether expressions of mutations make messages of this name.
pub(crate) fn is_mutation(name: &str) -> bool {
    name == JSON_PATCH || is_object(name)
}

/// `Object`, and what is named after its fields: `Object.spec`.
pub(crate) fn is_object(name: &str) -> bool {
    name == "Object" || name.starts_with("Object.")
}
