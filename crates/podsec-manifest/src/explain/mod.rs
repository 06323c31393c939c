//! The checks explained, from their own documentation: one, those of a level, those of a field, and all as a page.

mod names;

use std::fmt::Write as _;

use podsec_standards::{CHECKS, Check, Edit, Example, Level, Pod, Safety, Verdict, Version};
use serde_json::Value;

use crate::report::wording::title;
use crate::spelling::nearest;
use names::{Name, UNREAD_FIELDS, WORDS};

/// What there is to say about a name that a person meets, as Markdown; none when it is not known.
///
/// - a check or a level: `hostPathVolumes`, `restricted`;
/// - a field as it stands in manifests, or parts of its path: `hostNetwork`, `capabilities`, `securityContext.fsGroup`,
///   `spec.template.spec.containers[0].ports[0].hostPort`;
/// - the words of a violation, alone or in the whole message: `unrestricted capabilities`;
/// - labels, annotations, metrics and states of Kubernetes that speak of the standards.
pub fn explain(subject: &str) -> Option<String> {
    let subject = subject.trim();
    let same = |check: &&&Check| check.id.eq_ignore_ascii_case(subject);
    let check = CHECKS.iter().find(same).map(|check| page(check));
    let level = subject.parse::<Level>().ok().map(level_page);
    // "privileged" is both.
    if check.is_some() || level.is_some() {
        // A check of another level may have the same words.
        let others = of_reason(subject).into_iter().filter(|page| Some(page) != check.as_ref());
        return Some(check.iter().cloned().chain(level).chain(others).collect::<Vec<_>>().join("\n"));
    }
    let ways: [&dyn Fn() -> Vec<String>; 5] = [
        &|| of_field(subject, Match::Whole),
        &|| of_reason(subject),
        &|| of_word(subject),
        &|| of_field(subject, Match::Part),
        &|| of_message(subject),
    ];
    let pages = ways.into_iter().map(|way| way()).find(|pages| !pages.is_empty())?;
    Some(pages.join("\n"))
}

/// Every name that [`explain`] knows: checks, levels, reasons, fields, words.
pub fn names() -> String {
    let mut text = String::from("# Names that podsec explains\n\n## Levels\n\n");
    for level in [Level::Privileged, Level::Baseline, Level::Restricted] {
        line(&mut text, format_args!("- `{level}`"));
    }
    text.push_str("\n## Checks, and the words of their violations\n\n");
    for check in CHECKS {
        let reasons =
            reasons(check).into_iter().map(|reason| format!("`{reason}`")).collect::<Vec<_>>().join(", ");
        line(&mut text, format_args!("- `{}` ({}; {reasons}): {}", check.id, check.level, title(check)));
    }
    text.push_str("\n## Fields\n\n");
    let mut fields: Vec<&str> = CHECKS.iter().flat_map(|check| check.fields).copied().collect();
    fields.extend(UNREAD_FIELDS.iter().map(|field| field.name));
    fields.sort_unstable();
    fields.dedup();
    for field in fields {
        line(&mut text, format_args!("- `{field}`"));
    }
    text.push_str("\n## Words of Kubernetes\n\n");
    for word in WORDS {
        line(&mut text, format_args!("- `{}`: {}", word.name, word.docs.lines().next().unwrap_or("")));
    }
    text
}

/// Names that are spelt nearly as one that is not known, the likeliest first.
pub fn suggestions(subject: &str) -> Vec<&'static str> {
    let wanted = subject.rsplit(['.', '/']).next().unwrap_or(subject);
    let ids = || CHECKS.iter().map(|check| check.id).chain(["privileged", "baseline", "restricted"]);
    let fields = || {
        let read = CHECKS.iter().flat_map(|check| check.fields).copied();
        let all = read.chain(UNREAD_FIELDS.iter().map(|field| field.name));
        all.flat_map(|field| field.split('.')).map(|part| part.trim_end_matches("[*]"))
    };
    let reasons = CHECKS.iter().flat_map(|check| reasons(check));
    let words = WORDS.iter().map(|word| word.name);
    let near = [
        nearest(wanted, ids()),
        nearest(wanted, fields()),
        nearest(subject, reasons),
        nearest(subject, words),
    ];
    let mut found: Vec<&str> = near.into_iter().flatten().collect();
    // A part of a name is no misspelling of it.
    let lower = wanted.to_lowercase();
    if lower.len() > 2 {
        found.extend(ids().filter(|id| id.to_lowercase().contains(&lower)));
    }
    let mut seen = Vec::new();
    for name in found {
        if !seen.contains(&name) {
            seen.push(name);
        }
    }
    seen
}

