//! The formats of names, keys, ports and paths inside fields, each as the list of what is wrong with a text.

use podsec_apimachinery::field::{Error, Path};
pub(crate) use podsec_apimachinery::name::{
    dns1123_label as label, dns1123_subdomain as subdomain, label_key as qualified_name, label_value,
};
use serde_json::Value;

/// A rule of texts: what is wrong with one.
pub(crate) type Rule = fn(&str) -> Vec<String>;

/// A key of a ConfigMap or Secret.
pub(crate) fn config_map_key(text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if text.len() > 253 {
        wrong.push("must be no more than 253 characters".to_owned());
    }
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if text.is_empty() || !text.bytes().all(legal) {
        wrong.push(CONFIG_MAP_KEY.to_owned());
    }
    wrong.extend(not_hidden(text));
    wrong
}

/// The name of an environment variable: whatever a process can be given, in ASCII.
pub(crate) fn environment_variable(text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if text.is_empty() {
        wrong.push("environment variable name must be non-empty".to_owned());
    }
    if !text.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'=') {
        wrong.push(ENVIRONMENT_VARIABLE.to_owned());
    }
    wrong
}

fn not_hidden(text: &str) -> Option<String> {
    if matches!(text, "." | "..") {
        Some(format!("must not be '{text}'"))
    } else if text.starts_with("..") {
        Some("must not start with '..'".to_owned())
    } else {
        None
    }
}

/// A port number.
pub(crate) fn port_number(port: i64) -> Option<&'static str> {
    (!(1..=65535).contains(&port)).then_some("must be between 1 and 65535, inclusive")
}

/// A port name.
pub(crate) fn port_name(text: &str) -> Vec<&'static str> {
    let mut wrong = Vec::new();
    if text.len() > 15 {
        wrong.push("must be no more than 15 characters");
    }
    let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if text.is_empty() || !text.bytes().all(legal) {
        wrong.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
    }
    if !text.bytes().any(|byte| byte.is_ascii_lowercase()) {
        wrong.push("must contain at least one letter (a-z)");
    }
    if text.contains("--") {
        wrong.push("must not contain consecutive hyphens");
    }
    if text.starts_with('-') || text.ends_with('-') {
        wrong.push("must not begin or end with a hyphen");
    }
    wrong
}

/// A port as a number or a name.
pub(crate) fn port(value: &Value, path: &Path) -> Vec<Error> {
    if let Some(name) = value.as_str() {
        return invalid(path, name, port_name(name));
    }
    let number = value.as_i64().unwrap_or_default();
    let wrong = port_number(number).map(|wrong| Error::invalid(path.clone(), &number.into(), wrong));
    wrong.into_iter().collect()
}

/// A subdomain whose first label is `*`.
pub(crate) fn wildcard_subdomain(text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if text.len() > 253 {
        wrong.push("must be no more than 253 characters".to_owned());
    }
    // The length is told above.
    let is_subdomain = |rest: &str| subdomain(rest).iter().all(|why| why.starts_with("must be no more than"));
    if !text.strip_prefix("*.").is_some_and(is_subdomain) {
        wrong.push(WILDCARD_SUBDOMAIN.to_owned());
    }
    wrong
}

/// A path below a domain: `acme.io/foo`.
pub(crate) fn domain_prefixed_path(text: &str, path: &Path) -> Vec<Error> {
    if text.is_empty() {
        return vec![Error::required(path.clone(), "")];
    }
    let (host, rest) = match text.split_once('/') {
        Some((host, rest)) if !host.is_empty() && !rest.is_empty() => (host, rest),
        _ => {
            let detail = "must be a domain-prefixed path (such as \"acme.io/foo\")";
            return vec![Error::invalid(path.clone(), &text.into(), detail)];
        }
    };
    let mut errors = invalid(path, host, subdomain(host));
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~%!$&'()*+,;=:".contains(&byte);
    if !rest.bytes().all(legal) {
        errors.push(Error::invalid(path.clone(), &rest.into(), HTTP_PATH));
    }
    errors
}

/// A user or group id.
pub(crate) fn id(value: i64) -> Option<&'static str> {
    (!(0..=i64::from(i32::MAX)).contains(&value)).then_some("must be between 0 and 2147483647, inclusive")
}

/// A relative path that stays below where it starts.
pub(crate) fn local_descending_path(text: &str, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    if text.starts_with('/') {
        errors.push(Error::invalid(path.clone(), &text.into(), "must be a relative path"));
    }
    errors.extend(path_no_backsteps(text, path));
    errors
}

/// A path without `..`.
pub(crate) fn path_no_backsteps(text: &str, path: &Path) -> Option<Error> {
    text.split('/')
        .any(|part| part == "..")
        .then(|| Error::invalid(path.clone(), &text.into(), "must not contain '..'"))
}

/// Errors about one text: `Invalid value: "<text>": <reason>` for each reason.
pub(crate) fn invalid<R: AsRef<str>>(
    path: &Path,
    text: &str,
    reasons: impl IntoIterator<Item = R>,
) -> Vec<Error> {
    let value = Value::from(text);
    reasons.into_iter().map(|reason| Error::invalid(path.clone(), &value, reason.as_ref())).collect()
}

/// `Unsupported value`, the supported ones in the order given.
pub(crate) fn unsupported(path: &Path, value: &str, supported: &[&str]) -> Error {
    Error::not_supported(path.clone(), &value.into(), supported)
}

/// One of the supported values; an empty one is `Required value`.
pub(crate) fn one_of(path: &Path, value: &str, supported: &[&str]) -> Option<Error> {
    if value.is_empty() {
        Some(Error::required(path.clone(), ""))
    } else if supported.contains(&value) {
        None
    } else {
        Some(unsupported(path, value, supported))
    }
}

/// A number that may not be below zero.
pub(crate) fn nonnegative(path: &Path, value: i64) -> Option<Error> {
    (value < 0).then(|| Error::invalid(path.clone(), &value.into(), "must be greater than or equal to 0"))
}

/// The sentence about a list that Kubernetes compares and finds changed.
pub(crate) const IMMUTABLE: &str = "field is immutable";

const CONFIG_MAP_KEY: &str = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
const ENVIRONMENT_VARIABLE: &str =
    "a valid environment variable name must consist only of printable ASCII characters other than '='";
const WILDCARD_SUBDOMAIN: &str = "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', regex used for validation is '\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const HTTP_PATH: &str = "Invalid path (regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')";
