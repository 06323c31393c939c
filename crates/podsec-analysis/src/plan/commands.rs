//! A plan as labels: commands, patches, manifests; each with the way back.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use podsec_policy::labels::{AUDIT, AUDIT_VERSION, ENFORCE, ENFORCE_VERSION, WARN, WARN_VERSION};
use podsec_standards::{Level, Policy};

use super::{Labelling, NamespacePlan, Plan};

/// The labels that a namespace is to have, in the order of `kubectl label`.
pub(super) fn wanted(namespace: &NamespacePlan) -> Vec<(&'static str, String)> {
    let suggested = &namespace.suggested;
    let modes = [
        (WARN, WARN_VERSION, suggested.warn),
        (AUDIT, AUDIT_VERSION, suggested.audit),
        (ENFORCE, ENFORCE_VERSION, suggested.enforce),
    ];
    let labels = |(level, version, policy): (&'static str, &'static str, Policy)| {
        let pinned = (policy.level != Level::Privileged).then(|| (version, policy.version.to_string()));
        std::iter::once((level, policy.level.to_string())).chain(pinned)
    };
    modes.into_iter().flat_map(labels).collect()
}

/// What is to change: the new value of a label, or none when it goes.
pub(super) fn changed(namespace: &NamespacePlan) -> Vec<(String, Option<String>)> {
    let wanted = wanted(namespace);
    let now: BTreeMap<&str, &str> =
        namespace.labels.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let new = wanted.iter().filter(|(key, value)| now.get(key).is_none_or(|now| now != value));
    let mut changed: Vec<(String, Option<String>)> =
        new.map(|(key, value)| ((*key).to_owned(), Some(value.clone()))).collect();
    let gone = now.keys().filter(|key| !wanted.iter().any(|(wanted, _)| wanted == *key));
    changed.extend(gone.map(|key| ((*key).to_owned(), None)));
    changed
}

/// The way back from [`changed`].
fn restored(namespace: &NamespacePlan) -> Vec<(String, Option<String>)> {
    let now: BTreeMap<&str, &str> =
        namespace.labels.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let back = |(key, _): (String, Option<String>)| {
        let value = now.get(key.as_str()).map(|value| (*value).to_owned());
        (key, value)
    };
    changed(namespace).into_iter().map(back).collect()
}

fn changing(plan: &Plan) -> impl Iterator<Item = &NamespacePlan> {
    plan.namespaces
        .iter()
        .filter(|namespace| namespace.changes() && namespace.labelling != Labelling::Unknown)
}

/// Namespaces of which no object was given cannot be told from those that do not exist.
fn left_out(plan: &Plan, out: &mut impl Write) -> fmt::Result {
    for namespace in plan.namespaces.iter().filter(|namespace| namespace.labelling == Labelling::Unknown) {
        writeln!(out, "# left out: {}, whose Namespace object was not given", namespace.name)?;
    }
    Ok(())
}

/// Writes a plan as kubectl's commands: what warns and notes first, then what refuses. With `back`, the way back.
///
/// # Errors
/// When nothing can be written.
pub fn kubectl(plan: &Plan, back: bool, out: &mut impl Write) -> fmt::Result {
    left_out(plan, out)?;
    for namespace in changing(plan) {
        let changes = if back { restored(namespace) } else { changed(namespace) };
        let (enforce, advice): (Vec<_>, Vec<_>) = changes.into_iter().partition(|(key, _)| is_enforce(key));
        // What refuses comes last on the way there, and first on the way back.
        let parts = if back { [enforce, advice] } else { [advice, enforce] };
        for part in parts.into_iter().filter(|part| !part.is_empty()) {
            write!(out, "kubectl label --overwrite namespace {}", namespace.name)?;
            for (key, value) in part {
                match value {
                    Some(value) => write!(out, " {key}={}", quoted(&value))?,
                    None => write!(out, " {key}-")?,
                }
            }
            writeln!(out)?;
        }
    }
    if !back {
        writeln!(out, "\n# The way back:")?;
        let mut commands = String::new();
        kubectl(plan, true, &mut commands)?;
        for line in commands.lines().filter(|line| !line.starts_with('#')) {
            writeln!(out, "# {line}")?;
        }
    }
    Ok(())
}

/// Writes a plan as a Kustomize Component, whose patches change the Namespaces of the kustomization that names it. With
/// `back`, the way back.
///
/// # Errors
/// When nothing can be written.
pub fn kustomize(plan: &Plan, back: bool, out: &mut impl Write) -> fmt::Result {
    left_out(plan, out)?;
    writeln!(out, "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\npatches:")?;
    let mut any = false;
    for namespace in changing(plan) {
        any = true;
        let changes = if back { restored(namespace) } else { changed(namespace) };
        writeln!(out, "- target: {{version: v1, kind: Namespace, name: ^{}$}}\n  patch: |", namespace.name)?;
        writeln!(
            out,
            "    apiVersion: v1\n    kind: Namespace\n    metadata:\n      name: {}\n      labels:",
            name(namespace)
        )?;
        for (key, value) in changes {
            // A label that is null is taken away.
            let value = value.map_or_else(|| "null".to_owned(), |value| yaml(&value));
            writeln!(out, "        {key}: {value}")?;
        }
    }
    if !any {
        writeln!(out, "  []")?;
    }
    if !back {
        writeln!(out, "# The way back: podsec plan --format kustomize --rollback, of the same objects.")?;
    }
    Ok(())
}

/// Writes a plan as Namespaces for server-side apply, which hold these labels and nothing else. With `back`, those that
/// take the labels back.
///
/// # Errors
/// When nothing can be written.
pub fn manifests(plan: &Plan, back: bool, out: &mut impl Write) -> fmt::Result {
    writeln!(
        out,
        "# kubectl apply --server-side --force-conflicts --field-manager=podsec-plan -f FILE\n# changes these labels \
         and nothing else. The way back is the file of --rollback, applied alike; a label that it\n# does not name is \
         taken away, since its manager owns it no longer."
    )?;
    left_out(plan, out)?;
    for namespace in changing(plan) {
        writeln!(out, "---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: {}", name(namespace))?;
        let labels: Vec<(String, String)> = if back {
            namespace.labels.clone()
        } else {
            wanted(namespace).into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
        };
        writeln!(out, "  labels:{}", if labels.is_empty() { " {}" } else { "" })?;
        for (key, value) in labels {
            writeln!(out, "    {key}: {}", yaml(&value))?;
        }
    }
    Ok(())
}

pub(super) fn is_enforce(key: &str) -> bool {
    key == ENFORCE || key == ENFORCE_VERSION
}

/// A string in YAML that is nothing else: names of namespaces may be numbers.
fn yaml(text: &str) -> String {
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
    let begins = text.starts_with(|first: char| first.is_ascii_alphabetic());
    let is_word = ["true", "false", "yes", "no", "on", "off", "y", "n", "null"]
        .iter()
        .any(|word| text.eq_ignore_ascii_case(word));
    if plain && begins && !is_word { text.to_owned() } else { serde_json::Value::from(text).to_string() }
}

fn name(namespace: &NamespacePlan) -> String {
    yaml(&namespace.name)
}

/// A word of a POSIX shell.
fn quoted(text: &str) -> String {
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
    if plain && !text.is_empty() { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}
