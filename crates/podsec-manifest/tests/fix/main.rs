//! Fixes: after them a pod keeps the policy, and the text is what it was but for what the fix says.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod comments;
mod corpus;
mod examples;
mod properties;
mod safety;
mod texts;
mod users;
mod written;

use podsec_manifest::fix::{Fixed, Options, fix};
use podsec_manifest::{Source, Templates};
use podsec_standards::{Level, Policy, Version};
use serde_json::Value;

use comments::{Explained, explained, lies};

const RESTRICTED: Policy = Policy::new(Level::Restricted, Version::Latest);
const BASELINE: Policy = Policy::new(Level::Baseline, Version::Latest);

fn fixed(text: &str, policy: Policy, unsafe_fixes: bool) -> Fixed {
    let source = Source { name: "a.yaml".to_owned(), text: text.to_owned() };
    fix(&source, &Templates::default(), &policy, Options { unsafe_fixes, ..Options::default() })
}

/// Everything that must hold of a fix, whether or not it reaches the level: the same documents, no comment that explains
/// what it did not, nothing changed that the fix does not tell of, and a second fix finds nothing more to do.
fn assert_sound(before: &str, fixed: &Fixed) -> Result<(), String> {
    let read = |text: &str| -> Vec<Result<(Value, Vec<Explained>), podsec_yaml::Error>> {
        let documents = podsec_yaml::documents(text);
        documents
            .map(|document| document.map(|document| (document.to_json(), explained(text, &document))))
            .collect()
    };
    let (old, new) = (read(before), read(&fixed.text));
    if old.len() != new.len() {
        return Err(format!("{} documents became {}", old.len(), new.len()));
    }
    for (number, (old, new)) in old.iter().zip(&new).enumerate() {
        match (old, new) {
            (Ok((old, old_comments)), Ok((new, new_comments))) => {
                let lies = lies(old_comments, new_comments);
                if !lies.is_empty() {
                    return Err(format!("document {number}: {lies:?} was not so in {old_comments:?}"));
                }
                let mut different = Vec::new();
                differences("", old, new, &mut different);
                let told: Vec<String> = fixed
                    .applied
                    .iter()
                    .filter(|applied| applied.object.document == number)
                    .map(|applied| applied.path.clone())
                    .collect();
                for path in different {
                    // Lists are named from the root, and the fix speaks of objects.
                    let explained = |told: &String| {
                        let replaced = path.ends_with(".emptyDir")
                            && path.replace(".emptyDir", ".hostPath").ends_with(told);
                        let told_end = told.rsplit_once('[').map_or(told.as_str(), |(list, _)| list);
                        replaced
                            || path.contains(told.as_str())
                            || told.contains(own_path(&path))
                            || path.contains(told_end)
                    };
                    if !told.iter().any(explained) {
                        return Err(format!("document {number}: {path} changed, which is not in {told:?}"));
                    }
                }
            }
            (Err(_), Err(_)) => {}
            _ => return Err(format!("document {number} can no longer be read, or only now")),
        }
    }
    let ends = |text: &str| text.ends_with('\n');
    if !fixed.applied.is_empty() && ends(before) != ends(&fixed.text) {
        return Err("the last line break came or went".to_owned());
    }
    if fixed.applied.is_empty() && fixed.text != before {
        return Err("the text changed and nothing was applied".to_owned());
    }
    Ok(())
}

/// A path without the items of Lists before it.
fn own_path(path: &str) -> &str {
    path.strip_prefix("items[")
        .and_then(|rest| rest.split_once("]."))
        .map_or(path, |(_, path)| own_path(path))
}

fn differences(path: &str, old: &Value, new: &Value, found: &mut Vec<String>) {
    match (old, new) {
        _ if old == new => {}
        (Value::Object(old), Value::Object(new)) => {
            let names: std::collections::BTreeSet<_> = old.keys().chain(new.keys()).collect();
            for name in names {
                let path = match (path.is_empty(), name.contains('.')) {
                    (true, _) => name.clone(),
                    (false, true) => format!("{path}[{name}]"),
                    (false, false) => format!("{path}.{name}"),
                };
                match (old.get(name), new.get(name)) {
                    (Some(old), Some(new)) => differences(&path, old, new, found),
                    _ => found.push(path),
                }
            }
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            for (index, (old, new)) in old.iter().zip(new).enumerate() {
                differences(&format!("{path}[{index}]"), old, new, found);
            }
        }
        _ => found.push(path.to_owned()),
    }
}
