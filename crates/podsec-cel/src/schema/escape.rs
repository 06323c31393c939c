//! The names of fields as expressions write them: `my-field` is `my__dash__field`.

use crate::identifier::is_reserved;

/// The name of a property in an expression; `None` for one that no expression can name.
pub fn escape(property: &str) -> Option<String> {
    let first = property.chars().next()?;
    if first.is_ascii_digit() {
        return None;
    }
    if is_reserved(property) {
        return Some(format!("__{property}__"));
    }
    let mut escaped = String::with_capacity(property.len());
    let mut rest = property;
    while let Some(character) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("__") {
            escaped.push_str("__underscores__");
            rest = after;
            continue;
        }
        match character {
            '.' => escaped.push_str("__dot__"),
            '-' => escaped.push_str("__dash__"),
            '/' => escaped.push_str("__slash__"),
            '_' => escaped.push('_'),
            _ if character.is_ascii_alphanumeric() => escaped.push(character),
            _ => return None,
        }
        rest = rest.get(character.len_utf8()..).unwrap_or_default();
    }
    Some(escaped)
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn what_no_identifier_may_hold_is_spelt_out() {
        assert_eq!(
            escape("my-field.a/b__c").as_deref(),
            Some("my__dash__field__dot__a__slash__b__underscores__c")
        );
        assert_eq!(escape("namespace").as_deref(), Some("__namespace__"));
        assert_eq!(escape("_x").as_deref(), Some("_x"));
        assert_eq!(escape("a$b"), None);
        assert_eq!(escape("1a"), None);
        assert_eq!(escape(""), None);
    }
}
