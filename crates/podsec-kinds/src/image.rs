//! The pull policy that an image reference implies.

/// `Always` for an image whose tag is `latest` or absent, else `IfNotPresent`: also when there is a digest, or
/// when the reference cannot be read.
pub(crate) fn pull_policy(reference: &str) -> &'static str {
    if tag(reference) == Some("latest") { "Always" } else { "IfNotPresent" }
}

/// The tag of a reference as the distribution project reads it; `latest` when there is neither tag nor digest.
fn tag(reference: &str) -> Option<&str> {
    let (named, digest) = match reference.split_once('@') {
        Some((named, digest)) => (named, Some(digest)),
        None => (reference, None),
    };
    if digest.is_some_and(|digest| !is_digest(digest)) || (digest.is_none() && is_identifier(named)) {
        return None;
    }
    let slash = named.rfind('/').map_or(0, |slash| slash + 1);
    let (name, tag) = match named.get(slash..)?.find(':') {
        Some(colon) => (named.get(..slash + colon)?, Some(named.get(slash + colon + 1..)?)),
        None => (named, None),
    };
    if !is_name(name) || tag.is_some_and(|tag| !is_tag(tag)) {
        return None;
    }
    match (tag, digest) {
        (Some(tag), _) => Some(tag),
        (None, Some(_)) => None,
        (None, None) => Some("latest"),
    }
}

/// `[domain/]path`; the first component is a domain if it looks like one.
fn is_name(name: &str) -> bool {
    if name.len() > 255 {
        return false;
    }
    let path = match name.split_once('/') {
        Some((domain, rest))
            if domain.contains(['.', ':'])
                || domain == "localhost"
                || domain.chars().any(char::is_uppercase) =>
        {
            if !is_domain(domain) {
                return false;
            }
            rest
        }
        _ => name,
    };
    path.split('/').all(is_path_component)
}

fn is_domain(domain: &str) -> bool {
    let (host, port) = match domain.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (domain, None),
    };
    let host_ok = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => address.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b':'),
        None => host.split('.').all(|label| {
            let inner = label.trim_matches(|c: char| c.is_ascii_alphanumeric());
            !label.is_empty()
                && !label.starts_with('-')
                && !label.ends_with('-')
                && inner.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        }),
    };
    host_ok && port.is_none_or(|port| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Lower-case alphanumerics joined by `.`, `_`, `__` or dashes.
fn is_path_component(component: &str) -> bool {
    let alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    component.starts_with(alphanumeric)
        && component.ends_with(alphanumeric)
        && component.split(alphanumeric).all(|separator| {
            matches!(separator, "" | "." | "_" | "__") || separator.bytes().all(|byte| byte == b'-')
        })
}

fn is_tag(tag: &str) -> bool {
    tag.len() <= 128
        && tag.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
}

fn is_digest(digest: &str) -> bool {
    digest.split_once(':').is_some_and(|(algorithm, hex)| {
        algorithm.starts_with(|c: char| c.is_ascii_alphabetic())
            && algorithm
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'.' | b'-' | b'_'))
            && hex.len() >= 32
            && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

/// 64 hexadecimal digits name an image id, not an image.
fn is_identifier(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_latest_and_untagged_images_are_always_pulled() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let cases = [
            ("nginx", "Always"),
            ("nginx:latest", "Always"),
            ("nginx:1.27", "IfNotPresent"),
            ("registry.example.com:5000/team/app", "Always"),
            ("registry.example.com:5000/team/app:v1", "IfNotPresent"),
            ("localhost/app", "Always"),
            ("Nginx", "IfNotPresent"),
            ("", "IfNotPresent"),
            (" x", "IfNotPresent"),
            ("a//b", "IfNotPresent"),
            ("a__b", "Always"),
            ("a___b", "IfNotPresent"),
        ];
        for (reference, policy) in cases {
            assert_eq!(pull_policy(reference), policy, "{reference:?}");
        }
        assert_eq!(pull_policy(&format!("nginx@{digest}")), "IfNotPresent");
        assert_eq!(pull_policy(&format!("nginx:latest@{digest}")), "Always");
        assert_eq!(pull_policy(&"a".repeat(64)), "IfNotPresent");
    }
}
