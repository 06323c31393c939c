//! The names of devices, pools, drivers, attributes and requests.

use podsec_apimachinery::field::{Error, Path};

use crate::formats;
use crate::storage::csinodes::driver_name;

/// A device, request or counter: a label.
pub(super) fn label(text: &str, path: &Path) -> Vec<Error> {
    formats::invalid(path, text, formats::label(text))
}

/// A driver: a subdomain of at most 63 characters in any case.
pub(super) fn driver(text: &str, path: &Path) -> Vec<Error> {
    driver_name(text, path)
}

/// A pool: subdomains with slashes between them.
pub(super) fn pool(text: &str, path: &Path) -> Vec<Error> {
    if text.is_empty() {
        return vec![Error::required(path.clone(), "")];
    }
    let mut errors = Vec::new();
    if text.len() > 253 {
        errors.push(Error::too_long(path.clone(), 253));
    }
    for part in text.split('/') {
        errors.extend(formats::invalid(path, part, formats::subdomain(part)));
    }
    errors
}

/// An attribute or capacity: an identifier, with a domain before it or not.
pub(super) fn qualified(text: &str, path: &Path) -> Vec<Error> {
    let parts: Vec<&str> = text.split('/').collect();
    let empty = |detail: &str| Error::invalid(path.clone(), &"".into(), detail);
    match parts.as_slice() {
        [name] => identifier(name, path),
        [domain, name] => {
            let mut errors = match *domain {
                "" => vec![empty("the domain must not be empty")],
                domain => driver(domain, path),
            };
            match *name {
                "" => errors.push(empty("the name must not be empty")),
                name => errors.extend(identifier(name, path)),
            }
            errors
        }
        // As upstream, which looks no further.
        _ => Vec::new(),
    }
}

/// An attribute with its domain.
pub(super) fn fully_qualified(text: &str, path: &Path) -> Vec<Error> {
    let mut errors = qualified(text, path);
    if !text.contains('/') {
        let detail = "a fully qualified name must be a domain and a name separated by a slash";
        errors.push(Error::invalid(path.clone(), &text.into(), detail));
    }
    errors
}

/// A share of a device: a UUID in its usual form.
pub(super) fn share(text: &str, path: &Path) -> Option<Error> {
    let invalid = |detail: &str| Some(Error::invalid(path.clone(), &text.into(), detail));
    if let Some(why) = wrong_uuid(text) {
        return invalid(&format!("error validating uid: {why}"));
    }
    if text.len() == 36 && !text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    invalid(
        "uid must be in RFC 4122 normalized form, `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase hexadecimal characters",
    )
}

fn wrong_uuid(text: &str) -> Option<String> {
    let core = match text.len() {
        36 | 32 => text,
        38 => match text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
            Some(core) => core,
            None => return Some("invalid bracketed UUID format".to_owned()),
        },
        45 => match text.get(..9).filter(|prefix| prefix.eq_ignore_ascii_case("urn:uuid:")) {
            Some(_) => text.get(9..).unwrap_or_default(),
            None => return Some("invalid urn prefix".to_owned()),
        },
        length => return Some(format!("invalid UUID length: {length}")),
    };
    let dashed = core.len() == 36;
    let legal = core.bytes().enumerate().all(|(at, byte)| {
        if dashed && [8, 13, 18, 23].contains(&at) { byte == b'-' } else { byte.is_ascii_hexdigit() }
    });
    (!legal).then(|| "invalid UUID format".to_owned())
}

fn identifier(text: &str, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    if text.len() > 32 {
        errors.push(Error::too_long(path.clone(), 32));
    }
    let starts = text.starts_with(|first: char| first == '_' || first.is_ascii_alphabetic());
    if !(starts && text.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric())) {
        errors.push(Error::invalid(path.clone(), &text.into(), IDENTIFIER));
    }
    errors
}

const IDENTIFIER: &str = "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName', regex used for validation is '[A-Za-z_][A-Za-z0-9_]*')";
