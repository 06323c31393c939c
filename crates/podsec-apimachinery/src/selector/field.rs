//! Field selectors: `status.phase=Running,spec.nodeName!=n1`, with `\` before a comma, an equals sign or a backslash.

use std::fmt;
use std::str::FromStr;

use podsec_go::quote::quoted;

/// Requirements on fields, all of which must hold. Without any it matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    terms: Vec<Term>,
}

/// What one field must, or must not, be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// The field's label, as in `metadata.name`.
    pub field: String,
    /// Whether the field must have the value (`=`, `==`) or must not (`!=`).
    pub equal: bool,
    /// The value, unescaped.
    pub value: String,
}

/// Why a text is no field selector, or not one for this kind; kube-apiserver answers 400 with these words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A term without an operator.
    #[error("invalid selector: '{selector}'; can't understand '{term}'")]
    NoOperator {
        /// The whole text.
        selector: String,
        /// The term.
        term: String,
    },
    /// A backslash before a character that needs none, or at the end.
    #[error("invalid field selector: invalid escape sequence: {0}")]
    InvalidEscape(String),
    /// An equals sign in a value; Kubernetes prints its number.
    #[error("invalid field selector: unescaped character in value: {}", u32::from(*.0))]
    Unescaped(char),
    /// The kind supports selecting by some fields, but not by this one.
    #[error("field label not supported: {0}")]
    NotSupported(String),
    /// The kind supports none but the two that all kinds have.
    #[error("{} is not a known field selector: only \"metadata.name\", \"metadata.namespace\"", quoted(.0))]
    Unknown(String),
}

impl Selector {
    /// Reads a selector as `kubectl --field-selector` takes it. The empty text matches everything.
    ///
    /// # Errors
    /// In Kubernetes' words, fit for a 400.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut parts = split(text);
        parts.sort_unstable();
        let terms = parts.into_iter().filter(|part| !part.is_empty()).map(|part| term(part, text));
        Ok(Self { terms: terms.collect::<Result<_, _>>()? })
    }

    /// Checks that every term selects by `metadata.name`, `metadata.namespace` or one of the kind's own fields.
    ///
    /// # Errors
    /// [`Error::Unknown`] when the kind has no own fields, [`Error::NotSupported`] when it has.
    pub fn check(&self, own_fields: &[&str]) -> Result<(), Error> {
        let known = |field: &str| {
            matches!(field, "metadata.name" | "metadata.namespace") || own_fields.contains(&field)
        };
        match self.terms.iter().find(|term| !known(&term.field)) {
            None => Ok(()),
            Some(term) if own_fields.is_empty() => Err(Error::Unknown(term.field.clone())),
            Some(term) => Err(Error::NotSupported(term.field.clone())),
        }
    }

    /// Whether it matches every object.
    pub fn is_everything(&self) -> bool {
        self.terms.is_empty()
    }

    /// The terms, sorted by their text.
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// The value a field must have, if some term fixes it: lists by `metadata.name` need to read one object only.
    pub fn exact_match(&self, field: &str) -> Option<&str> {
        self.terms.iter().find(|term| term.equal && term.field == field).map(|term| term.value.as_str())
    }

    /// Whether the fields that `lookup` reads match; a field without a value is empty.
    pub fn matches<T: AsRef<str>>(&self, lookup: impl Fn(&str) -> Option<T>) -> bool {
        self.terms.iter().all(|term| {
            let value = lookup(&term.field);
            (value.as_ref().map_or("", AsRef::as_ref) == term.value) == term.equal
        })
    }
}

impl FromStr for Selector {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, term) in self.terms.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            let operator = if term.equal { "=" } else { "!=" };
            write!(f, "{comma}{}{operator}{}", term.field, escape(&term.value))?;
        }
        Ok(())
    }
}

/// The terms between commas that no backslash precedes.
fn split(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut escaped = false;
    for (index, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ',' => {
                parts.extend(text.get(start..index));
                start = index + 1;
            }
            _ => {}
        }
    }
    parts.extend(text.get(start..));
    parts
}

