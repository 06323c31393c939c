//! Whether an answer is the recorded one, when what a server makes up is written `<uid-1>`, `<time>`, `<ip-2>` and so on.

use serde_json::Value;

/// Whether `have` is what `want` describes.
pub(crate) fn matches(want: &Value, have: &Value) -> bool {
    match (want, have) {
        (Value::Object(want), Value::Object(have)) => {
            want.len() == have.len()
                && want.iter().all(|(name, want)| have.get(name).is_some_and(|have| matches(want, have)))
        }
        (Value::Array(want), Value::Array(have)) => {
            want.len() == have.len() && want.iter().zip(have).all(|(want, have)| matches(want, have))
        }
        (Value::String(want), Value::String(have)) => text_matches(want, have),
        // A port is a number, and its placeholder is a text.
        (Value::String(want), Value::Number(_)) => want.starts_with("<nodePort"),
        (Value::Number(want), Value::Number(have)) => want.as_f64() == have.as_f64(),
        (want, have) => want == have,
    }
}

/// Whether two lists hold the same, in any order.
pub(crate) fn matches_in_any_order(want: &[Value], have: &[Value]) -> bool {
    let mut left: Vec<&Value> = have.iter().collect();
    want.len() == have.len()
        && want.iter().all(|want| {
            let found = left.iter().position(|have| matches(want, have));
            found.map(|index| left.remove(index)).is_some()
        })
}

/// Whether a text is what `want` describes: the same between the placeholders, and something in the place of each.
pub(crate) fn text_matches(want: &str, have: &str) -> bool {
    let Some((start, end)) = placeholder(want) else { return want == have };
    let Some(rest) = have.strip_prefix(&want[..start]) else { return false };
    let kind = want[start + 1..end - 1].split('-').next().unwrap_or_default();
    let lengths = match kind {
        "uid" => 36..=36,
        "suffix" => 5..=5,
        "time" => 20..=40,
        "ip" => 2..=39,
        _ => 1..=4096,
    };
    lengths
        .filter(|length| rest.is_char_boundary(*length) && *length <= rest.len())
        .any(|length| text_matches(&want[end..], &rest[length..]))
}

/// Where the first placeholder begins and ends.
fn placeholder(text: &str) -> Option<(usize, usize)> {
    text.match_indices('<').find_map(|(start, _)| {
        let end = start + text[start..].find('>')? + 1;
        let (kind, number) = match text[start + 1..end - 1].split_once('-') {
            Some((kind, number)) => (kind, number),
            None => (&text[start + 1..end - 1], "0"),
        };
        let known = matches!(
            kind,
            "age" | "uid" | "rv" | "time" | "ip" | "nodePort" | "suffix" | "token" | "certificate"
        );
        (known && number.bytes().all(|byte| byte.is_ascii_digit())).then_some((start, end))
    })
}

#[test]
fn a_placeholder_stands_for_what_a_server_makes_up_and_nothing_else() {
    assert!(text_matches("a <uid-1>: no", "a 57d3e881-ad8c-4a37-9275-b3ecd214c400: no"));
    assert!(text_matches("web-<suffix-1>", "web-x2b4z"));
    assert!(!text_matches("web-<suffix-1>", "web-x2b4zz"));
    assert!(text_matches("<b> & <none>", "<b> & <none>"));
    assert!(!text_matches("<none>", "x"));
    assert!(matches(
        &serde_json::json!({"nodePort": "<nodePort-1>"}),
        &serde_json::json!({"nodePort": 30000})
    ));
}