/// How a field is meant by parts of a path.
#[derive(Clone, Copy)]
enum Match {
    /// The path ends as the field does, or the field as the path does.
    Whole,
    /// The path leads to something that the field is in.
    Part,
}

fn of_field(subject: &str, by: Match) -> Vec<String> {
    let wanted = pattern(subject);
    if wanted.is_empty() {
        return Vec::new();
    }
    let fits = |field: &str| {
        let field = pattern(field);
        match by {
            Match::Whole => {
                field == wanted
                    || field.ends_with(&format!(".{wanted}"))
                    || wanted.ends_with(&format!(".{field}"))
            }
            Match::Part => {
                let (field, wanted) = (format!(".{field}."), format!(".{}.", below_template(&wanted)));
                wanted != ".spec." && field.contains(&wanted)
            }
        }
    };
    let checks = CHECKS.iter().filter(|check| check.fields.iter().any(|field| fits(field)));
    let unread = UNREAD_FIELDS.iter().filter(|field| fits(field.name));
    checks.map(|check| page(check)).chain(unread.map(name_page)).collect()
}

/// The path in the pod of a path in a workload.
fn below_template(path: &str) -> &str {
    path.rsplit_once("template.").map_or(path, |(_, below)| below)
}

/// The checks that have these words.
fn of_reason(subject: &str) -> Vec<String> {
    let fits =
        |check: &&&'static Check| reasons(check).iter().any(|reason| reason.eq_ignore_ascii_case(subject));
    CHECKS.iter().filter(fits).map(|check| page(check)).collect()
}

/// The checks whose words stand in a message.
fn of_message(subject: &str) -> Vec<String> {
    let fits = |check: &&&'static Check| {
        // Words alone say little: they are followed by what is wrong.
        reasons(check).iter().any(|reason| subject.contains(&format!("{reason} (")))
    };
    CHECKS.iter().filter(fits).map(|check| page(check)).collect()
}

fn of_word(subject: &str) -> Vec<String> {
    let label = subject.replace("/warn", "/enforce").replace("/audit-version", "/enforce");
    let label = label.replace("/enforce-version", "/enforce");
    let label = if label.ends_with("/audit") { label.replace("/audit", "/enforce") } else { label };
    WORDS
        .iter()
        .filter(|word| word.name == label || word.name.eq_ignore_ascii_case(subject))
        .map(name_page)
        .collect()
}

fn name_page(name: &Name) -> String {
    format!("# {}\n\n{}\n", name.name, name.docs)
}

