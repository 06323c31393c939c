//! No comment lies: one may go with what it explains, and none comes to explain something else.

use std::fmt::Write as _;

use podsec_standards::{CHECKS, Check, Example, Policy, Verdict};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{assert_sound, fixed};

/// A comment, and the line that it explains: the one that it ends, or the one that it stands directly above in the same
/// column; none when there is no such line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Explained {
    comment: String,
    line: Option<String>,
}

/// The comments of a document and what each explains.
pub(crate) fn explained(text: &str, document: &podsec_yaml::Document<'_>) -> Vec<Explained> {
    let whole = document.comments().iter();
    whole
        .map(|comment| Explained {
            comment: text[comment.span.range()].trim_end().to_owned(),
            line: explained_line(text, comment.span.start),
        })
        .collect()
}

fn explained_line(text: &str, start: usize) -> Option<String> {
    let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
    let before = text[line_start..start].trim_end_matches([' ', ',']);
    let before = if before.is_empty() { &text[line_start..start] } else { before };
    if !before.trim_matches([' ', '-', '\u{feff}']).is_empty() {
        // Which of several values in one line it explains is not told by lines.
        let last = before.rsplit(',').next().unwrap_or(before);
        return (!last.replace("{}", "").contains(['{', '[', ',', '}', ']'])).then(|| subject(last));
    }
    let column = before.chars().count();
    for line in text[start..].lines().skip(1) {
        let content = line.trim_start_matches(' ');
        let indent = line.len() - content.len();
        match (content.trim().is_empty(), content.starts_with('#')) {
            (false, true) if indent == column => {}
            // The item of a list, whatever its first field is.
            (false, false)
                if indent == column
                    && content.starts_with("- ")
                    && (content.contains([':', '{']) || content.trim() == "- null") =>
            {
                return Some("-".to_owned());
            }
            (false, false) if indent == column => {
                // What stands behind a closing bracket is outside of what the comment stands in.
                let line = content.split(['{', '[', ',', '}', ']']).next().unwrap_or("");
                return Some(subject(line));
            }
            _ => return None,
        }
    }
    None
}

/// What a line speaks of: a field with its value if that is a scalar, and without it if it is a collection.
fn subject(line: &str) -> String {
    let line = line.split(" #").next().unwrap_or("").trim_matches([' ', '-', '\u{feff}']);
    let (key, value) = line.split_once(':').unwrap_or((line, ""));
    let is_collection =
        matches!(value.trim(), "" | "{}" | "[]" | "~" | "null") || value.trim().starts_with(['&', '!']);
    if is_collection { key.to_owned() } else { line.to_owned() }
}

/// What comments come to explain that they did not, if they do.
pub(crate) fn lies(old: &[Explained], new: &[Explained]) -> Vec<Explained> {
    new.iter().filter(|now| now.line.is_some() && !old.contains(now)).cloned().collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_comment_around_a_field_that_is_mended_comes_to_explain_another(
        (check, example) in prop::sample::select(forbidden()),
        in_deployment in any::<bool>(),
        list_indent in prop::sample::select(vec![0_usize, 2]),
        places in prop::collection::vec(0_u8..64, 80),
        policy in prop::sample::select(vec![crate::RESTRICTED, crate::BASELINE]),
    ) {
        let pod: Value = serde_json::from_str(example.pod).unwrap();
        let mut object = if in_deployment { json!({"spec": {"template": pod}}) } else { pod };
        object["apiVersion"] = if in_deployment { "apps/v1" } else { "v1" }.into();
        object["kind"] = if in_deployment { "Deployment" } else { "Pod" }.into();
        object["x"] = "last".into();
        let mut lines = Vec::new();
        write(&object, 0, list_indent, &mut lines);
        let text = commented(&lines, &places);
        for policy in [policy, Policy::new(check.level, example.since)] {
            let fixed = fixed(&text, policy, true);
            if let Err(problem) = assert_sound(&text, &fixed) {
                return Err(TestCaseError::fail(format!("{problem}\n{text}\n--- became\n{}", fixed.text)));
            }
        }
    }
}

fn forbidden() -> Vec<(&'static Check, &'static Example)> {
    let examples =
        CHECKS.iter().flat_map(|check| check.examples.iter().map(move |example| (*check, example)));
    examples.filter(|(_, example)| example.verdict != Verdict::Allow).collect()
}

