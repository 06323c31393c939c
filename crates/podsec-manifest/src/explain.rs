//! The checks explained, from their own documentation: one, those of a level, those of a field, and all as a page.

use std::fmt::Write as _;

use podsec_standards::{CHECKS, Check, Edit, Example, Level, Safety, Verdict, Version};
use serde_json::Value;

use crate::report::wording::title;

/// What there is to say about a check, a level or a field, as Markdown; none when there is no such thing.
///
/// A field is given as it stands in manifests, or by its last parts: `hostNetwork`, `securityContext.privileged`,
/// `spec.containers[0].ports[0].hostPort`.
pub fn explain(subject: &str) -> Option<String> {
    let same = |check: &&&Check| check.id.eq_ignore_ascii_case(subject);
    let check = CHECKS.iter().find(same).map(|check| page(check));
    let level = subject.parse::<Level>().ok().map(level_page);
    // "privileged" is both.
    if check.is_some() || level.is_some() {
        return Some(check.into_iter().chain(level).collect::<Vec<_>>().join("\n"));
    }
    let wanted = pattern(subject);
    let ends = |field: &&str| {
        let field = pattern(field);
        field == wanted || field.ends_with(&format!(".{wanted}"))
    };
    let reading: Vec<String> =
        CHECKS.iter().filter(|check| check.fields.iter().any(ends)).map(|check| page(check)).collect();
    (!reading.is_empty()).then(|| reading.join("\n"))
}

/// Every check, as docs/checks.md holds them.
pub fn all() -> String {
    let mut text = String::from(
        "# Checks\n\nWhat the Pod Security Standards forbid, by the names that Kubernetes gives the rules. `podsec explain` \
         prints each of these.\n\n| check | level | since | |\n| --- | --- | --- | --- |\n",
    );
    for check in CHECKS {
        let anchor = check.id.to_lowercase();
        line(
            &mut text,
            format_args!(
                "| [{}](#{anchor}) | {} | {} | {} |",
                check.id,
                check.level,
                since(check),
                title(check)
            ),
        );
    }
    for check in CHECKS {
        text.push('\n');
        // One level below the page's own heading.
        let lowered = page(check).replace("\n## ", "\n### ");
        let _ = write!(text, "#{lowered}");
    }
    text
}

fn level_page(level: Level) -> String {
    let mut text = format!("# {level}\n\n");
    text.push_str(match level {
        Level::Privileged => {
            "Forbids nothing: for what is trusted as the node is, such as networks and storage.\n"
        }
        Level::Baseline => {
            "Forbids the known ways for a container to take over its node. Most programs keep it unchanged.\n"
        }
        Level::Restricted => {
            "Forbids all that baseline does, and demands the hardening that a pod can be expected to bring.\n"
        }
    });
    let asked: Vec<_> = CHECKS.iter().filter(|check| check.level <= level).collect();
    if !asked.is_empty() {
        text.push('\n');
    }
    for check in asked {
        line(
            &mut text,
            format_args!("- `{}` ({}, since {}): {}", check.id, check.level, since(check), title(check)),
        );
    }
    text
}

fn page(check: &Check) -> String {
    let mut text = format!("# {}\n\n", check.id);
    line(
        &mut text,
        format_args!(
            "Asked for by {} since Kubernetes {}.\n\n{}",
            check.level,
            since(check),
            check.docs.trim()
        ),
    );
    text.push_str("\n## Fields\n\n");
    for field in check.fields {
        line(&mut text, format_args!("- `{field}`"));
    }
    if check.fields.iter().any(|field| field.contains("containers[*]")) {
        text.push_str("\nInit and ephemeral containers count as containers.\n");
    }
    text.push_str("\n## Revisions\n\n");
    for revision in check.revisions {
        let overrides = revision.overrides.join("`, `");
        if overrides.is_empty() {
            line(&mut text, format_args!("- {}", revision.since));
        } else {
            line(&mut text, format_args!("- {}, in place of `{overrides}`", revision.since));
        }
    }
    text.push_str("\n## Fix\n\n");
    for (field, edit) in check.fix.edits {
        line(&mut text, format_args!("- `{field}`: {}", instruction(*edit)));
    }
    for ground in check.fix.grounds {
        let (Safety::Safe(condition) | Safety::Checked(condition)) = ground.safety else { continue };
        line(
            &mut text,
            format_args!(
                "\n`podsec fix` does it, as {}, where nobody wrote the field and {condition}.",
                ground.safety
            ),
        );
    }
    let elsewhere = if check.fix.grounds.is_empty() { "" } else { "Elsewhere " };
    line(&mut text, format_args!("\n{elsewhere}`podsec fix --unsafe-fixes` does it. {}", check.fix.risk));
    text.push_str("\n## Examples\n");
    for example in check.examples {
        text.push_str(&shown(example));
    }
    text
}

