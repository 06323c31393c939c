//! What names, label keys and label values may look like, and the sentences for those that do not.
//!
//! Each check returns one sentence for each rule broken, as Kubernetes v1.35's validation packages word them.

/// How the names of a kind are validated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameRule {
    /// `example.com`, at most 253 characters: most kinds.
    Dns1123Subdomain,
    /// `my-name`, at most 63 characters: namespaces.
    Dns1123Label,
    /// `my-name` that starts with a letter: services before v1.34.
    Dns1035Label,
    /// Whatever fits between two slashes of a URL: roles and their bindings.
    PathSegment,
}

impl NameRule {
    /// What is wrong with `name`.
    pub fn check(self, name: &str) -> Vec<String> {
        match self {
            Self::Dns1123Subdomain => dns1123_subdomain(name),
            Self::Dns1123Label => dns1123_label(name),
            Self::Dns1035Label => dns1035_label(name),
            Self::PathSegment => path_segment(name),
        }
    }

    /// What is wrong with `prefix` as a `generateName`; it may end with a dash, as the suffix follows.
    pub fn check_prefix(self, prefix: &str) -> Vec<String> {
        match self {
            Self::PathSegment => illegal_in_path(prefix),
            _ => self.check(&without_trailing_dash(prefix)),
        }
    }
}

/// `metadata.name` of most kinds.
pub fn dns1123_subdomain(value: &str) -> Vec<String> {
    let mut wrong = too_long(value, SUBDOMAIN_LENGTH, "characters");
    if !is_subdomain(value) {
        wrong.push(pattern(SUBDOMAIN_WORDS, SUBDOMAIN_PATTERN, &["example.com"]));
    }
    wrong
}

/// Names of namespaces, containers, volumes.
pub fn dns1123_label(value: &str) -> Vec<String> {
    let mut wrong = too_long(value, LABEL_LENGTH, "characters");
    if !is_dns_label(value) {
        wrong.push(if is_subdomain(value) {
            "must not contain dots".to_owned()
        } else {
            pattern(
                "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must \
                 start and end with an alphanumeric character",
                "[a-z0-9]([-a-z0-9]*[a-z0-9])?",
                &["my-name", "123-abc"],
            )
        });
    }
    wrong
}

/// A label that starts with a letter.
pub fn dns1035_label(value: &str) -> Vec<String> {
    let mut wrong = too_long(value, LABEL_LENGTH, "characters");
    if !(is_dns_label(value) && value.starts_with(|first: char| first.is_ascii_lowercase())) {
        wrong.push(pattern(
            "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic \
             character, and end with an alphanumeric character",
            "[a-z]([-a-z0-9]*[a-z0-9])?",
            &["my-name", "abc-123"],
        ));
    }
    wrong
}

/// A name that stands between two slashes of a URL.
pub fn path_segment(value: &str) -> Vec<String> {
    match value {
        "." | ".." => vec![format!("may not be '{value}'")],
        _ => illegal_in_path(value),
    }
}

/// A label's key, also an annotation's (in lower case) and a finalizer's: `[prefix/]name`.
pub fn label_key(value: &str) -> Vec<String> {
    let words = || {
        pattern(
            "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric \
             character",
            LABEL_PATTERN,
            &["MyName", "my.name", "123-abc"],
        )
    };
    let mut wrong = Vec::new();
    let name = match value.split_once('/') {
        None => value,
        Some((_, rest)) if rest.contains('/') => {
            return vec![format!(
                "a valid label key {} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')",
                words()
            )];
        }
        Some(("", name)) => {
            wrong.push("prefix part must be non-empty".to_owned());
            name
        }
        Some((prefix, name)) => {
            wrong.extend(
                too_long(prefix, SUBDOMAIN_LENGTH, "bytes")
                    .into_iter()
                    .map(|why| format!("prefix part {why}")),
            );
            if !is_subdomain(prefix) {
                let why = pattern(SUBDOMAIN_WORDS, SUBDOMAIN_PATTERN, &["example.com"]);
                wrong.push(format!("prefix part {why}"));
            }
            name
        }
    };
    if name.is_empty() {
        wrong.push("name part must be non-empty".to_owned());
    }
    wrong.extend(too_long(name, LABEL_LENGTH, "bytes").into_iter().map(|why| format!("name part {why}")));
    if !is_qualified(name) {
        wrong.push(format!("name part {}", words()));
    }
    wrong
}

/// A label's value; empty is fine.
pub fn label_value(value: &str) -> Vec<String> {
    let mut wrong = too_long(value, LABEL_LENGTH, "bytes");
    if !value.is_empty() && !is_qualified(value) {
        wrong.push(pattern(
            "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must \
             start and end with an alphanumeric character",
            "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?",
            &["MyValue", "my_value", "12345"],
        ));
    }
    wrong
}

