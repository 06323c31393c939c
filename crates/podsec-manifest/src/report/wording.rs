//! Words that several renderers share.

use podsec_standards::{Check, Edit, Level};
use std::fmt::Write as _;

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
        let _ = write!(expected, " or one of {many} more");
    }
    match (place.missing.as_str(), expected.as_str()) {
        ("", _) => expected,
        (missing, "") => format!("{missing} is missing"),
        (missing, expected) => format!("{missing} is missing: it {expected}"),
    }
}

/// Ways to mend a pod, each once; what is the same in several containers is one.
pub(crate) fn remedies(pod: &PodReport, finding: &Finding) -> Vec<String> {
    let mut remedies: Vec<Remedy<'_>> = Vec::new();
    for place in &finding.places {
        let Some(edit) = place.edit else { continue };
        let shared = matches!(edit, Edit::SetForPod(_)) && place.actual.is_null();
        // Below a container, the way to it is left to the container's name.
        let below = place.container.as_deref().and_then(|name| Some((name, below_container(&place.path)?)));
        let (container, path) = match below {
            Some((name, path)) if !shared => (Some(name), path),
            _ => (None, place.path.as_str()),
        };
        let what = instruction(pod, edit, path, shared);
        match remedies.iter_mut().find(|remedy| remedy.what == what) {
            Some(remedy) => {
                remedy.containers.extend(container.filter(|name| !remedy.containers.contains(name)));
            }
            None => remedies.push(Remedy { what, containers: container.into_iter().collect() }),
        }
    }
    remedies.iter().map(Remedy::sentence).collect()
}

/// What to do, and in which containers; in the pod as a whole when there are none.
struct Remedy<'a> {
    what: String,
    containers: Vec<&'a str>,
}

impl Remedy<'_> {
    fn sentence(&self) -> String {
        let (shown, rest) = self.containers.split_at(self.containers.len().min(MOST_WORDS));
        let mut names: Vec<String> = shown.iter().map(|name| format!("{name:?}")).collect();
        if !rest.is_empty() {
            names.push(format!("{} more", rest.len()));
        }
        match names.as_slice() {
            [] => self.what.clone(),
            [one] => format!("{} in container {one}", self.what),
            [most @ .., last] => format!("{} in containers {} and {last}", self.what, most.join(", ")),
        }
    }
}

fn instruction(pod: &PodReport, edit: Edit, path: &str, shared: bool) -> String {
    match edit {
        Edit::SetForPod(value) if shared => {
            let field = path.rsplit_once("securityContext").map_or("", |(_, field)| field);
            let pod = if pod.path.is_empty() { String::new() } else { format!("{}.", pod.path) };
            format!("set {pod}spec.securityContext{field} to {value}, once for all containers")
        }
        Edit::Set(value) | Edit::SetForPod(value) => format!("set {path} to {value}"),
        Edit::Remove => format!("remove {path}"),
        Edit::RemoveElement => {
            format!("remove {}", path.rfind(']').and_then(|end| path.get(..=end)).unwrap_or(path))
        }
        Edit::Replace(member, value) => {
            let (parent, name) = path.rsplit_once('.').unwrap_or(("", path));
            format!("in {parent}, replace {name} by {member}: {value}")
        }
    }
}

/// The rest of a path below a container: `securityContext.privileged`.
fn below_container(path: &str) -> Option<&str> {
    let (_, below) = path.split_once("ontainers[")?;
    below.split_once("].").map(|(_, below)| below)
}

/// The remedies in one line.
pub(crate) fn remedy(pod: &PodReport, finding: &Finding) -> Option<String> {
    let remedies = remedies(pod, finding);
    let (shown, rest) = remedies.split_at(remedies.len().min(MOST_REMEDIES));
    let mut line = shown.join("; ");
    if !rest.is_empty() {
        let _ = write!(line, "; and so on in {}", counted(rest.len(), "more place"));
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
            _ => {
                let _ = write!(uri, "%{byte:02X}");
            }
        }
    }
    uri
}

const MOST_WORDS: usize = 5;
const MOST_REMEDIES: usize = 3;
