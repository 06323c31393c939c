//! Words that several renderers share.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use podsec_standards::{Check, Edit, Level, Policy};

use crate::finding::{AdvisoryMode, FileReport, Finding, ImageUser, PartialObject, Place, PodReport, Told};
use crate::object::ObjectName;

/// A number and its noun: `1 pod`, `2 pods`.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    match noun {
        _ if count == 1 => format!("1 {noun}"),
        "Kustomize patch" => format!("{count} Kustomize patches"),
        "unknown field or kind" => format!("{count} unknown fields or kinds"),
        _ => format!("{count} {noun}s"),
    }
}

/// What a place must hold: `must be true or left out`, `privileged is missing: it must be false`.
pub(crate) fn expectation(place: &Place) -> String {
    let mut text = String::new();
    push_expectation(&mut text, place);
    text
}

/// Appends what a place must hold.
pub(crate) fn push_expectation(text: &mut String, place: &Place) {
    let named = place.allowed.iter().copied().filter(|word| *word != UNDEFINED);
    let may_be_missing = place.allowed.contains(&UNDEFINED);
    let many = named.clone().count().saturating_sub(MOST_WORDS);
    let left_out = Some("left out").filter(|_| may_be_missing && many == 0);
    let mut words = named.take(MOST_WORDS).chain(left_out).peekable();
    let is_known = words.peek().is_some();
    if !place.missing.is_empty() {
        text.push_str(&place.missing);
        text.push_str(if is_known { " is missing: it " } else { " is missing" });
    }
    let mut separator = "must be ";
    while let Some(word) = words.next() {
        // The words that are left out come last, and have the "or" then.
        let is_last = words.peek().is_none();
        text.push_str(if is_last && separator == ", " { " or " } else { separator });
        text.push_str(word);
        separator = ", ";
    }
    if many > 0 {
        let _ = write!(text, " or one of {many} more");
    }
}

/// Ways to mend a pod, each once; what is the same in several containers is one.
pub(crate) fn remedies(pod: &PodReport, finding: &Finding) -> Vec<String> {
    let sentence = |remedy: &Remedy<'_>| {
        let mut text = String::new();
        remedy.push_to(&mut text, pod);
        text
    };
    finding.advice.iter().cloned().chain(grouped(finding).iter().map(sentence)).collect()
}

/// The remedies in one line, behind what stands there; says whether there are any.
pub(crate) fn push_remedy(text: &mut String, pod: &PodReport, finding: &Finding) -> bool {
    let remedies = grouped(finding);
    let (shown, rest) = remedies.split_at(remedies.len().min(MOST_REMEDIES));
    for (index, remedy) in shown.iter().enumerate() {
        if index > 0 {
            text.push_str("; ");
        }
        remedy.push_to(text, pod);
    }
    if !rest.is_empty() {
        let _ = write!(text, "; and so on in {}", counted(rest.len(), "more place"));
    }
    !shown.is_empty()
}

/// What to do, and in which containers; in the pod as a whole when there are none.
struct Remedy<'a> {
    what: Instruction<'a>,
    containers: Vec<&'a str>,
}

/// What to do with a field.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Instruction<'a> {
    /// Give this field of the pod's security context a value.
    SetForPod(&'a str, &'static str),
    Set(&'a str, &'static str),
    Remove(&'a str),
    Replace(&'a str, &'static str, &'static str),
}

fn grouped(finding: &Finding) -> Vec<Remedy<'_>> {
    let mut remedies: Vec<Remedy<'_>> = Vec::new();
    // A pod may have thousands of containers.
    let mut known: HashMap<Instruction<'_>, usize> = HashMap::new();
    let mut named: HashSet<(usize, &str)> = HashSet::new();
    for place in &finding.places {
        let Some(edit) = place.edit else { continue };
        let shared = matches!(edit, Edit::SetForPod(_)) && place.actual.is_null();
        // Below a container, the way to it is left to the container's name.
        let below = place.container.as_deref().and_then(|name| Some((name, below_container(&place.path)?)));
        let (container, path) = match below {
            Some((name, path)) if !shared => (Some(name), path),
            _ => (None, place.path.as_str()),
        };
        let what = Instruction::new(edit, path, shared);
        let index = *known.entry(what).or_insert_with(|| {
            remedies.push(Remedy { what, containers: Vec::new() });
            remedies.len() - 1
        });
        if let Some(remedy) = remedies.get_mut(index) {
            remedy.containers.extend(container.filter(|name| named.insert((index, name))));
        }
    }
    remedies
}

impl Remedy<'_> {
    fn push_to(&self, text: &mut String, pod: &PodReport) {
        self.what.push_to(text, pod);
        let (shown, rest) = self.containers.split_at(self.containers.len().min(MOST_WORDS));
        let last = shown.len() + usize::from(!rest.is_empty());
        let lead = |place: usize| match place {
            1 if last == 1 => " in container ",
            1 => " in containers ",
            place if place == last => " and ",
            _ => ", ",
        };
        for (name, place) in shown.iter().zip(1..) {
            let _ = write!(text, "{}{name:?}", lead(place));
        }
        if !rest.is_empty() {
            let _ = write!(text, "{}{} more", lead(last), rest.len());
        }
    }
}