fn instruction(edit: Edit) -> String {
    match edit {
        Edit::Remove => "remove it".to_owned(),
        Edit::RemoveElement => "remove the element of the list that it is in".to_owned(),
        Edit::Set(value) => format!("set it to `{value}`"),
        Edit::SetForPod(value) => {
            format!("set it to `{value}`; where it is missing, set it once in the pod's security context")
        }
        Edit::Replace(member, value) => format!("replace it by `{member}: {value}`"),
    }
}

fn shown(example: &Example) -> String {
    let versions = match (example.since, example.until) {
        (Version::V1(0), Version::Latest) => String::new(),
        (Version::V1(0), until) => format!(", up to {until}"),
        (since, Version::Latest) => format!(", since {since}"),
        (since, until) => format!(", from {since} to {until}"),
    };
    let verdict = match example.verdict {
        Verdict::Allow => "Allowed".to_owned(),
        Verdict::Forbid("") => "Forbidden".to_owned(),
        Verdict::Forbid(sentence) => format!("Forbidden, as {sentence}"),
    };
    let pod: Value = serde_json::from_str(example.pod).unwrap_or_default();
    let mut yaml = String::new();
    write_yaml(&pod, 0, &mut yaml);
    format!("\n{verdict}{versions} ({}):\n\n```yaml\n{}\n```\n", example.name, yaml.trim())
}

/// Block YAML of a JSON value; short inner values in one line.
fn write_yaml(value: &Value, indent: usize, out: &mut String) {
    let pad = " ".repeat(indent);
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (name, field) in fields {
                let _ = write!(out, "{pad}{name}:");
                write_nested(field, indent + 2, out);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                let mut nested = String::new();
                write_yaml(item, indent + 2, &mut nested);
                let _ = writeln!(out, "{pad}- {}", nested.trim());
            }
        }
        scalar => {
            let _ = writeln!(out, "{pad}{scalar}");
        }
    }
}

fn write_nested(value: &Value, indent: usize, out: &mut String) {
    let flat = value.to_string();
    let is_nested = value.as_object().is_some_and(|fields| !fields.is_empty())
        || value.as_array().is_some_and(|items| items.iter().any(|item| item.is_object() || item.is_array()));
    if is_nested {
        out.push('\n');
        write_yaml(value, indent, out);
    } else {
        let _ = writeln!(out, " {flat}");
    }
}

/// A path as the checks list it: any index is `[*]`, every kind of container is a container.
fn pattern(path: &str) -> String {
    let mut pattern = String::new();
    let mut rest = path.trim().trim_start_matches('.');
    while let Some((before, after)) = rest.split_once('[') {
        pattern.push_str(before);
        rest = after.split_once(']').map_or("", |(_, after)| after);
    }
    pattern.push_str(rest);
    pattern
        .replace("initContainers", "containers")
        .replace("ephemeralContainers", "containers")
        .to_lowercase()
}

fn since(check: &Check) -> String {
    check.revisions.first().map_or_else(String::new, |revision| revision.since.to_string())
}

fn line(text: &mut String, content: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{content}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_levels_and_fields_are_explained() {
        assert!(explain("privileged").is_some_and(|text| text.starts_with("# privileged\n")));
        assert!(explain("Baseline").is_none() && explain("baseline").is_some());
        for field in ["hostNetwork", "spec.hostNetwork", ".spec.initContainers[3].ports[0].hostPort", "type"]
        {
            assert!(explain(field).is_some_and(|text| text.starts_with("# ")), "{field}");
        }
        assert_eq!(explain("work"), None);
        assert_eq!(explain(""), None);
    }

    #[test]
    fn every_example_is_shown_as_the_yaml_of_its_pod() {
        for check in CHECKS {
            for example in check.examples {
                let shown = shown(example);
                let yaml = shown.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
                let pod: Value = serde_json::from_str(example.pod).unwrap();
                assert_eq!(podsec_yaml::to_json(yaml).unwrap(), pod, "{yaml}");
            }
        }
    }

    /// Written with `PODSEC_UPDATE=1 cargo test -p podsec-manifest`.
    #[test]
    fn the_documentation_is_what_the_checks_say() {
        let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/checks.md");
        if std::env::var_os("PODSEC_UPDATE").is_some() {
            std::fs::write(&file, all()).unwrap();
        }
        assert!(std::fs::read_to_string(file).unwrap() == all(), "docs/checks.md differs from the checks");
    }
}
