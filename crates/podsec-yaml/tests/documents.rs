//! Documents, merges, duplicates and hostile texts.

use podsec_yaml::{documents, to_json, to_json_strict};
use serde_json::{Value, json};

/// Every document as JSON, or `line:column: message`.
fn read(text: &str) -> Vec<Result<Value, String>> {
    documents(text)
        .map(|document| match document {
            Ok(document) => Ok(document.to_json()),
            Err(error) => Err(format!("{}:{}: {}", error.line, error.column, error.message)),
        })
        .collect()
}

#[test]
fn empty_documents_are_left_out() {
    let text = "---\n---\n# only a comment\n---   \n---  # comment\na: 1\n---\n~\n---\n\n---\nb: 2\n---";
    assert_eq!(read(text), [Ok(json!({"a": 1})), Ok(json!({"b": 2}))]);
    assert_eq!(read(""), []);
    assert_eq!(read("\n \n"), []);
}

#[test]
fn a_broken_document_does_not_hide_the_next() {
    let template = "`{{` opens a mapping as a key; a template must be rendered first, or its text quoted";
    assert_eq!(
        read("a: [\n---\nb: 2\n---\n{{ x }}: 1\n---\nc: 3\n"),
        [
            Err("1:4: unclosed bracket '['".to_owned()),
            Ok(json!({"b": 2})),
            Err(format!("5:1: {template}")),
            Ok(json!({"c": 3}))
        ]
    );
    assert_eq!(read("a: {{ x }}"), [Err(format!("1:5: {template}"))]);
}

#[test]
fn text_after_a_separator_is_refused_as_kubectl_does() {
    let error = Err("2:1: invalid Yaml document separator: b: 2".to_owned());
    assert_eq!(read("a: 1\n--- b: 2\nc: 3\n"), [Ok(json!({"a": 1})), error, Ok(json!({"c": 3}))]);
    assert_eq!(read("--- a: 1\n"), [Err("1:1: invalid Yaml document separator: a: 1".to_owned())]);
    assert_eq!(read("----\n"), [Err("1:1: invalid Yaml document separator: -".to_owned())]);
}

#[test]
fn a_separator_splits_wherever_it_starts_a_line() {
    assert_eq!(
        read("a: |\n  x\n  ---\n  y\n---\nb: 1"),
        [Ok(json!({"a": "x\n---\ny\n"})), Ok(json!({"b": 1}))]
    );
    assert_eq!(
        read("a: 'x\n\n---\nb: 1'"),
        read("a: 'x\n\n").into_iter().chain(read_at_line("b: 1'", 4)).collect::<Vec<_>>()
    );
}

fn read_at_line(text: &str, line: usize) -> Vec<Result<Value, String>> {
    read(&format!("{}{text}", "\n".repeat(line - 1)))
}

#[test]
fn windows_files_read_the_same() {
    let text = "\u{feff}---\r\na: |\r\n  x\r\n  y\r\nb: y\r\n---\r\nc: 1\r\n";
    assert_eq!(read(text), [Ok(json!({"a": "x\ny\n", "b": true})), Ok(json!({"c": 1}))]);
}

#[test]
fn json_objects_may_follow_one_another() {
    let text = "{\"a\": \"\\/\\ud83d\\ude00\"} {\n\t\"b\": 1.0,\n\t\"yes\": \"y\"}\n{}";
    assert_eq!(read(text), [Ok(json!({"a": "/😀"})), Ok(json!({"b": 1, "yes": "y"})), Ok(json!({}))]);
    assert_eq!(read("{\"a\": 1}\n---\n{b: y}"), [Ok(json!({"a": 1})), Ok(json!({"b": true}))]);
    let second = documents(text).nth(1).unwrap().unwrap();
    let value = second.root().get("yes").unwrap();
    assert_eq!((value.position().to_string(), &text[value.span().range()]), ("3:9".to_owned(), "\"y\""));
    assert_eq!(second.root().position().to_string(), "1:25");
}

#[test]
fn a_long_key_is_for_json_alone() {
    let key = "k".repeat(5000);
    assert_eq!(read(&format!("{{\"{key}\": 1}}")), [Ok(json!({ &*key: 1 }))]);
    assert!(to_json(&format!("{key}: 1")).is_err());
}

#[test]
fn what_follows_an_end_marker_is_never_read() {
    let text = "a: 1\n...\nb: 2\n# c\n---\nc: 3\n...\n# only a comment\n";
    assert_eq!(read(text), [Ok(json!({"a": 1})), Ok(json!({"c": 3}))]);
    let unread: Vec<_> = documents(text)
        .map(|document| document.unwrap().unread().map(|span| text[span.range()].to_owned()))
        .collect();
    assert_eq!(unread, [Some("b: 2\n# c\n".to_owned()), None]);
}

#[test]
fn a_body_is_its_first_document_and_keeps_its_end() {
    assert_eq!(to_json("a: 1\n---\nb: 2\n"), Ok(json!({"a": 1})));
    assert_eq!(to_json(""), Ok(Value::Null));
    assert_eq!(to_json("a: |\n  x"), Ok(json!({"a": "x"})));
    assert_eq!(to_json("a: >\n  x\n  y"), Ok(json!({"a": "x y"})));
    assert_eq!(to_json("a: |\n  x\n"), Ok(json!({"a": "x\n"})));
    assert_eq!(to_json("a: |\n  x\n  "), Ok(json!({"a": "x\n"})));
    assert_eq!(to_json("a: |\n  x\n# c"), Ok(json!({"a": "x\n"})));
    assert_eq!(to_json("a: |-\n  x"), Ok(json!({"a": "x"})));
    assert_eq!(read("a: |\n  x"), [Ok(json!({"a": "x\n"}))]);
}