/// The lines of a value in block style, each with its indentation.
fn write(value: &Value, column: usize, list_indent: usize, lines: &mut Vec<(usize, String)>) {
    let filled = |value: &Value| match value {
        Value::Object(fields) => !fields.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    };
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                if filled(value) {
                    lines.push((column, format!("{name}:")));
                    let below = if value.is_array() { list_indent } else { 2 };
                    write(value, column + below, list_indent, lines);
                } else {
                    lines.push((column, format!("{name}: {value}")));
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                let first = lines.len();
                if filled(item) {
                    write(item, column + 2, list_indent, lines);
                } else {
                    lines.push((column, item.to_string()));
                }
                let (indent, text) = &mut lines[first];
                (*indent, *text) = (column, format!("- {text}"));
            }
        }
        _ => {}
    }
}

/// The lines with comments around them, each comment another one: above, behind, below, and blank lines.
fn commented(lines: &[(usize, String)], places: &[u8]) -> String {
    let mut text = String::new();
    let mut count = 0;
    let mut comment = |text: &mut String, pad: &str, end: &str| {
        count += 1;
        let _ = write!(text, "{pad}# {count}{end}");
    };
    for (index, (indent, line)) in lines.iter().enumerate() {
        let place = places[index % places.len()];
        let has = |bits: u8| place & bits == bits;
        let pad = " ".repeat(*indent);
        if has(BLANK_LINE) {
            text.push('\n');
        }
        if has(ABOVE) {
            comment(&mut text, &pad, "\n");
        }
        if has(ABOVE | SECOND) {
            comment(&mut text, &pad, "\n");
        }
        let _ = write!(text, "{pad}{line}");
        if has(BEHIND) {
            comment(&mut text, " ", "");
        }
        text.push('\n');
        if has(DEEPER) {
            comment(&mut text, &" ".repeat(indent + 2), "\n");
        }
        if has(SECOND | SHALLOWER) {
            comment(&mut text, &" ".repeat(indent.saturating_sub(2)), "\n");
        }
    }
    text
}

const ABOVE: u8 = 1;
const BEHIND: u8 = 1 << 1;
const DEEPER: u8 = 1 << 2;
const SHALLOWER: u8 = 1 << 3;
const SECOND: u8 = 1 << 4;
const BLANK_LINE: u8 = 1 << 5;

fn changed(spec: &str, policy: Policy) -> String {
    let text = format!("apiVersion: v1\nkind: Pod\nspec:\n{spec}");
    let fixed = fixed(&text, policy, true);
    assert_sound(&text, &fixed).unwrap();
    fixed.text.split_once("spec:\n").unwrap().1.to_owned()
}

#[test]
fn a_comment_goes_with_the_line_that_it_explains() {
    let spec = "  # all of them\n  hostPID: true # to see them\n  # the web\n  containers: []\n";
    assert_eq!(changed(spec, crate::BASELINE), "  # the web\n  containers: []\n");
    let spec = "  containers:\n  - name: a\n    securityContext:\n      privileged: true  # needs devices\n      # unprivileged: later\n";
    assert_eq!(
        changed(spec, crate::RESTRICTED),
        "  containers:\n  - name: a\n    securityContext:\n      allowPrivilegeEscalation: false\n      capabilities:\n        drop:\n        - ALL\n      # unprivileged: later\n  securityContext:\n    runAsNonRoot: true\n    seccompProfile:\n      type: RuntimeDefault\n"
    );
}

#[test]
fn a_comment_goes_with_the_value_that_it_explains() {
    let spec = "  securityContext:\n    # binds port 80\n    runAsNonRoot: false # root\n    # any\n    fsGroup: 1\n  containers: []\n";
    assert_eq!(
        changed(spec, crate::RESTRICTED),
        "  securityContext:\n    runAsNonRoot: true\n    # any\n    fsGroup: 1\n  containers: []\n"
    );
}

#[test]
fn a_new_field_does_not_come_below_a_comment_that_closes_its_neighbours() {
    let spec = "  containers:\n  - name: a\n    image: b\n    # command: later\n";
    let fixed = changed(spec, crate::RESTRICTED);
    assert!(fixed.starts_with("  containers:\n  - name: a\n    image: b\n    securityContext:\n"), "{fixed}");
    assert!(fixed.contains("- ALL\n    # command: later\n  securityContext:\n"), "{fixed}");
}
