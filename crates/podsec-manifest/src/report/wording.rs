//! Words that several renderers share.

use podsec_standards::{Check, Edit, Level};

use crate::finding::{Finding, Place, PodReport};
use crate::object::ObjectName;

/// A number and its noun: `1 pod`, `2 pods`.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// What a place must hold: `must be true or left out`, `privileged is missing; it must be false`.
pub(crate) fn expectation(place: &Place) -> String {
    let may_be_missing = place.allowed.contains(&"undefined");
    let mut words: Vec<&str> = place.allowed.iter().copied().filter(|word| *word != "undefined").collect();
    let many = words.len().saturating_sub(MOST_WORDS);
    words.truncate(MOST_WORDS);
    if may_be_missing && many == 0 {
        words.push("left out");
    }
    let mut expected = match words.as_slice() {
        [] => String::new(),
        [one] => format!("must be {one}"),
        [most @ .., last] => format!("must be {} or {last}", most.join(", ")),
    };
    if many > 0 {
        expected.push_str(&format!(" or one of {many} more"));
    }
    match (place.missing.as_str(), expected.as_str()) {
        ("", _) => expected,
        (missing, "") => format!("{missing} is missing"),
        (missing, expected) => format!("{missing} is missing: it {expected}"),
    }
}

/// Ways to mend a pod, each once.
pub(crate) fn remedies(pod: &PodReport, finding: &Finding) -> Vec<String> {
    let mut remedies: Vec<String> = Vec::new();
    for place in &finding.places {
        let Some(edit) = place.edit else { continue };
        let path = place.path.as_str();
        let remedy = match edit {
            Edit::Remove => format!("remove {path}"),
            Edit::RemoveElement => {
                format!("remove {}", path.rfind(']').and_then(|end| path.get(..=end)).unwrap_or(path))
            }
            Edit::SetForPod(value) if place.actual.is_null() => {
                let field = path.rsplit_once("securityContext").map_or("", |(_, field)| field);
                let pod = if pod.path.is_empty() { String::new() } else { format!("{}.", pod.path) };
                format!("set {pod}spec.securityContext{field} to {value}, once for all containers")
            }
            Edit::Set(value) | Edit::SetForPod(value) => format!("set {path} to {value}"),
            Edit::Replace(member, value) => {
                let (parent, name) = path.rsplit_once('.').unwrap_or(("", path));
                format!("in {parent}, replace {name} by {member}: {value}")
            }
        };
        if !remedies.contains(&remedy) {
            remedies.push(remedy);
        }
    }
    remedies
}

/// The remedies in one line.
pub(crate) fn remedy(pod: &PodReport, finding: &Finding) -> Option<String> {
    let remedies = remedies(pod, finding);
    let (shown, rest) = remedies.split_at(remedies.len().min(MOST_REMEDIES));
    let mut line = shown.join("; ");
    if !rest.is_empty() {
        line.push_str(&format!("; and so on in {}", counted(rest.len(), "more place")));
    }
    (!line.is_empty()).then_some(line)
}

/// An object as people speak of it: `Deployment "shop/web"`.
pub(crate) fn object(name: &ObjectName) -> String {
    let kind = if name.kind.is_empty() { "object" } else { &name.kind };
    match (name.namespace.as_str(), name.name.as_str()) {
        (_, "") => format!("{kind} without a name"),
        ("", name) => format!("{kind} {name:?}"),
        (namespace, name) => format!("{kind} \"{namespace}/{name}\""),
    }
}

/// The policy that a pod was judged by: `restricted:latest`.
pub(crate) fn policy(pod: &PodReport) -> String {
    pod.policy.map_or_else(|| "exempt".to_owned(), |policy| policy.to_string())
}

/// The first line of a check's documentation.
pub(crate) fn title(check: &Check) -> &'static str {
    check.docs.trim().lines().next().unwrap_or(check.id)
}

/// Where Kubernetes documents the level of a check.
pub(crate) fn documentation(check: &Check) -> &'static str {
    match check.level {
        Level::Restricted => {
            "https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted"
        }
        _ => "https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline",
    }
}

/// A path with slashes, and what an URI cannot hold escaped.
pub(crate) fn uri(path: &str) -> String {
    let mut uri = String::new();
    if path.starts_with('/') {
        uri.push_str("file://");
    }
    for byte in path.bytes() {
        match byte {
            b'\\' if cfg!(windows) => uri.push('/'),
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' | b'+' => {
                uri.push(char::from(byte));
            }
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

const MOST_WORDS: usize = 5;
const MOST_REMEDIES: usize = 3;