#[test]
fn the_last_of_equal_keys_wins_unless_strict() {
    let text = "a: 1\nb: {c: 1, c: 2}\na: 3\n1: x\n'1': z\n";
    assert_eq!(to_json(text), Ok(json!({"a": 3, "b": {"c": 2}, "1": "z"})));
    let duplicates = documents(text).next().unwrap().unwrap().duplicates();
    assert_eq!(
        duplicates.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [
            r#"line 2, column 11: key "c" already set in map"#,
            r#"line 3, column 1: key "a" already set in map"#,
            r#"line 5, column 1: key "1" already set in map"#,
        ]
    );
    assert_eq!(to_json_strict(text).unwrap_err(), duplicates[0]);
    assert_eq!(to_json_strict("a: 1\nb: 2\n"), Ok(json!({"a": 1, "b": 2})));
    let many = (0..40).map(|key| format!("k{}: {key}", key % 39)).collect::<Vec<_>>().join("\n");
    assert_eq!(to_json_strict(&many).unwrap_err().line, 40);
}

#[test]
fn merges_set_their_fields_where_they_stand() {
    for (text, expected) in [
        ("<<: {q: r}", json!({"q": "r"})),
        ("{<<: {c: 1, d: 2}, c: 3}", json!({"c": 3, "d": 2})),
        ("{c: 3, <<: {c: 1, d: 2}}", json!({"c": 1, "d": 2})),
        ("<<: [{q: 1}, {q: 2, r: 3}]", json!({"q": 1, "r": 3})),
        ("m: &m {q: 1}\nz: {<<: *m, <<: {q: 4}}", json!({"m": {"q": 1}, "z": {"q": 4}})),
        ("!!merge <<: {q: 1}", json!({"q": 1})),
        ("! <<: {q: 1}", json!({"q": 1})),
        ("!!merge foo: {q: 1}", json!({"foo": {"q": 1}})),
        (
            "a: &a {x: 1}\nb: &b {<<: *a, z: 2}\nc: {<<: *b}",
            json!({"a": {"x": 1}, "b": {"x": 1, "z": 2}, "c": {"x": 1, "z": 2}}),
        ),
        ("a: &b\nc: *b", json!({"a": null, "c": null})),
        ("&a b: *a", json!({"b": "b"})),
        ("a: &x 1\nb: {*x : 2}", json!({"a": 1, "b": {"1": 2}})),
    ] {
        assert_eq!(to_json(text), Ok(expected), "{text:?}");
    }
    assert!(to_json_strict("<<: {c: 1}\nc: 2").is_err(), "an override counts as a duplicate");
}

#[test]
fn a_laughing_document_is_stopped() {
    let line = |level: usize| format!("a{level}: &a{level} [{}]\n", format!("*a{}, ", level - 1).repeat(10));
    let text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned()
        + &(1..20).map(line).collect::<Vec<_>>().concat();
    assert_eq!(to_json(&text).unwrap_err().message, "document contains excessive aliasing");
}

#[test]
fn aliases_of_a_long_scalar_are_stopped_where_they_repeat_too_much() {
    let text = format!("a: &a {}\nc:\n{}", "x".repeat(1 << 20), "- *a\n".repeat(3000));
    let error = to_json(&text).unwrap_err();
    assert_eq!((error.line, error.column), (10, 3));
    assert_eq!(
        error.message,
        "aliases repeat more than 8388608 bytes up to this one; write less behind its anchor"
    );
    let text = format!("a: &a {}\nc:\n{}", "x".repeat(1 << 20), "- *a\n".repeat(7));
    assert!(to_json(&text).is_ok());
}

#[test]
fn modest_reuse_is_no_laughing_matter() {
    let text = format!("a: &a {{b: 1}}\nc: [{}]\n", "*a, ".repeat(2000));
    assert_eq!(to_json(&text).unwrap()["c"].as_array().unwrap().len(), 2000);
}

#[test]
fn depth_is_bounded() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(to_json(&nested(250)).is_ok());
    assert!(
        to_json(&("- ".repeat(250) + &nested(250))).is_ok(),
        "the deepest text that is read fits the stack"
    );
    assert!(to_json(&nested(100_000)).is_err());
    assert!(to_json(&"- ".repeat(100_000)).is_err());
    let (open, close) = ("[".repeat(200), "]".repeat(200));
    let line = |level: usize| format!("a{level}: &a{level} {open}*a{}{close}\n", level - 1);
    let text = format!("a0: &a0 {}\n", nested(200)) + &(1..5).map(line).collect::<Vec<_>>().concat();
    assert_eq!(to_json(&text).unwrap_err().message, "aliases nest too deeply");
}

#[test]
fn many_comments_are_no_trouble() {
    let text = format!("a: 1\n{}b:\n{}- 2\n", "# c\n".repeat(500), "  # d\n".repeat(500));
    assert_eq!(read(&text), [Ok(json!({"a": 1, "b": [2]}))]);
    assert_eq!(documents(&text).next().unwrap().unwrap().comments().len(), 1000);
}

#[test]
fn a_lone_carriage_return_ends_a_line_in_earlier_documents_too() {
    for (text, line) in [("a: 1\r\n---\nb: 2\n", 3), ("a:\r  b: 1\n---\nc: 2\n", 4), ("{}\r{\"a\": 1}\n", 2)]
    {
        let last = documents(text).last().unwrap().unwrap();
        assert_eq!(last.root().position().line, line, "{text:?}");
    }
}