/// What Kubernetes calls a violation of a check, as its examples show it.
fn reasons(check: &'static Check) -> Vec<&'static str> {
    let mut reasons = Vec::new();
    for example in check.examples.iter().filter(|example| example.verdict != Verdict::Allow) {
        let Ok(pod) = Pod::from_json(example.pod.as_bytes()) else { continue };
        let reason = check.judge(example.since, &pod).map(|violation| violation.reason());
        reasons.extend(reason.filter(|reason| !reasons.contains(reason)));
    }
    reasons
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
    use podsec_apimachinery::schema::{Definitions, Schema, Shape};

    use super::*;

    /// The headings of what is said of a name.
    fn told(subject: &str) -> Vec<String> {
        let text = explain(subject).unwrap_or_default();
        text.lines().filter_map(|line| line.strip_prefix("# ")).map(str::to_owned).collect()
    }

    #[test]
    fn checks_levels_and_fields_are_explained() {
        assert_eq!(told("privileged"), ["privileged", "privileged"]);
        assert!(explain("Baseline").is_none() && explain("baseline").is_some());
        assert_eq!(told("hostNetwork"), ["hostNamespaces"]);
        assert_eq!(told(".spec.initContainers[3].ports[0].hostPort"), ["hostPorts"]);
        assert_eq!(told("work"), [""; 0]);
        assert_eq!(told(""), [""; 0]);
        assert_eq!(told("spec"), [""; 0]);
    }

    #[test]
    fn objects_around_a_field_are_explained_by_all_checks_that_read_in_them() {
        assert_eq!(told("capabilities"), ["capabilities_baseline", "capabilities_restricted"]);
        assert!(told("seccompProfile").contains(&"seccompProfile_restricted".to_owned()));
        assert!(told("spec.template.spec.containers[0].securityContext.capabilities").len() == 2);
        assert!(told("securityContext.windowsOptions").contains(&"windowsHostProcess".to_owned()));
    }

    #[test]
    fn every_reason_of_kubernetes_is_explained_alone_and_in_a_message() {
        for check in CHECKS {
            let reasons = reasons(check);
            assert!(!reasons.is_empty(), "{}", check.id);
            for reason in reasons {
                assert!(told(reason).contains(&check.id.to_owned()), "{reason}: {:?}", told(reason));
            }
        }
        let message = r#"pods "a" is forbidden: violates PodSecurity "restricted:latest": host namespaces (hostPID=true), runAsNonRoot != true (pod or container "a" must set securityContext.runAsNonRoot=true)"#;
        assert_eq!(told(message), ["hostNamespaces", "runAsNonRoot"]);
    }

    #[test]
    fn every_field_of_both_security_contexts_is_explained() {
        let pod = Definitions::pod_template().unwrap();
        let below = |schema: Schema<'static>, name: &str| match schema.shape() {
            Shape::Struct(fields) => fields.field(name).unwrap(),
            other => panic!("{other:?}"),
        };
        let spec = below(pod, "spec");
        let Shape::List(container) = below(spec, "containers").shape() else { panic!() };
        for (path, context) in [
            ("spec.template.spec.securityContext", below(spec, "securityContext")),
            ("spec.containers[0].securityContext", below(container, "securityContext")),
        ] {
            let Shape::Struct(fields) = context.shape() else { panic!() };
            assert!(fields.fields().count() > 10);
            for (name, field) in fields.fields() {
                for subject in [name.to_owned(), format!("{path}.{name}")] {
                    assert!(explain(&subject).is_some(), "{subject}");
                }
                let inner = match field.shape() {
                    Shape::List(item) => item.shape(),
                    other => other,
                };
                if let Shape::Struct(inner) = inner {
                    for (inner, _) in inner.fields() {
                        let subject = format!("{path}.{name}.{inner}");
                        assert!(explain(&subject).is_some(), "{subject}");
                    }
                }
            }
        }
    }

    #[test]
    fn no_check_reads_a_field_that_is_told_to_be_unread() {
        let is_read = |field: &Name| CHECKS.iter().any(|check| check.fields.contains(&field.name));
        assert!(!UNREAD_FIELDS.iter().any(is_read));
    }

    #[test]
    fn every_path_that_a_fix_prints_is_explained() {
        for check in CHECKS {
            for example in check.examples {
                let pod = Pod::from_json(example.pod.as_bytes()).unwrap();
                let Some(violation) = check.judge(example.since, &pod) else { continue };
                for field in &violation.fields() {
                    for path in
                        [field.path().to_string(), format!("spec.jobTemplate.spec.template.{}", field.path())]
                    {
                        assert!(told(&path).contains(&check.id.to_owned()), "{path}: {:?}", told(&path));
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_listed_is_known_and_what_is_misspelt_has_a_suggestion() {
        for name in names().lines().filter_map(|line| line.strip_prefix("- `")?.split('`').next()) {
            assert!(explain(name).is_some(), "{name}");
        }
        assert_eq!(suggestions("hostPathVolume").first(), Some(&"hostPathVolumes"));
        assert!(suggestions("securityContext.runAsNonRot").contains(&"runAsNonRoot"));
        assert!(suggestions("priviledged").contains(&"privileged"));
        assert!(suggestions("fsgruop").contains(&"fsGroup"));
        assert!(suggestions("volumes").contains(&"restrictedVolumes"));
        assert_eq!(suggestions("qqqqqq"), [""; 0]);
        for word in [
            "pod-security.kubernetes.io/warn",
            "pod-security.kubernetes.io/audit-version",
            "CreateContainerConfigError",
        ] {
            assert!(explain(word).is_some(), "{word}");
        }
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
