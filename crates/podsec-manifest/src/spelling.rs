//! What may be meant by a name that Kubernetes does not know.

use std::collections::VecDeque;

use podsec_apimachinery::schema::{Schema, Shape};
use podsec_standards::Workload;

use crate::locate::{Step, display};
use crate::object::ObjectName;

/// What may be meant by a field that a type does not have: one of its own that is spelt nearly so, else where in the
/// whole object there is one of this name.
pub(crate) fn meant(root: Schema<'_>, schema: Schema<'_>, steps: &[Step], name: &str) -> Option<String> {
    let Shape::Struct(fields) = schema.shape() else { return None };
    if let Some(near) = nearest(name, fields.fields().map(|(field, _)| field)) {
        return Some(format!("the field is {near}"));
    }
    let parent = steps.iter().rev().skip(1).find_map(|step| match step {
        Step::Member(name) => Some(name.as_str()),
        Step::Element(_) => None,
    });
    let owner = owner(root, name, parent)?;
    let owner = if owner.is_empty() { "the object itself".to_owned() } else { owner };
    Some(format!("that is a field of {owner}"))
}

/// The one of some names that is spelt nearly as `name`, if there is one.
pub(crate) fn nearest<'n>(name: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    // A name that shares nothing but a few letters is no help.
    let most = (name.chars().count() / 4).clamp(1, 3);
    if name.len() > LONGEST {
        return None;
    }
    let distance = |known: &'n str| {
        if known.eq_ignore_ascii_case(name) {
            return Some((0, known));
        }
        let distance = strsim::damerau_levenshtein(&known.to_lowercase(), &name.to_lowercase());
        (distance <= most && known.len() > most).then_some((distance, known))
    };
    names.filter_map(distance).min().map(|(_, known)| known)
}

/// Where an object of this type has a field of this name, the shortest way first; below a field of the same name as here
/// if there is such a place.
fn owner(root: Schema<'_>, name: &str, parent: Option<&str>) -> Option<String> {
    let mut waiting = VecDeque::from([(root, Vec::new())]);
    let mut found: Option<String> = None;
    while let Some((schema, steps)) = waiting.pop_front() {
        match schema.shape() {
            Shape::Struct(fields) => {
                if fields.field(name).is_some() {
                    let last = steps.iter().rev().find_map(|step| match step {
                        Step::Member(name) if name != EACH => Some(name.as_str()),
                        _ => None,
                    });
                    let path = display(&steps).replace(".*", "[*]");
                    if parent.is_some() && last == parent {
                        return Some(path);
                    }
                    found.get_or_insert(path);
                }
                if steps.len() < DEEPEST {
                    for (field, below) in fields.fields() {
                        waiting.push_back((below, extended(&steps, field)));
                    }
                }
            }
            Shape::List(items) => waiting.push_back((items, extended(&steps, EACH))),
            _ => {}
        }
    }
    found
}

fn extended(steps: &[Step], name: &str) -> Vec<Step> {
    steps.iter().cloned().chain([Step::Member(name.to_owned())]).collect()
}

/// Why Kubernetes does not know an object that may be meant to carry a pod: its kind is spelt in another way, or is in
/// another group. Other groups may have kinds of the same name, so only those are told of that Kubernetes itself has.
pub(crate) fn unknown_kind(name: &ObjectName) -> Option<String> {
    match (name.api_version.as_str(), name.kind.as_str()) {
        ("", "") => return None,
        ("", kind) => {
            let workload = Workload::ALL.into_iter().find(|workload| workload.kind() == kind)?;
            return Some(format!("apiVersion not set: that of a {kind} is {}", api_version(workload)));
        }
        (_, "") => return None,
        _ => {}
    }
    if name.group().contains('.') {
        return None;
    }
    let workload = Workload::ALL.into_iter().find(|workload| {
        workload.kind().eq_ignore_ascii_case(&name.kind)
            || (workload.group() == name.group()
                && nearest(&name.kind, [workload.kind()].into_iter()).is_some())
    })?;
    Some(format!(
        "no matches for kind \"{}\" in version \"{}\": it is apiVersion {}, kind {}",
        name.kind,
        name.api_version,
        api_version(workload),
        workload.kind()
    ))
}

fn api_version(workload: Workload) -> String {
    match workload.group() {
        "" => "v1".to_owned(),
        group => format!("{group}/v1"),
    }
}

/// Stands for every element of a list.
const EACH: &str = "*";

/// No field of a pod lies deeper, and those of one type in another are not followed for ever.
const DEEPEST: usize = 9;

/// No field has a longer name.
const LONGEST: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_name_is_found_and_a_far_one_is_not() {
        let names = ["hostPID", "hostIPC", "hostNetwork", "name", "tty", "image"];
        for (name, near) in [
            ("hostPid", Some("hostPID")),
            ("hostNetwrok", Some("hostNetwork")),
            ("images", Some("image")),
            ("Name", Some("name")),
            ("ttyl", Some("tty")),
            ("command", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, names.into_iter()), near, "{name}");
        }
        assert_eq!(nearest(&"x".repeat(1 << 20), names.into_iter()), None);
    }

    #[test]
    fn a_kind_in_another_spelling_or_group_is_told_and_those_of_others_are_not() {
        let told = |api_version: &str, kind: &str| {
            let (api_version, kind) = (api_version.to_owned(), kind.to_owned());
            unknown_kind(&ObjectName { api_version, kind, ..ObjectName::default() })
        };
        assert_eq!(
            told("v1", "pod").unwrap(),
            "no matches for kind \"pod\" in version \"v1\": it is apiVersion v1, kind Pod"
        );
        assert!(told("v1", "Deployment").unwrap().ends_with("apiVersion apps/v1, kind Deployment"));
        assert!(told("apps/v1", "Deploymnet").unwrap().ends_with("kind Deployment"));
        assert!(told("batch/v1", "Cronjob").unwrap().ends_with("kind CronJob"));
        assert_eq!(told("", "Pod").unwrap(), "apiVersion not set: that of a Pod is v1");
        for (api_version, kind) in
            [("apps.kruise.io/v1", "DaemonSet"), ("v1", "Service"), ("", "Kind"), ("", "")]
        {
            assert_eq!(told(api_version, kind), None, "{kind}");
        }
    }
}