fn term(part: &str, selector: &str) -> Result<Term, Error> {
    let found = part.char_indices().find_map(|(index, _)| {
        let (field, rest) = part.split_at_checked(index)?;
        let operator = ["!=", "==", "="].into_iter().find(|operator| rest.starts_with(operator))?;
        Some((field, operator, rest.strip_prefix(operator)?))
    });
    let Some((field, operator, value)) = found else {
        return Err(Error::NoOperator { selector: selector.to_owned(), term: part.to_owned() });
    };
    Ok(Term { field: field.to_owned(), equal: operator != "!=", value: unescape(value)? })
}

fn unescape(value: &str) -> Result<String, Error> {
    let mut plain = String::with_capacity(value.len());
    let mut characters = value.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some(escaped @ ('\\' | ',' | '=')) => plain.push(escaped),
                Some(other) => return Err(Error::InvalidEscape(format!("\\{other}"))),
                None => return Err(Error::InvalidEscape("\\".to_owned())),
            },
            ',' | '=' => return Err(Error::Unescaped(character)),
            other => plain.push(other),
        }
    }
    Ok(plain)
}

fn escape(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for character in value.chars() {
        if matches!(character, '\\' | ',' | '=') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn terms_match_what_the_lookup_reads() {
        let lookup = |field: &str| match field {
            "metadata.name" => Some("a,b=c\\"),
            "status.phase" => Some("Running"),
            _ => None,
        };
        let cases = [
            ("", true),
            ("status.phase=Running", true),
            ("status.phase==Running", true),
            ("status.phase!=Running", false),
            ("status.phase=Running,spec.nodeName=", true),
            ("spec.nodeName!=n1,", true),
            ("status.phase=Running,spec.nodeName=n1", false),
            (r"metadata.name=a\,b\=c\\", true),
        ];
        for (text, matches) in cases {
            assert_eq!(Selector::parse(text).unwrap().matches(lookup), matches, "{text}");
        }
    }

    #[test]
    fn what_is_no_selector_is_refused_in_kubernetes_words() {
        let words = |text| Selector::parse(text).unwrap_err().to_string();
        assert_eq!(words("xx"), "invalid selector: 'xx'; can't understand 'xx'");
        assert_eq!(words("a=b,xx"), "invalid selector: 'a=b,xx'; can't understand 'xx'");
        assert_eq!(words(r"a=\b"), r"invalid field selector: invalid escape sequence: \b");
        assert_eq!(words(r"a=b\"), r"invalid field selector: invalid escape sequence: \");
        assert_eq!(words("a=b=c"), "invalid field selector: unescaped character in value: 61");
    }

    #[test]
    fn a_field_the_kind_does_not_select_by_is_refused() {
        let selector = Selector::parse("metadata.uid=x").unwrap();
        assert_eq!(
            selector.check(&[]).unwrap_err().to_string(),
            r#""metadata.uid" is not a known field selector: only "metadata.name", "metadata.namespace""#
        );
        assert_eq!(
            selector.check(&["spec.nodeName"]).unwrap_err().to_string(),
            "field label not supported: metadata.uid"
        );
        assert_eq!(
            Selector::parse("metadata.name=x,spec.nodeName=n").unwrap().check(&["spec.nodeName"]),
            Ok(())
        );
    }

    #[test]
    fn a_fixed_name_is_found() {
        let selector = Selector::parse("metadata.namespace!=x,metadata.name=a").unwrap();
        assert_eq!(selector.exact_match("metadata.name"), Some("a"));
        assert_eq!(selector.exact_match("metadata.namespace"), None);
    }

    proptest! {
        #[test]
        fn what_prints_parses_to_the_same(text in r"([a-c.]{1,3}(=|==|!=)([a-cé]|\\[,=\\]){0,4},?){0,3}") {
            if let Ok(selector) = Selector::parse(&text) {
                let again = Selector::parse(&selector.to_string()).unwrap();
                let sorted = |selector: &Selector| {
                    let mut terms: Vec<String> = selector.terms.iter().map(|term| format!("{term:?}")).collect();
                    terms.sort_unstable();
                    terms
                };
                prop_assert_eq!(sorted(&again), sorted(&selector));
            }
        }

        #[test]
        fn no_text_panics(text in r"[a-b=!,\\é]{0,12}") {
            let _ = Selector::parse(&text);
        }
    }
}