fn too_long(value: &str, limit: usize, unit: &str) -> Vec<String> {
    if value.len() > limit { vec![format!("must be no more than {limit} {unit}")] } else { Vec::new() }
}

fn is_subdomain(value: &str) -> bool {
    value.split('.').all(is_dns_label)
}

fn is_dns_label(value: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    starts_and_ends(value, inner) && value.bytes().all(|byte| inner(byte) || byte == b'-')
}

fn is_qualified(value: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric();
    starts_and_ends(value, inner) && value.bytes().all(|byte| inner(byte) || b"-_.".contains(&byte))
}

fn starts_and_ends(value: &str, with: impl Fn(u8) -> bool) -> bool {
    matches!((value.bytes().next(), value.bytes().next_back()), (Some(first), Some(last)) if with(first) && with(last))
}

fn illegal_in_path(value: &str) -> Vec<String> {
    ["/", "%"]
        .into_iter()
        .filter(|illegal| value.contains(illegal))
        .map(|illegal| format!("may not contain '{illegal}'"))
        .collect()
}

/// Kubernetes cuts the dash and the character before it, and puts a letter in their place.
fn without_trailing_dash(prefix: &str) -> String {
    let mut rest = prefix.chars();
    match (rest.next_back(), rest.next_back()) {
        (Some('-'), Some(_)) => format!("{}a", rest.as_str()),
        _ => prefix.to_owned(),
    }
}

/// The sentence for a value that does not match: each example is followed by a comma, whence the double spaces.
fn pattern(words: &str, pattern: &str, examples: &[&str]) -> String {
    let examples: Vec<String> = examples.iter().map(|example| format!("'{example}', ")).collect();
    format!("{words} (e.g. {}regex used for validation is '{pattern}')", examples.join(" or "))
}

const LABEL_LENGTH: usize = 63;
const SUBDOMAIN_LENGTH: usize = 253;
const LABEL_PATTERN: &str = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const SUBDOMAIN_PATTERN: &str = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";
const SUBDOMAIN_WORDS: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' \
                               or '.', and must start and end with an alphanumeric character";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_refused_in_kubernetes_words() {
        let label = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
        let subdomain = r"a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
        let key = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
        let value = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
        let long = "a".repeat(64);
        let none: [&str; 0] = [];

        assert_eq!(dns1123_label("Foo"), [label]);
        assert_eq!(dns1123_label("a.b"), ["must not contain dots"]);
        assert_eq!(dns1123_label(&long), ["must be no more than 63 characters"]);
        assert_eq!(dns1123_label("a-1"), none);
        assert_eq!(dns1123_subdomain("Bad_Name"), [subdomain]);
        assert_eq!(dns1123_subdomain(""), [subdomain]);
        assert_eq!(dns1123_subdomain("a..b"), [subdomain]);
        assert_eq!(dns1123_subdomain("a.b-c.d"), none);
        assert_eq!(dns1123_subdomain(&"a".repeat(254)), ["must be no more than 253 characters"]);
        assert_eq!(dns1035_label("1a").len(), 1);
        assert_eq!(dns1035_label("a1"), none);
        assert_eq!(path_segment(".."), ["may not be '..'"]);
        assert_eq!(path_segment("a/b%c"), ["may not contain '/'", "may not contain '%'"]);
        assert_eq!(path_segment("system:Admin"), none);

        assert_eq!(label_key("a b"), [key]);
        assert_eq!(label_key(""), ["name part must be non-empty", key]);
        assert_eq!(label_key("Foo_/a"), [format!("prefix part {subdomain}")]);
        assert_eq!(label_key("/a"), ["prefix part must be non-empty"]);
        assert_eq!(label_key(&long), ["name part must be no more than 63 bytes"]);
        assert_eq!(label_key("example.com/My.Name_1"), none);
        assert!(label_key("a/b/c")[0].ends_with("prefix and '/' (e.g. 'example.com/MyName')"));
        assert_eq!(label_value("b c"), [value]);
        assert_eq!(label_value(&long), ["must be no more than 63 bytes"]);
        assert_eq!(label_value(""), none);
    }

    #[test]
    fn a_prefix_may_end_with_a_dash() {
        assert!(NameRule::Dns1123Subdomain.check_prefix("web-").is_empty());
        assert!(NameRule::Dns1123Label.check_prefix("a-").is_empty());
        assert_eq!(NameRule::Dns1123Subdomain.check_prefix("Bad-").len(), 1);
        assert_eq!(NameRule::Dns1123Subdomain.check_prefix("-").len(), 1);
        assert!(NameRule::PathSegment.check_prefix(".").is_empty());
    }

    proptest! {
        #[test]
        fn no_name_panics(value in ".*") {
            for rule in [NameRule::Dns1123Subdomain, NameRule::Dns1123Label, NameRule::Dns1035Label, NameRule::PathSegment] {
                rule.check(&value);
                rule.check_prefix(&value);
            }
            label_key(&value);
            label_value(&value);
        }
    }
}