impl<'a> Instruction<'a> {
    fn new(edit: Edit, path: &'a str, shared: bool) -> Self {
        match edit {
            Edit::SetForPod(value) if shared => {
                Self::SetForPod(path.rsplit_once("securityContext").map_or("", |(_, field)| field), value)
            }
            Edit::Set(value) | Edit::SetForPod(value) => Self::Set(path, value),
            Edit::Remove => Self::Remove(path),
            Edit::RemoveElement => {
                Self::Remove(path.rfind(']').and_then(|end| path.get(..=end)).unwrap_or(path))
            }
            Edit::Replace(member, value) => Self::Replace(path, member, value),
        }
    }

    fn push_to(&self, text: &mut String, pod: &PodReport) {
        let mut push = |parts: &[&str]| parts.iter().for_each(|part| text.push_str(part));
        match *self {
            Self::SetForPod(field, value) => {
                let dot = if pod.path.is_empty() { "" } else { "." };
                let context = [&pod.path, dot, "spec.securityContext", field];
                push(&["set "]);
                push(&context);
                push(&[" to ", value, ", once for all containers"]);
            }
            Self::Set(path, value) => push(&["set ", path, " to ", value]),
            Self::Remove(path) => push(&["remove ", path]),
            Self::Replace(path, member, value) => {
                let (parent, name) = path.rsplit_once('.').unwrap_or(("", path));
                push(&["in ", parent, ", replace ", name, " by ", member, ": ", value]);
            }
        }
    }
}

/// The rest of a path below a container: `securityContext.privileged`.
fn below_container(path: &str) -> Option<&str> {
    let (_, below) = path.split_once("ontainers[")?;
    below.split_once("].").map(|(_, below)| below)
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

/// What would become of a pod, or of what carries it. Kubernetes refuses pods only: what makes them is accepted, and finds
/// later that it can make none.
pub(crate) fn consequence(pod: &PodReport, told: &Told<'_>) -> String {
    let name = object(&pod.object);
    let policy = policy(told.policy);
    let is_pod = pod.object.kind == "Pod";
    if told.refuses() {
        return if is_pod {
            format!("{name} would be refused by {policy}")
        } else {
            format!("{name} would be accepted, and its pods refused by {policy}")
        };
    }
    let accepted = if is_pod { "admitted" } else { "accepted" };
    let how = match told.modes {
        [AdvisoryMode::Warn] => "with a warning",
        [AdvisoryMode::Audit] => "and noted in the audit log",
        _ => "with a warning, and noted in the audit log",
    };
    format!("{name} would be {accepted} {how}, as its namespace asks by {policy}")
}

/// [`consequence`] of a pod in a report, with what made it and the value behind its line.
pub(crate) fn placed_consequence(report: &FileReport, pod: &PodReport, told: &Told<'_>) -> String {
    let mut text = consequence(pod, told);
    if let Some(made_by) = &report.made_by {
        let _ = write!(text, ", in {made_by}");
    }
    if let Some(origin) = &told.finding.origin {
        let _ = write!(text, "; the line is made of {origin}");
    }
    text
}

/// Why the kubelet would not start a container, in its words, and which one that is.
pub(crate) fn not_started(pod: &PodReport, container: &ImageUser) -> String {
    let ImageUser { container, image, refusal, .. } = container;
    let image = if image.is_empty() { String::new() } else { format!(", image {image}") };
    format!(
        "{} ({}, container {container:?}{image})",
        refusal.as_deref().unwrap_or_default(),
        object(&pod.object)
    )
}

/// The id of what is said of containers that the kubelet would not start; no check of Kubernetes has it.
pub(crate) const IMAGE_USER: &str = "imageUser";

/// Whose pods are refused, as a subject: `Pod "a"`, `pods of Deployment "web"`.
pub(crate) fn refused(pod: &PodReport) -> String {
    let name = object(&pod.object);
    if pod.object.kind == "Pod" { name } else { format!("pods of {name}") }
}

/// That an object is a patch and was not judged, why, and what can be judged.
pub(crate) fn patch(patch: &PartialObject) -> String {
    format!(
        "{} is a patch, as {}; not judged: `podsec check --kustomize DIR` judges what Kustomize makes of it",
        object(&patch.object),
        patch.why
    )
}

/// The policy that a pod was judged by: `restricted:latest`.
pub(crate) fn policy(policy: Option<Policy>) -> String {
    policy.map_or_else(|| "exempt".to_owned(), |policy| policy.to_string())
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

const UNDEFINED: &str = "undefined";
const MOST_WORDS: usize = 5;
const MOST_REMEDIES: usize = 3;
